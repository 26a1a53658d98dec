//! What the backward scan computes, reads, carries and stacks.

use cranelift_entity::EntityRef;

use super::Joint;
use super::total::{Stacked, Stepping, Total};
use crate::{BinaryOp, Node, Op, Scan, UnaryOp, Value, ValueDef};

/// What a value of the joint body is to the loops.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum JointRole {
    /// The forward scan's sequence of this position.
    Sequence(usize),
    /// The forward scan's constant of this position.
    Constant(usize),
    /// The cotangent of a carry.
    CarrySeed,
    /// The cotangent of the body's result of this position, a stacked output.
    StackedSeed(usize),
    /// The forward scan's output of this position, a stacked one.
    Output(usize),
    /// Another value of the forward step.
    Forward,
    /// A value of the backward step.
    Backward,
}

pub(super) struct BackwardPlan {
    pub(super) stepping: Stepping,
    /// For each constant with a cotangent: its position and how it is summed.
    pub(super) totals: Vec<(usize, Total)>,
    /// For each sequence with a cotangent: its position and how it is stacked.
    pub(super) sequences: Vec<(usize, Stacked)>,
    /// The carries whose cotangents are carried, by position.
    pub(super) carries: Vec<usize>,
    /// Values added up from step to step.
    pub(super) carried: Vec<Value>,
    /// Values of the backward step that are stacked.
    pub(super) stacks: Vec<Value>,
    /// Values of the forward step that the forward scan must stack in addition.
    pub(super) residuals: Vec<Value>,
    /// Stacked values that the backward step reads.
    pub(super) reads: Vec<Value>,
    /// Constants that the backward step reads.
    pub(super) constants: Vec<Value>,
    /// For each node of the joint body, whether the backward step contains it.
    pub(super) inside: Vec<bool>,
}

impl BackwardPlan {
    pub(super) fn new(scan: &Scan, joint: &Joint) -> BackwardPlan {
        let graph = &joint.graph;
        let stepping = stepping(scan, joint);
        let first_constant = scan.carries + scan.sequences;
        let found = |from: usize, to: usize| {
            let range = joint.found[from..to].iter().enumerate();
            range.filter_map(|(i, v)| v.map(|v| (i, v)))
        };
        let totals = found(first_constant, joint.found.len());
        let totals = totals
            .map(|(i, v)| (i, Total::of(graph, &stepping, v)))
            .collect();
        let sequences = found(scan.carries, first_constant);
        let sequences = sequences
            .map(|(i, v)| (i, Stacked::of(graph, &stepping, v)))
            .collect();
        let mut plan = BackwardPlan {
            stepping,
            totals,
            sequences,
            carries: (0..scan.carries)
                .filter(|&i| joint.seeds[i].is_some())
                .collect(),
            carried: vec![],
            stacks: vec![],
            residuals: vec![],
            reads: vec![],
            constants: vec![],
            inside: vec![false; graph.nodes().len()],
        };
        plan.collect_outside(scan, joint);
        let outside = plan.residuals.len();
        plan.collect_inside(scan, joint);
        plan.leave_out_cheap(joint, outside);
        plan
    }

    /// What is needed stacked outside the loop.
    fn collect_outside(&mut self, scan: &Scan, joint: &Joint) {
        let mut outside = vec![];
        for (_, total) in &self.totals {
            total.needs(&mut outside, &mut self.carried);
        }
        for (_, stacked) in &self.sequences {
            stacked.needs(&mut outside);
        }
        for value in outside {
            match role(scan, joint, value) {
                JointRole::Backward | JointRole::CarrySeed => add(&mut self.stacks, value),
                JointRole::Forward => add(&mut self.residuals, value),
                _ => {}
            }
        }
        self.carried.sort_unstable();
        self.carried.dedup();
    }

    /// What the backward step computes and reads.
    fn collect_inside(&mut self, scan: &Scan, joint: &Joint) {
        let next = self.carries.iter().filter_map(|&i| joint.found[i]);
        let mut work: Vec<Value> = next.collect();
        work.extend(self.carried.iter().chain(&self.stacks));
        while let Some(value) = work.pop() {
            let role = role(scan, joint, value);
            match role {
                JointRole::CarrySeed => continue,
                JointRole::Constant(_) => {
                    add(&mut self.constants, value);
                    continue;
                }
                JointRole::Backward => {}
                JointRole::Forward if self.is_repeated(joint, value) => {}
                JointRole::Output(_) if !self.stepping[value] => {}
                _ => {
                    add(&mut self.reads, value);
                    if role == JointRole::Forward {
                        add(&mut self.residuals, value);
                    }
                    continue;
                }
            }
            if let Some(node) = joint.graph.node_of(value)
                && !std::mem::replace(&mut self.inside[node.index()], true)
            {
                work.extend(joint.graph.inputs(node));
            }
        }
    }

    /// Lets the backward step compute again what is cheap arithmetic on other things that it has: the forward scan need
    /// not stack that. The first `outside` residuals are needed outside the loop, stacked.
    fn leave_out_cheap(&mut self, joint: &Joint, outside: usize) {
        let mut candidates = self.residuals[outside..].to_vec();
        candidates.sort_unstable();
        for value in candidates.into_iter().rev() {
            let mut nodes = vec![];
            if self.is_cheap(joint, value, &mut nodes) {
                self.residuals.retain(|&v| v != value);
                self.reads.retain(|&v| v != value);
                nodes
                    .into_iter()
                    .for_each(|n| self.inside[n.index()] = true);
            }
        }
    }

    /// Whether a few cheap nodes, which are added to `nodes`, make a value of what the backward step has.
    fn is_cheap(&self, joint: &Joint, value: Value, nodes: &mut Vec<Node>) -> bool {
        let Some(node) = joint.graph.node_of(value) else {
            return false;
        };
        if nodes.contains(&node) {
            return true;
        }
        if nodes.len() == MAX_AGAIN || !is_cheap(joint.graph.op(node)) {
            return false;
        }
        nodes.push(node);
        let inputs = joint.graph.inputs(node);
        inputs.iter().all(|&input| {
            let made = joint.graph.node_of(input);
            self.reads.contains(&input)
                || self.constants.contains(&input)
                || made.is_some_and(|n| self.inside[n.index()])
                || self.is_cheap(joint, input, nodes)
        })
    }

    /// Whether the backward step computes a forward value again: what follows from constants, and copies of smaller
    /// values.
    fn is_repeated(&self, joint: &Joint, value: Value) -> bool {
        match joint.graph.op_of(value) {
            None => false,
            Some((Op::BroadcastInDim { .. } | Op::Reshape(_), _)) => true,
            Some(_) => !self.stepping[value],
        }
    }
}

/// Most nodes that are computed again for one value: as much work as reading it from memory.
const MAX_AGAIN: usize = 6;

/// Arithmetic of a few instructions, and the functions that have vector code of their own.
fn is_cheap(op: &Op) -> bool {
    use BinaryOp::{Add, Multiply, Subtract};
    use UnaryOp::{Logistic, Negate, Tanh};
    matches!(
        op,
        Op::Binary(Add | Subtract | Multiply) | Op::Unary(Negate | Tanh | Logistic)
    )
}

fn add(list: &mut Vec<Value>, value: Value) {
    if !list.contains(&value) {
        list.push(value);
    }
}

pub(super) fn role(scan: &Scan, joint: &Joint, value: Value) -> JointRole {
    let first_constant = scan.carries + scan.sequences;
    let params = scan.body.params().len();
    let stacked = || {
        let outputs = scan.body.results().iter().enumerate().skip(scan.carries);
        outputs.filter(|(_, v)| **v == value).map(|(i, _)| i).next()
    };
    match joint.graph.def(value) {
        ValueDef::Param(i) if i >= params => {
            match joint.seeds.iter().position(|&s| s == Some(value)) {
                Some(k) if k >= scan.carries => JointRole::StackedSeed(k),
                _ => JointRole::CarrySeed,
            }
        }
        ValueDef::Param(i) if i >= first_constant => JointRole::Constant(i - first_constant),
        ValueDef::Param(i) if i >= scan.carries => JointRole::Sequence(i - scan.carries),
        ValueDef::Node(node, _) if node.index() >= joint.forward_nodes => JointRole::Backward,
        _ => stacked().map_or(JointRole::Forward, JointRole::Output),
    }
}

/// All that does not follow from constants alone differs from step to step.
fn stepping(scan: &Scan, joint: &Joint) -> Stepping {
    let mut stepping = Stepping::with_default(false);
    for (value, ..) in joint.graph.params() {
        stepping[value] = !matches!(role(scan, joint, value), JointRole::Constant(_));
    }
    for node in joint.graph.nodes() {
        let steps = joint.graph.inputs(node).iter().any(|&v| stepping[v]);
        for &output in joint.graph.outputs(node) {
            stepping[output] = steps;
        }
    }
    stepping
}
