//! Taking sums over steps, and products with constants, out of the backward loop.

use cranelift_entity::SecondaryMap;

use crate::{BinaryOp, DotDims, Graph, Op, Reduction, UnaryOp, Value};

/// How the sum of a per-step value over all steps is found.
pub(super) enum Total {
    /// The same at every step: times the number of steps.
    Constant(Value),
    /// The sum (or difference) of two totals.
    Sum(BinaryOp, Box<Total>, Box<Total>),
    /// Totals side by side.
    Concatenate(usize, Vec<Total>),
    /// A linear primitive applied once to the total of its input `place`; its other inputs are constant.
    Linear {
        op: Op,
        of: Box<Total>,
        place: usize,
        inputs: Vec<Value>,
    },
    /// One product of stacked values, contracted over the steps as well.
    Dot(DotDims, Value, Value),
    /// One sum of a stacked value, over the steps as well.
    Reduce(Vec<usize>, Value),
    /// Nothing better: added up step by step.
    Carried(Value),
}

/// Which values differ from step to step.
pub(super) type Stepping = SecondaryMap<Value, bool>;

impl Total {
    pub(super) fn of(joint: &Graph, stepping: &Stepping, value: Value) -> Total {
        if !stepping[value] {
            return Total::Constant(value);
        }
        let Some((op, inputs)) = joint.op_of(value) else {
            return Total::Reduce(vec![], value);
        };
        let total = |v: Value| Box::new(Total::of(joint, stepping, v));
        match op {
            Op::Binary(op @ (BinaryOp::Add | BinaryOp::Subtract)) => {
                match (total(inputs[0]), total(inputs[1])) {
                    (a, b) if a.is_carried() && b.is_carried() => Total::Carried(value),
                    (a, b) => Total::Sum(*op, a, b),
                }
            }
            Op::Concatenate(dim) => {
                let parts: Vec<Total> = inputs.iter().map(|&v| *total(v)).collect();
                match parts.iter().all(Total::is_carried) {
                    true => Total::Carried(value),
                    false => Total::Concatenate(*dim, parts),
                }
            }
            Op::DotGeneral(dims) if stepping[inputs[0]] && stepping[inputs[1]] => {
                Total::Dot(dims.clone(), inputs[0], inputs[1])
            }
            Op::Reduce {
                kind: Reduction::Sum,
                dims,
            } => Total::Reduce(dims.clone(), inputs[0]),
            _ => match linear_in(joint, stepping, op, inputs) {
                Some(place) => Total::Linear {
                    op: op.clone(),
                    of: total(inputs[place]),
                    place,
                    inputs: inputs.to_vec(),
                },
                None => Total::Carried(value),
            },
        }
    }

    fn is_carried(&self) -> bool {
        matches!(self, Total::Carried(_))
    }

    /// The stacked values and the values to be carried that this needs.
    pub(super) fn needs(&self, stacked: &mut Vec<Value>, carried: &mut Vec<Value>) {
        match self {
            Total::Constant(_) => {}
            Total::Sum(_, a, b) => {
                a.needs(stacked, carried);
                b.needs(stacked, carried);
            }
            Total::Concatenate(_, parts) => parts.iter().for_each(|p| p.needs(stacked, carried)),
            Total::Linear { of, .. } => of.needs(stacked, carried),
            Total::Dot(_, a, b) => stacked.extend([*a, *b]),
            Total::Reduce(_, of) => stacked.push(*of),
            Total::Carried(value) => carried.push(*value),
        }
    }
}

/// The input in which a primitive is linear while its other inputs are constant. Primitives that only make a large input
/// smaller are left in the loop.
fn linear_in(joint: &Graph, stepping: &Stepping, op: &Op, inputs: &[Value]) -> Option<usize> {
    let only = |place: usize| {
        let others = inputs.iter().enumerate().filter(|(i, _)| *i != place);
        stepping[inputs[place]] && others.map(|(_, &v)| v).all(|v| !stepping[v])
    };
    let place = match op {
        Op::Unary(UnaryOp::Negate)
        | Op::Reshape(_)
        | Op::Transpose(_)
        | Op::Reverse(_)
        | Op::BroadcastInDim { .. }
        | Op::Binary(BinaryOp::Divide) => 0,
        Op::Convert(_) if joint.spec(inputs[0]).dtype.is_float() => 0,
        Op::Binary(BinaryOp::Multiply) | Op::DotGeneral(_) => usize::from(!stepping[inputs[0]]),
        Op::Pad { .. } if is_zero(joint, inputs[1]) => 0,
        _ => return None,
    };
    only(place).then_some(place)
}

fn is_zero(graph: &Graph, value: Value) -> bool {
    match graph.op_of(value) {
        Some((Op::Constant(literal), _)) => literal.to_f64().iter().all(|&v| v == 0.0),
        _ => false,
    }
}

/// How a per-step value is found for all steps at once, stacked.
pub(super) enum Stacked {
    /// The same at every step.
    Constant(Value),
    /// One product of a stacked value (left if `left`) with a constant.
    Dot {
        dims: DotDims,
        lhs: Value,
        rhs: Value,
        left: bool,
    },
    /// A sum.
    Sum(Box<Stacked>, Box<Stacked>),
    /// As the loop gives it.
    Value(Value),
}

impl Stacked {
    pub(super) fn of(joint: &Graph, stepping: &Stepping, value: Value) -> Stacked {
        if !stepping[value] {
            return Stacked::Constant(value);
        }
        match joint.op_of(value) {
            Some((Op::DotGeneral(dims), &[lhs, rhs]))
                if dims.lhs_batch.is_empty() && stepping[lhs] != stepping[rhs] =>
            {
                let left = stepping[lhs];
                let dims = dims.clone();
                Stacked::Dot {
                    dims,
                    lhs,
                    rhs,
                    left,
                }
            }
            Some((Op::Binary(BinaryOp::Add), &[a, b])) => {
                let (a, b) = (
                    Stacked::of(joint, stepping, a),
                    Stacked::of(joint, stepping, b),
                );
                match (&a, &b) {
                    (Stacked::Value(_), Stacked::Value(_)) => Stacked::Value(value),
                    _ => Stacked::Sum(Box::new(a), Box::new(b)),
                }
            }
            _ => Stacked::Value(value),
        }
    }

    /// The stacked values that this needs.
    pub(super) fn needs(&self, stacked: &mut Vec<Value>) {
        match self {
            Stacked::Constant(_) => {}
            Stacked::Dot { lhs, rhs, left, .. } => stacked.push(if *left { *lhs } else { *rhs }),
            Stacked::Sum(a, b) => {
                a.needs(stacked);
                b.needs(stacked);
            }
            Stacked::Value(value) => stacked.push(*value),
        }
    }
}
