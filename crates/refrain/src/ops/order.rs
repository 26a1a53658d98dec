//! Sorting, largest elements, running sums.

use refrain_graph::{BinaryOp, Comparison, DType, Op, Reduction, UnaryOp};
use serde_json::Value as Json;

use super::reduce::reduce;
use super::{apply, apply_many, config, definitions, flatten_from, option, prim, slice_traced};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Config;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;

definitions! { DEFS {
    SORT = "numpy" / "Sort" => |inputs, config| Ok(sorted(inputs, config)?.0.into());
    ARGSORT = "numpy" / "Argsort" => |inputs, config| Ok(sorted(inputs, config)?.1.into());
    TOP_K = "math" / "TopK" => top_k_call;
    ARGMAX = "numpy" / "Argmax" => |inputs, config| arg_call(inputs, config, Reduction::Max);
    ARGMIN = "numpy" / "Argmin" => |inputs, config| arg_call(inputs, config, Reduction::Min);
    CUMSUM = "numpy" / "Cumsum" => |inputs, config| cumulative_call(inputs, config, Reduction::Sum);
    CUMPROD = "numpy" / "Cumprod" => |inputs, config| cumulative_call(inputs, config, Reduction::Product);
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

fn axis_or_flat(x: &Tensor, config: &Config) -> Result<(Tensor, usize)> {
    match option::<Option<i64>>(config, "axis")? {
        Some(axis) => Ok((x.clone(), resolve_axis(axis, x.rank())?)),
        None => Ok((flatten_from(x, 0)?, 0)),
    }
}

fn sorted(inputs: &Inputs, config: &Config) -> Result<(Tensor, Tensor)> {
    let (x, axis) = axis_or_flat(inputs.one()?, config)?;
    sort_traced(&x, axis, false)
}

/// Sorted along an axis, smallest first.
pub fn sort(x: impl AsRef<Tensor>, axis: i64) -> Tensor {
    apply(
        &SORT,
        Inputs::new(x.as_ref()),
        config([("axis", axis.into())]),
    )
}

/// The positions that would sort along an axis; equal elements keep their order.
pub fn argsort(x: impl AsRef<Tensor>, axis: i64) -> Tensor {
    apply(
        &ARGSORT,
        Inputs::new(x.as_ref()),
        config([("axis", axis.into())]),
    )
}

/// The `k` largest elements along the last axis, largest first, and their positions.
pub fn top_k(x: impl AsRef<Tensor>, k: usize) -> (Tensor, Tensor) {
    let config = config([("k", k.into()), ("sorted", true.into())]);
    let mut outputs = apply_many(&TOP_K, Inputs::new(x.as_ref()), config, 2);
    let positions = outputs.swap_remove(1);
    (outputs.swap_remove(0), positions)
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
    let first = |t: &Tensor| slice_traced(t, axis, 0, Some(k));
    Ok(Structure::tuple([first(&values)?, first(&positions)?]))
}

fn arg_config(axis: Option<i64>, keepdims: bool) -> Config {
    let axis = axis.map_or(Json::Null, Json::from);
    config([("axis", axis), ("keepdims", keepdims.into())])
}

/// The position of the largest element along an axis (the first of equals); `None`: in the flattened tensor.
pub fn argmax(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
    apply(
        &ARGMAX,
        Inputs::new(x.as_ref()),
        arg_config(axis.into(), keepdims),
    )
}

/// The position of the smallest element along an axis (the first of equals); `None`: in the flattened tensor.
pub fn argmin(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
    apply(
        &ARGMIN,
        Inputs::new(x.as_ref()),
        arg_config(axis.into(), keepdims),
    )
}

fn arg_call(inputs: &Inputs, config: &Config, kind: Reduction) -> Result<Structure<Tensor>> {
    let x = match inputs.one()? {
        x if x.dtype() == DType::Bool => prim::convert(x, DType::I32)?,
        x => x.clone(),
    };
    let keepdims = option::<Option<bool>>(config, "keepdims")?.unwrap_or(false);
    let (flat, axis) = axis_or_flat(&x, config)?;
    let extreme = reduce(&flat, kind, &[axis], true)?;
    let loses = match kind {
        Reduction::Max => prim::compare(Comparison::Lt, &flat, &extreme)?,
        _ => prim::compare(Comparison::Gt, &flat, &extreme)?,
    };
    let wins = prim::unary(UnaryOp::Not, &loses)?;
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

/// Running sums along an axis; `None`: over the flattened tensor.
pub fn cumsum(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
    let axis = axis.into().map_or(Json::Null, Json::from);
    apply(&CUMSUM, Inputs::new(x.as_ref()), config([("axis", axis)]))
}

/// Running products along an axis; `None`: over the flattened tensor.
pub fn cumprod(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
    let axis = axis.into().map_or(Json::Null, Json::from);
    apply(&CUMPROD, Inputs::new(x.as_ref()), config([("axis", axis)]))
}

fn cumulative_call(inputs: &Inputs, config: &Config, kind: Reduction) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let name = option::<Option<String>>(config, "dtype")?;
    let dtype = match (name.and_then(|n| DType::from_keras_name(&n)), x.dtype()) {
        (Some(dtype), _) => dtype,
        (None, DType::Bool) => DType::I32,
        (None, DType::U8) => DType::U32,
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
