//! Sorting, largest elements, running sums.

use refrain_graph::{BinaryOp, Comparison, DType, Op, Reduction};
use serde_json::Value as Json;

use super::definition::{operations, to};
use super::index::{from_end, gather_points};
use super::reduce::reduce;
use super::{
    concatenate_traced, dtype, expand_dims, flatten_from, option, prim, slice_traced, swapaxes,
    take_along_axis, tensor_argument, where_,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;

operations! { TABLE in table {
    /// Sorted along an axis, smallest first.
    ///
    /// In the shape of `x`. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::sort(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn sort(x: impl AsRef<Tensor>, axis: i64) -> Tensor { [x.as_ref(), axis] }
    "ops.numpy" / "Sort" as "sort(x, axis=-1)" [Tensor, OptionalInteger] => |inputs, config| Ok(sorted(inputs, config)?.0.into());
    /// The positions that would sort along an axis; equal elements keep their order.
    ///
    /// Integers in the shape of `x`. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::argsort(input([10]), -1).dtype(), DType::I32);
    /// ```
    pub fn argsort(x: impl AsRef<Tensor>, axis: i64) -> Tensor { [x.as_ref(), axis] }
    "ops.numpy" / "Argsort" as "argsort(x, axis=-1)" [Tensor, OptionalInteger] => |inputs, config| Ok(sorted(inputs, config)?.1.into());
    /// The positions of elements along an axis, those of the `kth` and all smaller ones first, in rising order; `None`: in the flattened
    /// tensor.
    ///
    /// The others keep their order. Integers in the shape of `x`. A place beyond the ends is an error. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::argpartition(input([10]), 3, -1).dtype(), DType::I32);
    /// ```
    pub fn argpartition(x: impl AsRef<Tensor>, kth: i64, axis: impl Into<Option<i64>>) -> Tensor {
        [x.as_ref(), kth, to::<Option<i64>>(axis)]
    }
    "ops.numpy" / "Argpartition" as "argpartition(x, kth, axis=-1)" [Tensor, Integer, OptionalInteger] => argpartition_call;
    /// The `k` largest elements along the last axis, largest first, and their positions. NaN counts as the largest.
    ///
    /// Fewer elements than `k` are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let (values, positions) = ops::top_k(input([10]), 3);
    /// assert_eq!(values.shape().to_string(), "(None, 3)");
    /// assert_eq!(positions.shape(), values.shape());
    /// ```
    pub fn top_k(x: impl AsRef<Tensor>, k: usize) -> (Tensor, Tensor) { [x.as_ref(), k, true] }
    "ops.math" / "TopK" as "top_k(x, k, sorted=True)" [Tensor, Count, Flag] => top_k_call;
    /// Whether the target class is among the `k` with the largest predictions.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let targets = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::in_top_k(&targets, &input([10]), 3).shape().to_string(), "(None,)");
    /// ```
    pub fn in_top_k(targets: &Tensor, predictions: &Tensor, k: usize) -> Tensor { [targets, predictions, k] }
    "ops.math" / "InTopK" as "in_top_k(targets, predictions, k)" [Indices, Tensor, Count] => |inputs, config| {
        let (targets, predictions) = (tensor_argument(inputs, 0, "targets")?, tensor_argument(inputs, 1, "predictions")?);
        let own = take_along_axis(&predictions, &expand_dims(&targets, -1), -1);
        let own = where_(&own.isnan(), f64::NEG_INFINITY, &own);
        let above = prim::convert(&prim::compare(Comparison::Gt, &predictions, &own)?, DType::I32)?;
        let above = reduce(&above, Reduction::Sum, &[predictions.rank() - 1], false)?;
        Ok(prim::compare(Comparison::Lt, &above, &prim::constant_like(&above, option::<usize>(config, "k")? as f64)?)?.into())
    };
    /// The position of the largest element along an axis (the first of equals); `None`: in the flattened tensor.
    ///
    /// An integer in place of the axis, or along an axis of size 1 with `keepdims`.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::argmax(input([10]), -1, false).shape().to_string(), "(None,)");
    /// ```
    pub fn argmax(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), keepdims]
    }
    "ops.numpy" / "Argmax" as "argmax(x, axis=None, keepdims=False)" [Tensor, OptionalInteger, Flag]
    => |inputs, config| arg_call(inputs, config, Reduction::Max);
    /// The position of the smallest element along an axis (the first of equals); `None`: in the flattened tensor.
    ///
    /// An integer in place of the axis, or along an axis of size 1 with `keepdims`.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::argmin(input([10]), -1, true).shape().to_string(), "(None, 1)");
    /// ```
    pub fn argmin(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), keepdims]
    }
    "ops.numpy" / "Argmin" as "argmin(x, axis=None, keepdims=False)" [Tensor, OptionalInteger, Flag]
    => |inputs, config| arg_call(inputs, config, Reduction::Min);
    /// Running sums along an axis; `None`: over the flattened tensor.
    ///
    /// In the shape of `x`; truth values are counted.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::cumsum(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn cumsum(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), None::<DType>]
    }
    "ops.numpy" / "Cumsum" as "cumsum(x, axis=None, dtype=None)" [Tensor, OptionalInteger, OptionalType]
    => |inputs, config| cumulative_call(inputs, config, Reduction::Sum);
    /// Running products along an axis; `None`: over the flattened tensor.
    ///
    /// In the shape of `x`.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::cumprod(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn cumprod(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), None::<DType>]
    }
    "ops.numpy" / "Cumprod" as "cumprod(x, axis=None, dtype=None)" [Tensor, OptionalInteger, OptionalType]
    => |inputs, config| cumulative_call(inputs, config, Reduction::Product);
}}

/// A traced tensor sorted along an axis, and the positions that its elements came from.
pub(crate) fn sort_traced(x: &Tensor, axis: usize, descending: bool) -> Result<(Tensor, Tensor)> {
    let dim = axis;
    let mut outputs = Trace::apply_multi(Op::Sort { dim, descending }, &[x])?;
    match (outputs.pop(), outputs.pop()) {
        (Some(positions), Some(values)) => Ok((values, positions)),
        _ => Err(Error::new(ErrorKind::Internal, "a sort of two outputs")),
    }
}

pub(super) fn axis_or_flat(x: &Tensor, config: &Config) -> Result<(Tensor, usize)> {
    match option::<Option<i64>>(config, "axis")? {
        Some(axis) => Ok((x.clone(), resolve_axis(axis, x.rank())?)),
        None => Ok((flatten_from(x, 0)?, 0)),
    }
}

fn sorted(inputs: &Inputs, config: &Config) -> Result<(Tensor, Tensor)> {
    let (x, axis) = axis_or_flat(inputs.one()?, config)?;
    sort_traced(&x, axis, false)
}

fn top_k_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let k: usize = option(config, "k")?;
    let axis = resolve_axis(-1, x.rank())?;
    if let Some(n) = x.shape().dim(axis).filter(|&n| n < k) {
        let expected = format!("at least {k} elements along the last axis");
        return Err(Error::mismatch(ErrorKind::Shape, expected, n.to_string()));
    }
    let (values, positions) = sort_traced(x, axis, true)?;
    if !x.dtype().is_float() {
        let first = |t: &Tensor| slice_traced(t, axis, 0, Some(k));
        return Ok(Structure::tuple([first(&values)?, first(&positions)?]));
    }
    // NaN, which is sorted to the end, counts as the largest here.
    let undefined = prim::convert(&x.isnan(), DType::I32)?;
    let count = reduce(&undefined, Reduction::Sum, &[axis], true)?;
    let mut shape = x.shape();
    shape.dims_mut()[axis] = Some(k);
    let places = from_end(
        &(prim::iota(x, &shape, DType::I32, axis)? - count),
        x.shape().dim(axis),
    )?;
    let first = |t: &Tensor| gather_points(t, &places, axis);
    Ok(Structure::tuple([first(&values)?, first(&positions)?]))
}

fn argpartition_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, axis) = axis_or_flat(inputs.one()?, config)?;
    let kth: i64 = option(config, "kth")?;
    let last = x.rank() as i64 - 1;
    let along = swapaxes(&x, axis as i64, last).checked()?;
    let Some(size) = along.dim(-1) else {
        return Ok(prim::convert(&x, DType::I32)?.into());
    };
    let first = resolve_axis(kth, size)? + 1;
    let (_, order) = sort_traced(&along, last as usize, false)?;
    let part = |from, to| slice_traced(&order, last as usize, from, to);
    let (rest, _) = sort_traced(&part(first, None)?, last as usize, false)?;
    let places = concatenate_traced(&[&part(0, Some(first))?, &rest], last)?;
    Ok(swapaxes(&places, axis as i64, last).checked()?.into())
}

pub(super) fn arg_call(
    inputs: &Inputs,
    config: &Config,
    kind: Reduction,
) -> Result<Structure<Tensor>> {
    let x = match inputs.one()? {
        x if x.dtype() == DType::Bool => prim::convert(x, DType::I32)?,
        x => x.clone(),
    };
    let keepdims: bool = option(config, "keepdims")?;
    let (flat, axis) = axis_or_flat(&x, config)?;
    let extreme = reduce(&flat, kind, &[axis], true)?;
    // Of NaN, which wins, the first.
    let equal = prim::compare(Comparison::Eq, &flat, &extreme)?;
    let wins = prim::binary(BinaryOp::Or, &equal, &flat.isnan())?;
    let places = prim::iota(&flat, &flat.shape(), DType::I32, axis)?;
    let beyond = prim::constant_like(&places, i32::MAX as f64)?;
    let candidates = prim::select(&wins, &places, &beyond)?;
    let first = reduce(&candidates, Reduction::Min, &[axis], keepdims)?;
    let whole = config.get("axis").is_none_or(Json::is_null);
    if keepdims && whole {
        return Ok(prim::reshape(&first, vec![1; x.rank()])?.into());
    }
    Ok(first.into())
}

pub(super) fn cumulative_call(
    inputs: &Inputs,
    config: &Config,
    kind: Reduction,
) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let dtype = match (dtype(config)?, x.dtype()) {
        (Some(dtype), _) => dtype,
        (None, DType::Bool) => DType::I32,
        (None, dtype) => dtype,
    };
    let (x, dim) = axis_or_flat(&prim::convert(x, dtype)?, config)?;
    let op = Op::Cumulative {
        kind,
        dim,
        reverse: false,
    };
    Ok(Trace::apply(op, &[&x])?.into())
}

/// The lower (`k` and below) or upper triangle of the matrices in the last two axes; zeros elsewhere.
pub(super) fn triangle(x: &Tensor, k: i64, lower: bool) -> Result<Tensor> {
    let rank = x.rank();
    if rank < 2 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "matrices",
            x.shape().to_string(),
        ));
    }
    let rows = prim::iota(x, &x.shape(), DType::I32, rank - 2)?;
    let columns = prim::iota(x, &x.shape(), DType::I32, rank - 1)?;
    let offset = prim::constant_like(&rows, k as f64)?;
    let diagonal = prim::binary(BinaryOp::Add, &rows, &offset)?;
    let kept = match lower {
        true => prim::compare(Comparison::Le, &columns, &diagonal)?,
        false => prim::compare(Comparison::Ge, &columns, &diagonal)?,
    };
    prim::select(&kept, x, &prim::constant_like(x, 0.0)?)
}
