//! Products of matrices.

use refrain_graph::{DType, DotDims, Op};
use serde_json::Value as Json;

use super::arithmetic::{as_float, float_input};
use super::definition::{operations, to};
use super::join::pad_constant;
use super::order::triangle;
use super::{
    Axes, ConvOptions, cast, convolve, flip, max, min, not_equal, option, power, prim, squeeze,
    sum, tensor_argument,
};
use crate::config::number_from_json;
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// Sums of products over contracting axes; see [`DotDims`] for the order of the result's axes.
pub(crate) fn dot_general(a: &Tensor, b: &Tensor, dims: DotDims) -> Result<Tensor> {
    Trace::apply(Op::DotGeneral(dims), &[a, b])
}

operations! { TABLE in table {
    /// NumPy's matrix product: the last axis of `a` with the second to last of `b`; leading axes are batches.
    ///
    /// Leading axes broadcast. Scalars and sizes that differ are errors.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let scores = ops::matmul(&input([5, 8]), &input([8, 7]));
    /// assert_eq!(scores.shape().to_string(), "(None, 5, 7)");
    /// ```
    pub fn matmul(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Matmul" as "matmul(x1, x2)" [Tensor, Tensor] => matmul_call;
    /// NumPy's `dot`: the last axis of `a` with the second to last of `b`, all other axes side by side.
    ///
    /// Sizes that differ are an error.
    ///
    /// ```
    /// use refrain::{Input, input, ops};
    /// let kernel = Input::new([4]).batch_size(8).tensor();
    /// assert_eq!(ops::dot(&input([5, 8]), &kernel).shape().to_string(), "(None, 5, 4)");
    /// ```
    pub fn dot(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Dot" as "dot(x1, x2)" [Tensor, Tensor] => dot_call;
    /// Sums of products over pairs of axes: `a_axes[i]` with `b_axes[i]`.
    ///
    /// The other axes of `a` come first in the result. Sizes that differ are an error. Keras takes the last two axes of `a` and the
    /// first two of `b` by default.
    ///
    /// ```
    /// use refrain::{Input, input, ops};
    /// let kernel = Input::new([4]).batch_size(8).tensor();
    /// assert_eq!(ops::tensordot(&input([5, 8]), &kernel, [2], [0]).shape().to_string(), "(None, 5, 4)");
    /// ```
    pub fn tensordot(a: &Tensor, b: &Tensor, a_axes: impl Into<Vec<i64>>, b_axes: impl Into<Vec<i64>>) -> Tensor {
        [a, b, Json::from(vec![to::<Vec<i64>>(a_axes), to::<Vec<i64>>(b_axes)])]
    }
    "ops.numpy" / "Tensordot" as "tensordot(x1, x2, axes=2)" [Tensor, Tensor, Plain], "tf.tensordot(a, b, axes)" => tensordot_call;
    /// All products of an element of `a` and one of `b`: a matrix of the flattened tensors.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([2]).batch_size(3).tensor();
    /// assert_eq!(ops::outer(&x, &x).shape().to_string(), "(6, 6)");
    /// ```
    pub fn outer(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Outer" as "outer(x1, x2)" [Tensor, Tensor] => |inputs, _| {
        let (a, b) = factors(inputs)?;
        let column = prim::reshape(&a, [a.shape().numel(), Some(1)])?;
        let row = prim::reshape(&b, [Some(1), b.shape().numel()])?;
        Ok((column * row).into())
    };
    /// The norm of vectors along an axis: `order` 1, 2, another number, or infinity.
    ///
    /// `keepdims` leaves an axis of size 1; integers become floats. Keras takes the Euclidean norm by default. In a declared graph it
    /// is made of other functions: Keras on JAX does not run its own along an axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::norm(input([5, 8]), 2.0, -1, false).shape().to_string(), "(None, 5)");
    /// ```
    pub fn norm(x: impl AsRef<Tensor>, order: f64, axis: i64, keepdims: bool) -> Tensor {
        |_op| vector_norm(&floats(x.as_ref()), order, axis.into(), keepdims)
    }
    "ops.linalg" / "Norm" as "norm(x, ord=None, axis=None, keepdims=False)" [Tensor, Plain, Axes, Flag] => norm_call;
    /// Sums of products of a vector with another one that is moved along it.
    ///
    /// Floats. Vectors of unknown length, of none, and tensors of another rank are errors. Keras takes only whole overlaps by default.
    ///
    /// ```
    /// use refrain::{Input, Shape, ops, ops::CorrelateMode};
    /// let x = Input::new(Shape::scalar()).batch_size(9).tensor();
    /// let y = Input::new(Shape::scalar()).batch_size(4).tensor();
    /// assert_eq!(ops::correlate(&x, &y, CorrelateMode::Valid).shape().to_string(), "(6,)");
    /// ```
    pub fn correlate(a: &Tensor, b: &Tensor, mode: CorrelateMode) -> Tensor { [a, b, mode.name()] }
    "ops.numpy" / "Correlate" as "correlate(x1, x2, mode='valid')" [Tensor, Tensor, Text] => correlate_call;
    /// The lower triangle of matrices: elements at most `k` right of the diagonal; zeros elsewhere.
    ///
    /// A tensor of rank below 2 is an error. Keras's `k` is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::tril(input([5, 5]), 0).shape().to_string(), "(None, 5, 5)");
    /// ```
    pub fn tril(x: impl AsRef<Tensor>, k: i64) -> Tensor { [x.as_ref(), k] }
    "ops.numpy" / "Tril" as "tril(x, k=0)" [Tensor, Integer] => |inputs, config| {
        Ok(triangle(inputs.one()?, option(config, "k")?, true)?.into())
    };
    /// The upper triangle of matrices: elements at least `k` right of the diagonal; zeros elsewhere.
    ///
    /// A tensor of rank below 2 is an error. Keras's `k` is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::triu(input([5, 5]), 1).shape().to_string(), "(None, 5, 5)");
    /// ```
    pub fn triu(x: impl AsRef<Tensor>, k: i64) -> Tensor { [x.as_ref(), k] }
    "ops.numpy" / "Triu" as "triu(x, k=0)" [Tensor, Integer] => |inputs, config| {
        Ok(triangle(inputs.one()?, option(config, "k")?, false)?.into())
    };
}}

/// Which overlaps [`correlate`] takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CorrelateMode {
    /// Whole ones.
    #[default]
    Valid,
    /// As many as the longer vector has elements.
    Same,
    /// All.
    Full,
}

impl CorrelateMode {
    fn name(self) -> &'static str {
        match self {
            CorrelateMode::Valid => "valid",
            CorrelateMode::Same => "same",
            CorrelateMode::Full => "full",
        }
    }
}

fn correlate_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    let (a, b) = (as_float(&a)?, as_float(&b)?);
    let sizes = a
        .dim(0)
        .zip(b.dim(0))
        .filter(|&(m, n)| m > 0 && n > 0 && a.rank() == 1 && b.rank() == 1);
    let (m, n) = sizes.ok_or_else(|| {
        let received = format!("shapes {} and {}", a.shape(), b.shape());
        Error::mismatch(ErrorKind::Shape, "two vectors of known length", received)
    })?;
    let (long, short) = if m < n { (&b, &a) } else { (&a, &b) };
    let size = m.min(n);
    let mode: String = option(config, "mode")?;
    let (before, after) = match mode.as_str() {
        "valid" => (0, 0),
        "same" => (size / 2, size - size / 2 - 1),
        "full" => (size - 1, size - 1),
        _ => return Err(unexpected("valid, same or full", &mode.into())),
    };
    let widths = [
        (0, 0),
        (sizes::signed(before)?, sizes::signed(after)?),
        (0, 0),
    ];
    let long = pad_constant(&prim::reshape(long, [1, m.max(n), 1])?, &widths, 0.0)?;
    let y = convolve(
        &long,
        &prim::reshape(short, [size, 1, 1])?,
        &ConvOptions::default(),
    )?;
    let y = prim::reshape(&y, [y.dim(1)])?;
    let y = if m < n { flip(&y, 0).checked()? } else { y };
    Ok(y.into())
}

/// The two operands in their common type.
pub(super) fn factors(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let (a, b) = (
        tensor_argument(inputs, 0, "x1")?,
        tensor_argument(inputs, 1, "x2")?,
    );
    let dtype = prim::promote(a.dtype(), b.dtype());
    Ok((prim::convert(&a, dtype)?, prim::convert(&b, dtype)?))
}

fn dot_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    if a.rank() == 0 || b.rank() == 0 {
        return Ok((a * b).into());
    }
    let dims = DotDims {
        lhs_contracting: vec![a.rank() - 1],
        rhs_contracting: vec![b.rank().saturating_sub(2)],
        ..DotDims::default()
    };
    Ok(dot_general(&a, &b, dims)?.into())
}

fn tensordot_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    let json = config.get("axes").unwrap_or(&Json::Null);
    let bad = || unexpected("a number of axes, or axes of both tensors", json);
    let (lhs, rhs) = match json {
        Json::Number(n) => {
            let most = a.rank().min(b.rank()) as i64;
            let n = n
                .as_i64()
                .filter(|n| (0..=most).contains(n))
                .ok_or_else(bad)?;
            (Axes::Only((-n..0).collect()), Axes::Only((0..n).collect()))
        }
        Json::Array(pair) if pair.len() == 2 => (
            Axes::from_json(pair.first())?,
            Axes::from_json(pair.last())?,
        ),
        _ => return Err(bad()),
    };
    let dims = DotDims {
        lhs_contracting: lhs.resolve_in_order(a.rank())?,
        rhs_contracting: rhs.resolve_in_order(b.rank())?,
        ..DotDims::default()
    };
    Ok(dot_general(&a, &b, dims)?.into())
}

/// Integers as floats.
fn floats(x: &Tensor) -> Tensor {
    match x.dtype().is_float() {
        true => x.clone(),
        false => cast(x, DType::F32),
    }
}

/// Of vectors along one axis, of matrices along two, or of all elements.
fn norm_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = float_input(inputs)?;
    let axes = Axes::from_json(config.get("axis"))?;
    let dims = axes.resolve_in_order(x.rank())?;
    let keepdims: bool = option(config, "keepdims")?;
    let json = config.get("ord").unwrap_or(&Json::Null);
    let euclidean = |x: &Tensor| sum(&x.square(), axes.clone(), keepdims).sqrt();
    let norm = match (number_from_json(json), dims.as_slice()) {
        (None, dims) if json.is_null() || (json == "fro" && dims.len() == 2) => euclidean(&x),
        (Some(order), [_]) => vector_norm(&x, order, axes, keepdims),
        (Some(order), &[rows, columns]) if order.abs() == 1.0 || order.is_infinite() => {
            let (summed, kept) = if order.is_infinite() {
                (columns, rows)
            } else {
                (rows, columns)
            };
            let sums = sum(&x.abs(), summed as i64, true);
            let extreme = if order > 0.0 { max } else { min };
            let norm = extreme(&sums, kept as i64, true);
            if keepdims {
                norm
            } else {
                squeeze(&norm, [rows as i64, columns as i64])
            }
        }
        _ => {
            let axes = format!(
                "the order of a norm along {} axes that needs no singular values",
                dims.len()
            );
            return Err(unexpected(&axes, json));
        }
    };
    Ok(norm.into())
}

fn vector_norm(x: &Tensor, order: f64, axes: Axes, keepdims: bool) -> Tensor {
    let x_abs = x.abs();
    match order {
        2.0 => sum(&x.square(), axes, keepdims).sqrt(),
        1.0 => sum(&x_abs, axes, keepdims),
        0.0 => sum(cast(not_equal(x, 0), x.dtype()), axes, keepdims),
        f64::INFINITY => max(&x_abs, axes, keepdims),
        f64::NEG_INFINITY => min(&x_abs, axes, keepdims),
        p => power(sum(&power(x_abs, p), axes, keepdims), 1.0 / p),
    }
}

fn matmul_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = factors(inputs)?;
    if a.rank() == 0 || b.rank() == 0 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "tensors of rank 1 or more",
            "a scalar",
        ));
    }
    let contract = b.rank().saturating_sub(2);
    if b.rank() <= 2 {
        let dims = DotDims {
            lhs_contracting: vec![a.rank() - 1],
            rhs_contracting: vec![contract],
            ..DotDims::default()
        };
        return Ok(dot_general(&a, &b, dims)?.into());
    }
    batched(&a, &b).map(Into::into)
}

/// A product of stacks of matrices whose leading axes broadcast.
fn batched(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let vector = a.rank() == 1;
    let a = if vector {
        prim::reshape(a, vec![Some(1), a.dim(0)])?
    } else {
        a.clone()
    };
    let split = |t: &Tensor| {
        let shape = t.shape();
        let (batch, matrix) = shape.dims().split_at(t.rank() - 2);
        (batch.to_vec(), matrix.to_vec())
    };
    let ((a_batch, a_matrix), (b_batch, b_matrix)) = (split(&a), split(b));
    let batch = prim::broadcast_shapes(&a_batch.into(), &b_batch.into())?;
    let full = |matrix: Vec<_>| [batch.dims(), &matrix].concat().into();
    let a = prim::broadcast_to(&a, &full(a_matrix))?;
    let b = prim::broadcast_to(b, &full(b_matrix))?;
    let rank = batch.rank();
    let dims = DotDims {
        lhs_batch: (0..rank).collect(),
        rhs_batch: (0..rank).collect(),
        lhs_contracting: vec![rank + 1],
        rhs_contracting: vec![rank],
    };
    let product = dot_general(&a, &b, dims)?;
    if !vector {
        return Ok(product);
    }
    let mut shape = product.shape();
    shape.dims_mut().remove(rank);
    prim::reshape(&product, shape)
}
