//! Building the backward scan and what surrounds it.

use std::collections::HashMap;

use cranelift_entity::EntityRef;

use super::Joint;
use super::plan::{BackwardPlan, JointRole, role};
use super::total::{Stacked, Total};
use crate::grad::term::Builder;
use crate::grad::{Call, Cotangents, Term};
use crate::passes::Rewriter;
use crate::{BinaryOp, DotDims, Graph, GraphError, Literal, Op, Scan, Value};

/// Adds the backward scan to the outer graph and gives the cotangents of the forward scan's inputs.
pub(super) fn emit<'b>(
    scan: &Scan,
    joint: &Joint,
    plan: &BackwardPlan,
    call: &Call<'b>,
) -> Result<Cotangents<'b>, GraphError> {
    let mut emitter = Emitter {
        scan,
        joint,
        plan,
        call,
        forward: call.builder.graph().outputs(call.node).to_vec(),
        backward: vec![],
        constants: HashMap::new(),
    };
    emitter.backward = emitter.backward_scan()?;
    let mut found = vec![None; call.inputs.len()];
    for (k, &i) in plan.carries.iter().enumerate() {
        found[i] = Some(call.builder.term(emitter.backward[k]));
    }
    for (i, stacked) in &plan.sequences {
        found[scan.carries + i] = Some(emitter.stacked_sum(stacked)?);
    }
    for (i, total) in &plan.totals {
        found[scan.carries + scan.sequences + i] = Some(emitter.total(total)?);
    }
    Ok(found)
}

struct Emitter<'e, 'b> {
    scan: &'e Scan,
    joint: &'e Joint,
    plan: &'e BackwardPlan,
    call: &'e Call<'b>,
    /// The outputs of the (extended) forward scan.
    forward: Vec<Value>,
    /// The outputs of the backward scan.
    backward: Vec<Value>,
    /// Values of the joint body that follow from constants, computed outside.
    constants: HashMap<Value, Value>,
}

impl<'b> Emitter<'_, 'b> {
    fn builder(&self) -> &'b Builder {
        self.call.builder
    }

    fn steps(&self) -> usize {
        let first = || self.call.inputs[self.scan.carries].dims()[0];
        self.scan.length.unwrap_or_else(first)
    }

    /// Adds the backward scan and gives its outputs: the carries' cotangents, what was added up, what was stacked.
    fn backward_scan(&self) -> Result<Vec<Value>, GraphError> {
        let plan = self.plan;
        if plan.carries.is_empty() && plan.carried.is_empty() && plan.stacks.is_empty() {
            return Ok(vec![]);
        }
        let mut inputs = vec![];
        for &i in &plan.carries {
            let cotangent = self.call.cotangents[i];
            let zeros = || self.call.outputs[i].like(0.0);
            inputs.push(cotangent.unwrap_or_else(zeros).value);
        }
        for &value in &plan.carried {
            let spec = self.joint.graph.spec(value);
            inputs.push(self.builder().full(spec, 0.0).value);
        }
        for &value in &plan.reads {
            inputs.push(self.stacked(value)?.value);
        }
        for &value in &plan.constants {
            inputs.push(self.constant_input(value)?);
        }
        let backward = Scan {
            body: self.body()?,
            carries: plan.carries.len() + plan.carried.len(),
            sequences: plan.reads.len(),
            reverse: !self.scan.reverse,
            length: Some(self.steps()),
        };
        self.builder()
            .push_multi(Op::Scan(Box::new(backward)), &inputs)
    }

    /// One backward step.
    fn body(&self) -> Result<Graph, GraphError> {
        let (plan, joint) = (self.plan, &self.joint.graph);
        let mut rewriter = Rewriter::without_params(joint);
        let param = |rewriter: &mut Rewriter, name: &str, i: usize, value: Value| {
            let spec = joint.spec(value).clone();
            rewriter.new_graph_mut().input(format!("{name}_{i}"), spec)
        };
        for (i, seed) in plan
            .carries
            .iter()
            .filter_map(|&i| Some((i, self.joint.seeds[i]?)))
        {
            let new = param(&mut rewriter, "cotangent", i, seed);
            rewriter.bind(seed, new);
        }
        let mut sums = vec![];
        for (i, &value) in plan.carried.iter().enumerate() {
            sums.push(param(&mut rewriter, "sum", i, value));
        }
        for (name, values) in [("step", &plan.reads), ("constant", &plan.constants)] {
            for (i, &value) in values.iter().enumerate() {
                let new = param(&mut rewriter, name, i, value);
                rewriter.bind(value, new);
            }
        }
        for node in joint.nodes().filter(|n| plan.inside[n.index()]) {
            let bound = joint
                .outputs(node)
                .iter()
                .any(|&v| rewriter.get(v).is_some());
            if !bound {
                rewriter.copy(node)?;
            }
        }
        let mut results = vec![];
        for &i in &plan.carries {
            results.push(match self.joint.found[i] {
                Some(next) => rewriter.value(next)?,
                None => zeros(rewriter.new_graph_mut(), &self.joint.seeds[i], joint)?,
            });
        }
        for (&sum, &value) in sums.iter().zip(&plan.carried) {
            let value = rewriter.value(value)?;
            results.push(rewriter.push(Op::Binary(BinaryOp::Add), &[sum, value])?);
        }
        results.extend(rewriter.values(&plan.stacks)?);
        let mut body = rewriter.into_graph();
        results.into_iter().for_each(|v| body.result(v));
        Ok(body)
    }

    /// A per-step value, stacked over the steps, outside the loops.
    fn stacked(&self, value: Value) -> Result<Term<'b>, GraphError> {
        let position = |list: &[Value]| list.iter().position(|&v| v == value);
        let missing = || self.call.error("a value of the step was not stacked");
        let found = match role(self.scan, self.joint, value) {
            JointRole::Sequence(i) => Some(self.call.inputs[self.scan.carries + i].value),
            JointRole::StackedSeed(k) => self.call.cotangents[k].map(|c| c.value),
            JointRole::Output(k) => Some(self.forward[k]),
            JointRole::Forward => {
                let first = self.scan.body.results().len();
                position(&self.plan.residuals).map(|i| self.forward[first + i])
            }
            JointRole::CarrySeed | JointRole::Backward => {
                let first = self.plan.carries.len() + self.plan.carried.len();
                position(&self.plan.stacks).map(|i| self.backward[first + i])
            }
            JointRole::Constant(_) => None,
        };
        Ok(self.builder().term(found.ok_or_else(missing)?))
    }

    fn constant_input(&self, value: Value) -> Result<Value, GraphError> {
        match role(self.scan, self.joint, value) {
            JointRole::Constant(i) => {
                let first = self.scan.carries + self.scan.sequences;
                Ok(self.call.inputs[first + i].value)
            }
            _ => Err(self.call.error("a value of the step is not a constant")),
        }
    }

    /// A value that follows from constants, computed outside the loops.
    fn constant(&mut self, value: Value) -> Result<Term<'b>, GraphError> {
        if let Some(&known) = self.constants.get(&value) {
            return Ok(self.builder().term(known));
        }
        let joint = &self.joint.graph;
        let Some(node) = joint.node_of(value) else {
            return Ok(self.builder().term(self.constant_input(value)?));
        };
        let mut inputs = vec![];
        for &input in joint.inputs(node) {
            inputs.push(self.constant(input)?.value);
        }
        let outputs = self.builder().push_multi(joint.op(node).clone(), &inputs)?;
        self.constants
            .extend(joint.outputs(node).iter().copied().zip(outputs));
        Ok(self.builder().term(self.constants[&value]))
    }

    fn total(&mut self, total: &Total) -> Result<Term<'b>, GraphError> {
        Ok(match total {
            Total::Constant(value) => self.constant(*value)? * self.steps() as f64,
            Total::Sum(op, a, b) => {
                let (a, b) = (self.total(a)?, self.total(b)?);
                a.binary(*op, b)
            }
            Total::Concatenate(dim, parts) => {
                let mut values = vec![];
                for part in parts {
                    values.push(self.total(part)?.value);
                }
                self.builder().push(Op::Concatenate(*dim), &values)
            }
            Total::Linear {
                op,
                of,
                place,
                inputs,
            } => {
                let of = self.total(of)?.value;
                let mut values = vec![];
                for (i, &input) in inputs.iter().enumerate() {
                    let other = i != *place;
                    values.push(if other {
                        self.constant(input)?.value
                    } else {
                        of
                    });
                }
                self.builder().push(op.clone(), &values)
            }
            Total::Dot(dims, lhs, rhs) => {
                let dims = DotDims {
                    lhs_batch: after_steps(&dims.lhs_batch),
                    rhs_batch: after_steps(&dims.rhs_batch),
                    lhs_contracting: [&[0], &after_steps(&dims.lhs_contracting)[..]].concat(),
                    rhs_contracting: [&[0], &after_steps(&dims.rhs_contracting)[..]].concat(),
                };
                self.stacked(*lhs)?.dot(dims, self.stacked(*rhs)?)
            }
            Total::Reduce(dims, of) => {
                let dims = [&[0], &after_steps(dims)[..]].concat();
                self.stacked(*of)?.sum(&dims)
            }
            Total::Carried(value) => {
                let position = self.plan.carried.iter().position(|v| v == value);
                let missing = || self.call.error("a value of the step was not added up");
                let i = self.plan.carries.len() + position.ok_or_else(missing)?;
                self.builder().term(self.backward[i])
            }
        })
    }

    fn stacked_sum(&mut self, stacked: &Stacked) -> Result<Term<'b>, GraphError> {
        Ok(match stacked {
            Stacked::Value(value) => self.stacked(*value)?,
            Stacked::Sum(a, b) => self.stacked_sum(a)? + self.stacked_sum(b)?,
            Stacked::Constant(value) => {
                let row = self.constant(*value)?;
                let dims = [&[self.steps()], &row.dims()[..]].concat();
                row.broadcast(&dims, &(1..dims.len()).collect::<Vec<_>>())
            }
            Stacked::Dot {
                dims,
                lhs,
                rhs,
                left: true,
            } => {
                let dims = DotDims {
                    lhs_contracting: after_steps(&dims.lhs_contracting),
                    ..dims.clone()
                };
                let rhs = self.constant(*rhs)?;
                self.stacked(*lhs)?.dot(dims, rhs)
            }
            Stacked::Dot {
                dims,
                lhs,
                rhs,
                left: false,
            } => {
                let lhs = self.constant(*lhs)?;
                let steps = lhs.rank() - dims.lhs_contracting.len();
                let dims = DotDims {
                    rhs_contracting: after_steps(&dims.rhs_contracting),
                    ..dims.clone()
                };
                let product = lhs.dot(dims, self.stacked(*rhs)?);
                let others = (0..product.rank()).filter(|&d| d != steps);
                let order: Vec<usize> = std::iter::once(steps).chain(others).collect();
                product.transpose(&order)
            }
        })
    }
}

/// Dimensions of a per-step value as dimensions of the stacked one.
fn after_steps(dims: &[usize]) -> Vec<usize> {
    dims.iter().map(|d| d + 1).collect()
}

/// A carry's cotangent that comes from nowhere but the last step.
fn zeros(body: &mut Graph, seed: &Option<Value>, joint: &Graph) -> Result<Value, GraphError> {
    let seed = seed.ok_or_else(|| GraphError::new("a carry without a cotangent is carried"))?;
    let spec = joint.spec(seed);
    let scalar = Literal::full([], spec.dtype, 0.0);
    let scalar = body.push(Op::Constant(scalar.into()), &[])?;
    let shape = spec.shape.clone();
    body.push(
        Op::BroadcastInDim {
            shape,
            dims: vec![],
        },
        &[scalar],
    )
}
