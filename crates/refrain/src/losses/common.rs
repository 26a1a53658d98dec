//! What several classes need.

use refrain_graph::{DType, Dim, Reduction as Fold};

use crate::error::{Error, ErrorKind, Result};
use crate::ops::{prim, reduce};
use crate::tensor::{Tensor, resolve_axis};

/// Losses are computed in f32 at least.
pub(super) fn floating(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F64 => Ok(x.clone()),
        _ => prim::convert(x, DType::F32),
    }
}

/// Predictions minus targets.
pub(super) fn difference(y: &Tensor, p: &Tensor) -> Result<Tensor> {
    compatible(y, p)?;
    Ok(p - y)
}

/// Targets may have size 1 where predictions have more, as in Keras, but not the other way round.
pub(super) fn compatible(y: &Tensor, p: &Tensor) -> Result<()> {
    let (ys, ps) = (y.shape(), p.shape());
    let mut pairs = ys.dims().iter().zip(ps.dims());
    let fits = |(y, p): (&Dim, &Dim)| y.is_none_or(|y| y == 1 || p.is_none_or(|p| y == p));
    match ys.rank() == ps.rank() && pairs.all(fits) {
        true => Ok(()),
        false => {
            Err(mismatch(y, p).hint("Bring the targets to this shape, or change the last layer"))
        }
    }
}

pub(super) fn same_shape(y: &Tensor, p: &Tensor) -> Result<()> {
    match y.shape().compatible(&p.shape()) {
        true => Ok(()),
        false => Err(mismatch(y, p)),
    }
}

fn mismatch(y: &Tensor, p: &Tensor) -> Error {
    Error::mismatch(
        ErrorKind::Shape,
        format!("targets of the predictions' shape {}", p.shape()),
        format!("shape {}", y.shape()),
    )
}

/// The mean along an axis.
pub(super) fn mean(x: &Tensor, axis: i64) -> Result<Tensor> {
    x.check()?;
    let dim = resolve_axis(axis, x.rank())?;
    let sum = reduce::reduce(x, Fold::Sum, &[dim], false)?;
    let n = x.shape().dim(dim).unwrap_or(1);
    Ok(sum / n as f64)
}

/// Targets after label smoothing over this many classes.
pub(super) fn smoothed(y: &Tensor, smoothing: f64, classes: f64) -> Tensor {
    match smoothing {
        0.0 => y.clone(),
        s => y * (1.0 - s) + s / classes,
    }
}

pub(super) fn check_smoothing(label_smoothing: f64) -> Result<()> {
    if (0.0..=1.0).contains(&label_smoothing) {
        return Ok(());
    }
    Err(Error::mismatch(
        ErrorKind::Config,
        "label_smoothing between 0 and 1",
        label_smoothing.to_string(),
    ))
}
