//! Loop-invariant code motion: what is the same at every step, and products of a sequence with a constant.

use std::collections::HashMap;

use cranelift_entity::{EntitySet, SecondaryMap};

use super::{ParamRole, add_param, finish_body, role};
use crate::passes::{Rewriter, everywhere, rewrite};
use crate::{Graph, GraphError, Node, Op, Scan, Value};

/// Computes once, before a loop, what is the same at each of its steps, and multiplies a sequence by a constant for all
/// steps at once.
///
/// # Errors
/// If the graph is not sound.
pub fn hoist_loop_invariants(graph: &Graph) -> Result<Graph, GraphError> {
    everywhere(graph, level)
}

/// The pass without the bodies of scans.
pub(in crate::passes) fn level(graph: &Graph) -> Result<Graph, GraphError> {
    rewrite(graph, |rewriter, node| {
        let Op::Scan(scan) = graph.op(node) else {
            return rewriter.copy(node);
        };
        let hoist = Hoist::new(scan);
        if hoist.is_empty() {
            return rewriter.copy(node);
        }
        rewriter.label_as(node);
        let inputs = rewriter.values(graph.inputs(node))?;
        let (scan, inputs) = hoist.apply(rewriter.new_graph_mut(), &inputs)?;
        let new = rewriter.new_graph_mut();
        let made = new.push_multi(Op::Scan(Box::new(scan)), &inputs)?;
        let made = new.outputs(made).to_vec();
        for (&output, made) in graph.outputs(node).iter().zip(made) {
            rewriter.bind(output, made);
        }
        Ok(())
    })
}

struct Hoist<'s> {
    scan: &'s Scan,
    params: HashMap<Value, ParamRole>,
    /// Values that are the same at each step.
    fixed: SecondaryMap<Value, bool>,
    /// Nodes that leave the loop because they are the same at each step.
    leaving: EntitySet<Node>,
    /// Values of leaving nodes that the loop still reads.
    constants: Vec<Value>,
    /// Products of a sequence with a constant.
    products: Vec<Node>,
}

/// Whether a node that is the same at each step is worth computing outside: not what takes memory outside and nothing
/// inside.
fn is_work(op: &Op) -> bool {
    !matches!(
        op,
        Op::Constant(_) | Op::Iota { .. } | Op::BroadcastInDim { .. } | Op::Reshape(_)
    )
}

impl<'s> Hoist<'s> {
    fn new(scan: &'s Scan) -> Self {
        let body = &scan.body;
        let params: HashMap<Value, ParamRole> = body
            .params()
            .enumerate()
            .map(|(i, (value, ..))| (value, role(scan, i)))
            .collect();
        let mut fixed = SecondaryMap::with_default(false);
        for (&value, role) in &params {
            fixed[value] = matches!(role, ParamRole::Constant(_));
        }
        let (mut leaving, mut products) = (EntitySet::new(), vec![]);
        for node in body.nodes() {
            let inputs = body.inputs(node);
            let same = inputs.iter().all(|&v| fixed[v]);
            body.outputs(node).iter().for_each(|&v| fixed[v] = same);
            if same && is_work(body.op(node)) {
                leaving.insert(node);
            }
            if let Op::DotGeneral(dims) = body.op(node)
                && matches!(params.get(&inputs[0]), Some(ParamRole::Sequence(_)))
                && fixed[inputs[1]]
                && dims.lhs_batch.is_empty()
            {
                products.push(node);
            }
        }
        let mut constants = vec![];
        let staying = body
            .nodes()
            .filter(|n| !leaving.contains(*n) && !products.contains(n));
        let read = staying.flat_map(|n| body.inputs(n).iter().copied());
        for value in read.chain(body.results().iter().copied()) {
            let leaves = body.node_of(value).is_some_and(|n| leaving.contains(n));
            if leaves && !constants.contains(&value) {
                constants.push(value);
            }
        }
        Hoist {
            scan,
            params,
            fixed,
            leaving,
            constants,
            products,
        }
    }

    fn is_empty(&self) -> bool {
        self.constants.is_empty() && self.products.is_empty()
    }

    /// The scan without what leaves it, and its inputs.
    fn apply(self, outer: &mut Graph, inputs: &[Value]) -> Result<(Scan, Vec<Value>), GraphError> {
        let (scan, old) = (self.scan, &self.scan.body);
        let mut outside = Outside {
            hoist: &self,
            inputs,
            known: HashMap::new(),
        };
        let mut sequences = vec![];
        for &node in &self.products {
            sequences.push(outside.product(outer, node)?);
        }
        let mut constants = vec![];
        for &value in &self.constants {
            constants.push(outside.value(outer, value)?);
        }
        let mut rewriter = Rewriter::without_params(old);
        let params: Vec<(Value, &str)> = old.params().map(|(v, _, name)| (v, name)).collect();
        let (own_steps, own_constants) = params.split_at(scan.carries + scan.sequences);
        let keep = |rewriter: &mut Rewriter, params: &[(Value, &str)]| {
            for (value, name) in params {
                let new = add_param(rewriter, *value, name);
                rewriter.bind(*value, new);
            }
        };
        keep(&mut rewriter, own_steps);
        let products = self.products.iter().map(|&n| old.outputs(n)[0]);
        keep(
            &mut rewriter,
            &products.map(|v| (v, "product")).collect::<Vec<_>>(),
        );
        keep(&mut rewriter, own_constants);
        let hoisted = self.constants.iter().map(|&v| (v, "constant"));
        keep(&mut rewriter, &hoisted.collect::<Vec<_>>());
        for node in old.nodes() {
            if !self.leaving.contains(node) && !self.products.contains(&node) {
                rewriter.copy(node)?;
            }
        }
        let new = Scan {
            body: finish_body(rewriter, old.results())?,
            sequences: scan.sequences + sequences.len(),
            ..*scan
        };
        let (steps, others) = inputs.split_at(scan.carries + scan.sequences);
        Ok((new, [steps, &sequences, others, &constants].concat()))
    }
}

/// Emits values of the body before the loop.
struct Outside<'h, 's> {
    hoist: &'h Hoist<'s>,
    inputs: &'h [Value],
    known: HashMap<Value, Value>,
}

impl Outside<'_, '_> {
    fn input(&self, value: Value) -> Option<Value> {
        let scan = self.hoist.scan;
        Some(match self.hoist.params.get(&value)? {
            ParamRole::Carry(i) => self.inputs[*i],
            ParamRole::Sequence(i) => self.inputs[scan.carries + i],
            ParamRole::Constant(i) => self.inputs[scan.carries + scan.sequences + i],
        })
    }

    /// A value that is the same at each step.
    fn value(&mut self, outer: &mut Graph, value: Value) -> Result<Value, GraphError> {
        if let Some(&known) = self.known.get(&value) {
            return Ok(known);
        }
        let body = &self.hoist.scan.body;
        let Some(node) = body.node_of(value).filter(|_| self.hoist.fixed[value]) else {
            let input = self.input(value);
            return input
                .ok_or_else(|| GraphError::op("scan", format!("{value} changes in the loop")));
        };
        let mut inputs = vec![];
        for &input in body.inputs(node) {
            inputs.push(self.value(outer, input)?);
        }
        let made = outer.push_multi(body.op(node).clone(), &inputs)?;
        let pairs = body.outputs(node).iter().zip(outer.outputs(made));
        self.known.extend(pairs.map(|(&old, &new)| (old, new)));
        self.value(outer, value)
    }

    /// The product of a whole sequence with a constant: the steps become the first free dimension.
    fn product(&mut self, outer: &mut Graph, node: Node) -> Result<Value, GraphError> {
        let body = &self.hoist.scan.body;
        let (Op::DotGeneral(dims), &[step, factor]) = (body.op(node), body.inputs(node)) else {
            return Err(GraphError::op("scan", "expected a product"));
        };
        let sequence = self.value(outer, step)?;
        let factor = self.value(outer, factor)?;
        let mut dims = dims.clone();
        dims.lhs_contracting.iter_mut().for_each(|d| *d += 1);
        outer.push(Op::DotGeneral(dims), &[sequence, factor])
    }
}
