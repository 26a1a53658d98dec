//! What each metric computes for each sample, and how the values add up over batches.

use refrain_graph::{Comparison, DType, Reduction as Fold};

use super::config::{Kind, MetricOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{self, align_ranks, apply_mask, squeeze_last, sum_all};
use crate::ops::{prim, reduce};
use crate::tensor::Tensor;

/// The metric's value of each sample (of each step, …).
pub(crate) fn sample_values(
    options: &MetricOptions,
    y_true: &Tensor,
    y_pred: &Tensor,
) -> Result<Tensor> {
    let kind = match options.kind {
        Kind::Accuracy => resolve_accuracy(y_true, y_pred),
        ref kind => kind.clone(),
    };
    let values = match kind {
        Kind::Accuracy | Kind::Equal => {
            let (y, p) = align_ranks(y_true, y_pred)?;
            let y = prim::convert(&y, p.dtype())?;
            prim::compare(Comparison::Eq, &y, &p)?
        }
        Kind::Binary => {
            let (y, p) = align_ranks(y_true, y_pred)?;
            let threshold = prim::constant_like(&p, options.threshold)?;
            let yes = prim::compare(Comparison::Gt, &p, &threshold)?;
            prim::compare(Comparison::Eq, &y, &prim::convert(&yes, y.dtype())?)?
        }
        Kind::Categorical => {
            let y = argmax(y_true)?;
            matches(&y, y_pred)?
        }
        Kind::Sparse => {
            let squeezed = y_true.rank() == y_pred.rank() && y_true.dim(-1) == Some(1);
            let y = match squeezed {
                true => squeeze_last(y_true)?,
                false => y_true.clone(),
            };
            matches(&prim::convert(&y, DType::I32)?, y_pred)?
        }
        Kind::Loss(loss) => losses::values(&loss.into_options(), y_true, y_pred)?.0,
        Kind::Custom(function) => function(&prim::convert(y_true, y_pred.dtype())?, y_pred)
            .checked()
            .map_err(|e| e.in_part(format!("metric `{}`", options.name())))?,
    };
    values.check()?;
    prim::convert(&values, DType::F32)
}

/// Keras's rule for the metric "accuracy".
fn resolve_accuracy(y_true: &Tensor, y_pred: &Tensor) -> Kind {
    if y_pred.dim(-1) == Some(1) {
        return Kind::Binary;
    }
    match y_true.rank() < y_pred.rank() || y_true.dim(-1) == Some(1) {
        true => Kind::Sparse,
        false => Kind::Categorical,
    }
}

fn matches(y: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    let p = argmax(y_pred)?;
    if !y.shape().compatible(&p.shape()) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("targets that give one class for each of {}", p.shape()),
            format!("{}", y.shape()),
        ));
    }
    prim::compare(Comparison::Eq, y, &p)
}

/// The index of the largest element along the last axis, the first of equals.
fn argmax(x: &Tensor) -> Result<Tensor> {
    let Some(last) = x.rank().checked_sub(1) else {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "an axis of classes",
            "a scalar",
        ));
    };
    let largest = reduce::reduce(x, Fold::Max, &[last], true)?;
    let is_largest = prim::compare(Comparison::Eq, x, &largest)?;
    let index = prim::iota(x, &x.shape(), DType::I32, last)?;
    let none = prim::constant_of(x, DType::I32, f64::from(i32::MAX))?;
    let candidates = prim::select(&is_largest, &index, &none)?;
    reduce::reduce(&candidates, Fold::Min, &[last], false)
}

/// What a batch adds to a mean: the weighted sum of the samples' values, and the sum of their weights.
pub(crate) fn contribution(
    values: &Tensor,
    weights: Option<&Tensor>,
    mask: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let weights = apply_mask(weights, mask, DType::F32, false)?;
    let Some(weights) = weights else {
        let values = mean_from(values, 1)?;
        let count = values.dim(0).unwrap_or(1) as f64;
        return Ok((sum_all(&values), prim::constant_like(&values, count)?));
    };
    let (mut values, mut weights) = align_ranks(values, &weights)?;
    let rank = weights.rank();
    if rank > values.rank() {
        losses::check_weights(&values, &weights)?;
    }
    values = mean_from(&values, rank)?;
    weights = prim::broadcast_to(&weights, &values.shape())?;
    values = values * &weights;
    if rank > 1 {
        weights = mean_from(&weights, 1)?;
    }
    let values = mean_from(&values, 1)?;
    Ok((sum_all(&values), sum_all(&weights)))
}

/// The mean over all axes from one on.
fn mean_from(x: &Tensor, axis: usize) -> Result<Tensor> {
    x.check()?;
    if x.rank() <= axis {
        return Ok(x.clone());
    }
    let dims: Vec<usize> = (axis..x.rank()).collect();
    let sizes = dims.iter().filter_map(|&d| x.shape().dim(d));
    let n: usize = sizes.product();
    Ok(reduce::reduce(x, Fold::Sum, &dims, false)? / n.max(1) as f64)
}
