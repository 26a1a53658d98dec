//! Elementwise identities.

use super::{Found, clamp};
use crate::passes::{filled, splat_number};
use crate::{BinaryOp, DType, Graph, Literal, Op, Spec, UnaryOp, Value};

pub(super) fn unary(graph: &mut Graph, op: UnaryOp, x: Value) -> Found {
    let inner = match graph.op_of(x) {
        Some((Op::Unary(inner), inputs)) => Some((*inner, inputs[0])),
        _ => None,
    };
    match (op, inner) {
        (UnaryOp::Negate, Some((UnaryOp::Negate, x))) => Ok(Some(x)),
        (UnaryOp::Not, Some((UnaryOp::Not, x))) => Ok(Some(x)),
        (UnaryOp::Abs, Some((UnaryOp::Abs, _))) => Ok(Some(x)),
        (UnaryOp::Abs, Some((UnaryOp::Negate, x))) => {
            graph.push(Op::Unary(UnaryOp::Abs), &[x]).map(Some)
        }
        _ => Ok(None),
    }
}

pub(super) fn binary(graph: &mut Graph, op: BinaryOp, a: Value, b: Value, spec: &Spec) -> Found {
    let (left, right) = (splat_number(graph, a), splat_number(graph, b));
    let unchanged = match (op, left, right) {
        (BinaryOp::Add, _, Some(0.0)) | (BinaryOp::Subtract, _, Some(0.0)) => Some(a),
        (BinaryOp::Add, Some(0.0), _) | (BinaryOp::Multiply, Some(1.0), _) => Some(b),
        (BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Power, _, Some(1.0)) => Some(a),
        (BinaryOp::Maximum | BinaryOp::Minimum | BinaryOp::And | BinaryOp::Or, ..) if a == b => {
            Some(a)
        }
        _ => None,
    };
    if unchanged.is_some() {
        return Ok(unchanged);
    }
    let push = |graph: &mut Graph, op, a, b| graph.push(Op::Binary(op), &[a, b]).map(Some);
    match (op, left, right) {
        (BinaryOp::Subtract, Some(0.0), _) if !is_unsigned(spec.dtype) => {
            graph.push(Op::Unary(UnaryOp::Negate), &[b]).map(Some)
        }
        (BinaryOp::Multiply, _, Some(0.0)) if spec.dtype.is_integer() => Ok(Some(b)),
        (BinaryOp::Multiply, Some(0.0), _) if spec.dtype.is_integer() => Ok(Some(a)),
        (BinaryOp::Multiply, _, Some(-1.0)) => {
            graph.push(Op::Unary(UnaryOp::Negate), &[a]).map(Some)
        }
        (BinaryOp::Multiply, Some(-1.0), _) => {
            graph.push(Op::Unary(UnaryOp::Negate), &[b]).map(Some)
        }
        (BinaryOp::Power, _, Some(2.0)) => push(graph, BinaryOp::Multiply, a, a),
        (BinaryOp::Power, _, Some(0.5)) => graph.push(Op::Unary(UnaryOp::Sqrt), &[a]).map(Some),
        (BinaryOp::Divide, _, Some(c))
            if spec.dtype.is_float() && inverts_exactly(c, spec.dtype) =>
        {
            let inverse = Literal::full([], spec.dtype, 1.0 / c);
            let inverse = filled(graph, inverse, spec)?;
            push(graph, BinaryOp::Multiply, a, inverse)
        }
        (BinaryOp::Multiply, _, Some(c)) => scaled_twice(graph, a, c, spec),
        (BinaryOp::Multiply, Some(c), _) => scaled_twice(graph, b, c, spec),
        (BinaryOp::Add, ..) => match (negated(graph, a), negated(graph, b)) {
            (_, Some(b)) => push(graph, BinaryOp::Subtract, a, b),
            (Some(a), _) => push(graph, BinaryOp::Subtract, b, a),
            _ => Ok(None),
        },
        (BinaryOp::Subtract, ..) => match negated(graph, b) {
            Some(b) => push(graph, BinaryOp::Add, a, b),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Whether numbers of a type cannot be negated but by a difference.
fn is_unsigned(dtype: DType) -> bool {
    matches!(dtype, DType::U8 | DType::U32)
}

fn negated(graph: &Graph, value: Value) -> Option<Value> {
    match graph.op_of(value)? {
        (Op::Unary(UnaryOp::Negate), inputs) => Some(inputs[0]),
        _ => None,
    }
}

/// Whether multiplying by `1/c` rounds exactly as dividing by `c`: powers of two whose inverse is a normal number of the
/// type.
fn inverts_exactly(c: f64, dtype: DType) -> bool {
    // The smallest exponent of normal numbers; half precision has the narrowest range.
    let range = if dtype == DType::F16 { 14 } else { 126 };
    let exponent = c.abs().log2();
    exponent.fract() == 0.0
        && exponent.abs() <= f64::from(range)
        && 2f64.powi(exponent as i32) == c.abs()
}

/// `(x·d)·c` as `x·(d·c)` where a factor is a power of two, so that nothing is rounded otherwise. Negation is a factor.
fn scaled_twice(graph: &mut Graph, x: Value, c: f64, spec: &Spec) -> Found {
    if !spec.dtype.is_float() {
        return Ok(None);
    }
    let Some((op, inputs)) = graph.op_of(x) else {
        return Ok(None);
    };
    let (inner, factor) = match op {
        Op::Unary(UnaryOp::Negate) => (inputs[0], -1.0),
        Op::Binary(BinaryOp::Multiply) => match (
            splat_number(graph, inputs[0]),
            splat_number(graph, inputs[1]),
        ) {
            (_, Some(d)) => (inputs[0], d),
            (Some(d), _) => (inputs[1], d),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    if !inverts_exactly(c, spec.dtype) && !inverts_exactly(factor, spec.dtype) {
        return Ok(None);
    }
    let product = filled(graph, Literal::full([], spec.dtype, c * factor), spec)?;
    graph
        .push(Op::Binary(BinaryOp::Multiply), &[inner, product])
        .map(Some)
}

pub(super) fn select(graph: &mut Graph, inputs: &[Value]) -> Found {
    let &[predicate, on_true, on_false] = inputs else {
        return Ok(None);
    };
    if on_true == on_false {
        return Ok(Some(on_true));
    }
    if let Some(known) = splat_number(graph, predicate) {
        return Ok(Some(if known != 0.0 { on_true } else { on_false }));
    }
    if let Some((op, x, limit)) = clamp::of_select(graph, inputs) {
        return graph.push(Op::Binary(op), &[x, limit]).map(Some);
    }
    match graph.op_of(predicate) {
        Some((Op::Unary(UnaryOp::Not), inner)) => {
            let inputs = [inner[0], on_false, on_true];
            graph.push(Op::Select, &inputs).map(Some)
        }
        _ => Ok(None),
    }
}

/// No conversion, and there and back through a type that holds every value.
pub(super) fn convert(graph: &Graph, x: Value, spec: &Spec) -> Option<Value> {
    let between = graph.spec(x).dtype;
    if between == spec.dtype {
        return Some(x);
    }
    match graph.op_of(x)? {
        (Op::Convert(_), inputs) => {
            let back = graph.spec(inputs[0]).dtype == spec.dtype;
            (back && holds(between, spec.dtype)).then_some(inputs[0])
        }
        _ => None,
    }
}

/// Whether `wide` holds every value of `narrow`.
fn holds(wide: DType, narrow: DType) -> bool {
    use DType::{BF16, Bool, F16, F32, F64, I32, I64, U8, U32};
    match wide {
        F64 => matches!(narrow, F32 | F16 | BF16 | I32 | U8 | U32 | Bool),
        F32 => matches!(narrow, F16 | BF16 | U8 | Bool),
        I64 => matches!(narrow, I32 | U8 | U32 | Bool),
        I32 | U32 => matches!(narrow, U8 | Bool),
        F16 | BF16 | U8 => narrow == Bool,
        Bool => false,
    }
}
