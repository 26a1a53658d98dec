//! Elementwise primitives and constants.

use super::{Inferred, check};
use crate::{BinaryOp, DType, Literal, Spec, UnaryOp};

pub(super) fn constant(literal: &Literal, inputs: &[&Spec]) -> Inferred {
    check::arity::<0>(inputs)?;
    Ok(vec![literal.spec()])
}

pub(super) fn unary(op: UnaryOp, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    let (wanted, ok): (&str, fn(DType) -> bool) = match op {
        UnaryOp::Abs | UnaryOp::Sign => ("a numeric type", |d| d != DType::Bool),
        UnaryOp::Negate => ("a float or signed integer type", |d| {
            d.is_float() || matches!(d, DType::I32 | DType::I64)
        }),
        UnaryOp::Not => ("bool or an integer type", |d| !d.is_float()),
        _ => ("a float type", DType::is_float),
    };
    check::dtype("an operand", x.dtype, wanted, ok)?;
    let dtype = match op {
        UnaryOp::IsFinite => DType::Bool,
        _ => x.dtype,
    };
    Ok(vec![Spec::new(x.shape.clone(), dtype)])
}

pub(super) fn binary(op: BinaryOp, inputs: &[&Spec]) -> Inferred {
    let [a, b] = check::arity(inputs)?;
    let (wanted, ok): (&str, fn(DType) -> bool) = match op {
        BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Power
        | BinaryOp::Remainder => ("a numeric type", |d| d != DType::Bool),
        BinaryOp::Maximum | BinaryOp::Minimum => ("any type", |_| true),
        BinaryOp::Atan2 => ("a float type", DType::is_float),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            ("bool or an integer type", |d| !d.is_float())
        }
        BinaryOp::ShiftLeft | BinaryOp::ShiftRightArithmetic | BinaryOp::ShiftRightLogical => {
            ("an integer type", DType::is_integer)
        }
    };
    check::dtype("operands", a.dtype, wanted, ok)?;
    check::same_dtype("a second operand", a.dtype, b.dtype)?;
    let shape = check::merge("a second operand", &a.shape, &b.shape)?;
    Ok(vec![Spec::new(shape, a.dtype)])
}

pub(super) fn compare(inputs: &[&Spec]) -> Inferred {
    let [a, b] = check::arity(inputs)?;
    check::same_dtype("a second operand", a.dtype, b.dtype)?;
    let shape = check::merge("a second operand", &a.shape, &b.shape)?;
    Ok(vec![Spec::new(shape, DType::Bool)])
}

pub(super) fn select(inputs: &[&Spec]) -> Inferred {
    let [pred, on_true, on_false] = check::arity(inputs)?;
    check::same_dtype("a predicate", DType::Bool, pred.dtype)?;
    check::same_dtype("a value on false", on_true.dtype, on_false.dtype)?;
    let shape = check::merge("a value on false", &on_true.shape, &on_false.shape)?;
    let shape = check::merge("a predicate", &shape, &pred.shape)?;
    Ok(vec![Spec::new(shape, on_true.dtype)])
}

pub(super) fn convert(dtype: DType, inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    Ok(vec![Spec::new(x.shape.clone(), dtype)])
}

pub(super) fn stop_gradient(inputs: &[&Spec]) -> Inferred {
    let [x] = check::arity(inputs)?;
    Ok(vec![x.clone()])
}
