//! Dead code elimination in scans: carries, sequences, constants and outputs that serve nothing, and values that are not really carried.

use cranelift_entity::SecondaryMap;

use super::{ParamRole, add_param, finish_body, role, steps};
use crate::passes::dead_code::live_nodes;
use crate::passes::{Rewriter, everywhere, rewrite};
use crate::{Graph, GraphError, Node, Op, Scan, Value};

/// Drops what loops compute in vain: outputs that nothing uses and what only they need. Carries that never change become
/// constants, equal inputs become one, and stacked inputs and constants are not stacked again.
///
/// # Errors
/// If the graph is not sound.
pub fn remove_dead_code_in_loops(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(in crate::passes) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    let mut used: SecondaryMap<Value, bool> = SecondaryMap::with_default(false);
    let inputs = graph.nodes().flat_map(|n| graph.inputs(n).iter().copied());
    for value in inputs.chain(graph.roots()) {
        used[value] = true;
    }
    rewrite(graph, |rewriter, node| {
        let Op::Scan(scan) = graph.op(node) else {
            return rewriter.copy(node);
        };
        let used: Vec<bool> = graph.outputs(node).iter().map(|&v| used[v]).collect();
        let inputs = rewriter.values(graph.inputs(node))?;
        let steps = steps(scan, graph, graph.inputs(node));
        let (Some(steps), true) = (steps, used.contains(&true)) else {
            return rewriter.copy(node);
        };
        let plan = Trim::new(scan, &used, inputs, steps);
        plan.apply(rewriter, node)
    })
}

/// Where an output comes from after trimming.
#[derive(Clone, Copy)]
enum OutputSource {
    /// Nothing uses it.
    Nowhere,
    /// The final value of the old carry of this position.
    Carry(usize),
    /// A stacked value of the body.
    Stacked(Value),
    /// An input of the scan, as it is.
    Input(usize),
    /// An input of the scan, repeated for each step.
    Repeated(usize),
}

struct Trim<'s> {
    scan: &'s Scan,
    params: Vec<Value>,
    inputs: Vec<Value>,
    steps: usize,
    outputs: Vec<OutputSource>,
    /// Which carries remain carried.
    carried: Vec<bool>,
    /// Which parameters of the body something reads.
    read: Vec<bool>,
}

impl<'s> Trim<'s> {
    fn new(scan: &'s Scan, used: &[bool], inputs: Vec<Value>, steps: usize) -> Self {
        let params: Vec<Value> = scan.body.params().map(|(v, ..)| v).collect();
        let results = scan.body.results();
        let fixed = |i: usize| results[i] == params[i];
        let source = |i: usize| match params.iter().position(|&p| p == results[i]) {
            _ if !used[i] => OutputSource::Nowhere,
            _ if i < scan.carries && fixed(i) => OutputSource::Input(i),
            _ if i < scan.carries => OutputSource::Carry(i),
            Some(p) => match role(scan, p) {
                ParamRole::Sequence(_) => OutputSource::Input(p),
                ParamRole::Constant(_) => OutputSource::Repeated(p),
                ParamRole::Carry(c) if fixed(c) => OutputSource::Repeated(p),
                ParamRole::Carry(_) => OutputSource::Stacked(results[i]),
            },
            None => OutputSource::Stacked(results[i]),
        };
        let outputs: Vec<OutputSource> = (0..results.len()).map(source).collect();
        let mut trim = Trim {
            scan,
            carried: (0..scan.carries).map(|i| used[i] && !fixed(i)).collect(),
            read: vec![false; params.len()],
            params,
            inputs,
            steps,
            outputs,
        };
        trim.follow_carries();
        trim
    }

    /// The values of the body that are still computed for the outside or the next step.
    fn roots(&self) -> Vec<Value> {
        let carried = (0..self.scan.carries).filter(|&i| self.carried[i]);
        let mut roots: Vec<Value> = carried.map(|i| self.scan.body.results()[i]).collect();
        for source in &self.outputs {
            if let OutputSource::Stacked(value) = source
                && !roots[..].contains(value)
            {
                roots.push(*value);
            }
        }
        roots
    }

    /// A carry that a needed value reads is needed itself.
    fn follow_carries(&mut self) {
        let body = &self.scan.body;
        loop {
            let roots = self.roots();
            let mut read: SecondaryMap<Value, bool> = SecondaryMap::with_default(false);
            roots.iter().for_each(|&v| read[v] = true);
            for node in live_nodes(body, roots.into_iter()).keys() {
                body.inputs(node).iter().for_each(|&v| read[v] = true);
            }
            self.read = self.params.iter().map(|&p| read[p]).collect();
            let mut grown = false;
            for i in 0..self.scan.carries {
                let needed = self.read[i] && body.results()[i] != self.params[i];
                grown |= needed && !self.carried[i];
                self.carried[i] |= needed;
            }
            if !grown {
                return;
            }
        }
    }

    fn apply(self, rewriter: &mut Rewriter, node: Node) -> Result<(), GraphError> {
        rewriter.label_as(node);
        let (scan, inputs) = self.trimmed_scan()?;
        let finals: Vec<usize> = (0..self.scan.carries)
            .filter(|&i| self.carried[i])
            .collect();
        let stacked = self.stacked();
        let made = match finals.is_empty() && stacked.is_empty() {
            true => vec![],
            false => {
                let new = rewriter.new_graph_mut();
                let node = new.push_multi(Op::Scan(Box::new(scan)), &inputs)?;
                new.outputs(node).to_vec()
            }
        };
        let at = |position: Option<usize>| {
            let made = position.and_then(|p| made.get(p));
            made.copied()
                .ok_or_else(|| GraphError::op("scan", "a used output was trimmed"))
        };
        let old = rewriter.old();
        for (&output, source) in old.outputs(node).iter().zip(&self.outputs) {
            let new = match source {
                OutputSource::Nowhere => continue,
                OutputSource::Carry(i) => at(finals.iter().position(|f| f == i))?,
                OutputSource::Stacked(value) => {
                    let place = stacked.iter().position(|v| v == value);
                    at(place.map(|p| finals.len() + p))?
                }
                OutputSource::Input(p) => self.inputs[*p],
                OutputSource::Repeated(p) => {
                    let mut shape = old.spec(output).shape.clone();
                    if let Some(steps) = shape.dims_mut().first_mut() {
                        *steps = Some(self.steps);
                    }
                    let dims = (1..shape.rank()).collect();
                    rewriter.push(Op::BroadcastInDim { shape, dims }, &[self.inputs[*p]])?
                }
            };
            rewriter.bind(output, new);
        }
        Ok(())
    }

    /// The stacked values, each once.
    fn stacked(&self) -> Vec<Value> {
        let mut stacked = vec![];
        for source in &self.outputs {
            if let OutputSource::Stacked(value) = source
                && !stacked.contains(value)
            {
                stacked.push(*value);
            }
        }
        stacked
    }

    /// The scan with what is left, and its inputs.
    fn trimmed_scan(&self) -> Result<(Scan, Vec<Value>), GraphError> {
        let old = &self.scan.body;
        let names: Vec<&str> = old.params().map(|(.., name)| name).collect();
        let mut rewriter = Rewriter::without_params(old);
        let mut inputs = vec![];
        let carries: Vec<usize> = (0..self.scan.carries)
            .filter(|&i| self.carried[i])
            .collect();
        for &i in &carries {
            let param = add_param(&mut rewriter, self.params[i], names[i]);
            rewriter.bind(self.params[i], param);
            inputs.push(self.inputs[i]);
        }
        let mut counts = [0, 0];
        for (kind, count) in counts.iter_mut().enumerate() {
            let mut known: Vec<(Value, Value)> = vec![];
            for (i, &param) in self.params.iter().enumerate() {
                let wanted = match role(self.scan, i) {
                    ParamRole::Carry(c) => kind == 1 && !self.carried[c],
                    ParamRole::Sequence(_) => kind == 0,
                    ParamRole::Constant(_) => kind == 1,
                };
                if !wanted || !self.read[i] {
                    continue;
                }
                let input = self.inputs[i];
                // Carries' shapes may be known less well than the input's.
                let same = known
                    .iter()
                    .find(|&&(v, p)| v == input && rewriter.new_graph().spec(p) == old.spec(param));
                if let Some(&(_, new)) = same {
                    rewriter.bind(param, new);
                    continue;
                }
                let new = add_param(&mut rewriter, param, names[i]);
                rewriter.bind(param, new);
                known.push((input, new));
                inputs.push(input);
                *count += 1;
            }
        }
        let roots = self.roots();
        let live = live_nodes(old, roots.iter().copied());
        for node in old.nodes().filter(|&n| live.contains(n)) {
            rewriter.copy(node)?;
        }
        let finals = carries.iter().map(|&i| old.results()[i]);
        let results: Vec<Value> = finals.chain(self.stacked()).collect();
        let scan = Scan {
            body: finish_body(rewriter, &results)?,
            carries: carries.len(),
            sequences: counts[0],
            reverse: self.scan.reverse,
            length: Some(self.steps),
        };
        Ok((scan, inputs))
    }
}
