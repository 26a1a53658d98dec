//! Primitives on traced tensors, with NumPy's broadcasting and Keras's type promotion.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, Literal, Op, Shape, UnaryOp, bf16, f16};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// One elementwise function.
pub(crate) fn unary(op: UnaryOp, x: &Tensor) -> Result<Tensor> {
    Trace::apply(Op::Unary(op), &[x])
}

/// One elementwise function of two tensors, broadcast and promoted to a common shape and type.
pub(crate) fn binary(op: BinaryOp, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = unify(a, b)?;
    Trace::apply(Op::Binary(op), &[&a, &b])
}

/// A comparison, broadcast and promoted.
pub(crate) fn compare(op: Comparison, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = unify(a, b)?;
    Trace::apply(Op::Compare(op), &[&a, &b])
}

/// Elements of `a` where `condition` holds, of `b` elsewhere; broadcast and promoted.
pub(crate) fn select(condition: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = unify(a, b)?;
    let condition = convert(condition, DType::Bool)?;
    let shape = broadcast_shapes(&condition.shape(), &a.shape())?;
    let condition = broadcast_to(&condition, &shape)?;
    let (a, b) = (broadcast_to(&a, &shape)?, broadcast_to(&b, &shape)?);
    Trace::apply(Op::Select, &[&condition, &a, &b])
}

/// Another element type.
pub(crate) fn convert(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.dtype() == dtype {
        return Ok(x.clone());
    }
    Trace::apply(Op::Convert(dtype), &[x])
}

/// The same elements as a value that no other tensor has.
pub(crate) fn copy(x: &Tensor) -> Result<Tensor> {
    Trace::apply(Op::Transpose((0..x.rank()).collect()), &[x])
}

/// Another shape with the same elements in the same order.
pub(crate) fn reshape(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    if is_shape_of(x, &shape) {
        return Ok(x.clone());
    }
    Trace::apply(Op::Reshape(shape), &[x])
}

/// Whether a tensor has a shape already. The number of its elements tells one size that the shape leaves open.
fn is_shape_of(x: &Tensor, shape: &Shape) -> bool {
    let open = shape.dims().iter().filter(|d| d.is_none()).count();
    let pairs = x.dims().iter().zip(shape.dims());
    let closed = |d: &Dim| d.is_some_and(|size| size > 0 || open == 0);
    x.rank() == shape.rank()
        && open <= 1
        && pairs
            .into_iter()
            .all(|(have, want)| want.is_none() || have == want && closed(want))
}

/// Other order of dimensions: result dimension `i` is `perm[i]` of the input.
pub(crate) fn transpose(x: &Tensor, perm: &[usize]) -> Result<Tensor> {
    if perm.iter().enumerate().all(|(i, &p)| i == p) {
        return Ok(x.clone());
    }
    Trace::apply(Op::Transpose(perm.to_vec()), &[x])
}

/// A scalar in the program and of the type of another tensor.
pub(crate) fn constant_like(like: &Tensor, value: f64) -> Result<Tensor> {
    constant_of(like, like.dtype(), value)
}

/// A scalar in the program of another tensor.
pub(crate) fn constant_of(like: &Tensor, dtype: DType, value: f64) -> Result<Tensor> {
    let literal = Literal::full(Vec::new(), dtype, value);
    Ok(like.expect_traced()?.trace.constant(literal))
}

/// A tensor filled with one value, in the program of another.
pub(crate) fn full(like: &Tensor, shape: &Shape, dtype: DType, value: f64) -> Result<Tensor> {
    broadcast_to(&constant_of(like, dtype, value)?, shape)
}

/// 0, 1, 2, … along an axis, in the program of another tensor.
pub(crate) fn iota(like: &Tensor, shape: &Shape, dtype: DType, axis: usize) -> Result<Tensor> {
    let op = Op::Iota {
        shape: shape.clone(),
        dtype,
        dim: axis,
    };
    let mut outputs = like.expect_traced()?.trace.emit(op, &[])?;
    Ok(outputs.swap_remove(0))
}

/// NumPy's broadcasting of one tensor to a shape.
pub(crate) fn broadcast_to(x: &Tensor, shape: &Shape) -> Result<Tensor> {
    let from = x.shape();
    if from == *shape {
        return Ok(x.clone());
    }
    if from.rank() > shape.rank() {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("a shape that broadcasts to {shape}"),
            from.to_string(),
        ));
    }
    let offset = shape.rank() - from.rank();
    let op = Op::BroadcastInDim {
        shape: shape.clone(),
        dims: (offset..shape.rank()).collect(),
    };
    Trace::apply(op, &[x])
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast_shapes(a: &Shape, b: &Shape) -> Result<Shape> {
    let rank = a.rank().max(b.rank());
    let dim = |s: &Shape, i: usize| -> Dim {
        match i.checked_sub(rank - s.rank()) {
            Some(i) => s.dim(i),
            None => Some(1),
        }
    };
    let dims = (0..rank).map(|i| match (dim(a, i), dim(b, i)) {
        (Some(1), d) | (d, Some(1)) => Ok(d),
        (None, d) | (d, None) => Ok(d),
        (Some(x), Some(y)) if x == y => Ok(Some(x)),
        _ => Err(Error::mismatch(
            ErrorKind::Shape,
            "shapes that can be broadcast together",
            format!("{a} and {b}"),
        )),
    });
    Ok(Shape::from(dims.collect::<Result<Vec<_>>>()?))
}

/// Both tensors in their common shape and type.
pub(crate) fn unify(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let dtype = promote(a.dtype(), b.dtype());
    let shape = broadcast_shapes(&a.shape(), &b.shape())?;
    let unified = |x: &Tensor| broadcast_to(&convert(x, dtype)?, &shape);
    Ok((unified(a)?, unified(b)?))
}

/// Keras's common type of two types: floats win over integers, the wider of two floats wins.
pub(crate) fn promote(a: DType, b: DType) -> DType {
    use DType::*;
    match (a, b) {
        (a, b) if a == b => a,
        (Bool, other) | (other, Bool) => other,
        (F16, BF16) | (BF16, F16) => F32,
        (a, b) if a.is_float() && b.is_float() => {
            if a.size() > b.size() {
                a
            } else {
                b
            }
        }
        (float, _) | (_, float) if float.is_float() => float,
        (U8, other) | (other, U8) => other,
        _ => I64,
    }
}

/// The type of floats that a type's numbers become: f32 for integers.
pub(crate) fn float_type(dtype: DType) -> DType {
    match dtype.is_float() {
        true => dtype,
        false => DType::F32,
    }
}

/// The smallest and the largest finite number of a type.
pub(crate) fn limits(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F64 => (f64::MIN, f64::MAX),
        DType::F32 => (f32::MIN.into(), f32::MAX.into()),
        DType::F16 => (f16::MIN.into(), f16::MAX.into()),
        DType::BF16 => (bf16::MIN.into(), bf16::MAX.into()),
        DType::I64 => (i64::MIN as f64, i64::MAX as f64),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        DType::U32 => (0.0, u32::MAX.into()),
        DType::U8 => (0.0, u8::MAX.into()),
        DType::Bool => (0.0, 1.0),
    }
}

/// Refuses a tensor that does not fit in memory with an axis of this size, as far as its other sizes are known.
pub(crate) fn check_axis(what: &str, x: &Tensor, axis: usize, size: usize) -> Result<()> {
    let shape = x.shape();
    let others = shape.dims().iter().enumerate();
    let others = others.filter_map(|(i, dim)| dim.filter(|_| i != axis));
    let dims: Vec<usize> = others.chain([size]).collect();
    sizes::check_memory(what, &dims, x.dtype().size())
}
