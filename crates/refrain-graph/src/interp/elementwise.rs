//! Elementwise primitives: unary, binary, compare, select, convert.

use half::{bf16, f16};

use super::index::{build, values};
use super::number::{Accumulator, Number, undefined};
use crate::{BinaryOp, Comparison, DType, Data, GraphError, Literal, UnaryOp, with_data};

pub(super) fn unary(op: UnaryOp, x: &Literal) -> Result<Literal, GraphError> {
    fn each<T: Number>(op: UnaryOp, dims: &[usize], x: &[T]) -> Result<Literal, GraphError> {
        if op == UnaryOp::IsFinite {
            return build(dims, x.iter().map(|&x| x.widen().is_finite()).collect());
        }
        let results: Option<Vec<T>> = x
            .iter()
            .map(|&x| x.widen().unary(op, T::BITS).map(T::narrow))
            .collect();
        build(dims, results.ok_or_else(|| undefined::<T>(op.name()))?)
    }
    with_data!(x.data(), v => each(op, x.dims(), v))
}

pub(super) fn binary(op: BinaryOp, a: &Literal, b: &Literal) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        op: BinaryOp,
        dims: &[usize],
        a: &[T],
        b: &[T],
    ) -> Result<Literal, GraphError> {
        let results: Option<Vec<T>> = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| a.widen().binary(op, b.widen(), T::BITS).map(T::narrow))
            .collect();
        build(dims, results.ok_or_else(|| undefined::<T>(op.name()))?)
    }
    with_data!(a.data(), v => each(op, a.dims(), v, values(b)?))
}

pub(super) fn compare(op: Comparison, a: &Literal, b: &Literal) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        op: Comparison,
        dims: &[usize],
        a: &[T],
        b: &[T],
    ) -> Result<Literal, GraphError> {
        let test = |a: T::Acc, b: T::Acc| match op {
            Comparison::Eq => a == b,
            Comparison::Ne => a != b,
            Comparison::Lt => a < b,
            Comparison::Le => a <= b,
            Comparison::Gt => a > b,
            Comparison::Ge => a >= b,
        };
        let pairs = a.iter().zip(b);
        build(
            dims,
            pairs.map(|(&a, &b)| test(a.widen(), b.widen())).collect(),
        )
    }
    with_data!(a.data(), v => each(op, a.dims(), v, values(b)?))
}

pub(super) fn select(
    predicate: &Literal,
    on_true: &Literal,
    on_false: &Literal,
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        p: &[bool],
        dims: &[usize],
        a: &[T],
        b: &[T],
    ) -> Result<Literal, GraphError> {
        let pairs = a.iter().zip(b).zip(p);
        build(
            dims,
            pairs.map(|((&a, &b), &p)| if p { a } else { b }).collect(),
        )
    }
    let p = values(predicate)?;
    with_data!(on_true.data(), v => each(p, on_true.dims(), v, values(on_false)?))
}

/// Float to integer rounds towards zero and saturates (NaN gives 0); integer to integer cuts off upper bits.
pub(super) fn convert(to: DType, x: &Literal) -> Result<Literal, GraphError> {
    if to == x.dtype() {
        return Ok(x.clone());
    }
    match to {
        DType::F32 => convert_to::<f32>(x),
        DType::F64 => convert_to::<f64>(x),
        DType::F16 => convert_to::<f16>(x),
        DType::BF16 => convert_to::<bf16>(x),
        DType::I32 => convert_to::<i32>(x),
        DType::I64 => convert_to::<i64>(x),
        DType::U8 => convert_to::<u8>(x),
        DType::U32 => convert_to::<u32>(x),
        DType::Bool => convert_to::<bool>(x),
    }
}

fn convert_to<T: Number + Cast>(x: &Literal) -> Result<Literal, GraphError> {
    let dims = x.dims();
    match x.data() {
        Data::I32(v) => build(dims, v.iter().map(|&x| T::from_i64(x.into())).collect()),
        Data::I64(v) => build(dims, v.iter().map(|&x| T::from_i64(x)).collect()),
        Data::U8(v) => build(dims, v.iter().map(|&x| T::from_i64(x.into())).collect()),
        Data::U32(v) => build(dims, v.iter().map(|&x| T::from_i64(x.into())).collect()),
        Data::Bool(v) => build(dims, v.iter().map(|&x| T::from_i64(x.into())).collect()),
        Data::F32(v) => build(dims, v.iter().map(|x| T::from_float(x.widen())).collect()),
        Data::F64(v) => build(dims, v.iter().map(|x| T::from_float(x.widen())).collect()),
        Data::F16(v) => build(dims, v.iter().map(|x| T::from_float(x.widen())).collect()),
        Data::BF16(v) => build(dims, v.iter().map(|x| T::from_float(x.widen())).collect()),
    }
}

/// How an element type takes values of others.
trait Cast {
    fn from_i64(x: i64) -> Self;
    fn from_float(x: f64) -> Self;
}

macro_rules! cast {
    ($($t:ty, |$x:ident| $from_i64:expr, |$y:ident| $from_float:expr;)*) => {$(
        impl Cast for $t {
            fn from_i64($x: i64) -> Self { $from_i64 }
            fn from_float($y: f64) -> Self { $from_float }
        }
    )*};
}

cast! {
    f32, |x| x as f32, |y| y as f32;
    f64, |x| x as f64, |y| y;
    f16, |x| f16::narrow(x as f64), |y| f16::narrow(y);
    bf16, |x| bf16::narrow(x as f64), |y| bf16::narrow(y);
    i32, |x| x as i32, |y| y as i32;
    i64, |x| x, |y| y as i64;
    u8, |x| x as u8, |y| y as u8;
    u32, |x| x as u32, |y| y as u32;
    bool, |x| x != 0, |y| y != 0.0;
}
