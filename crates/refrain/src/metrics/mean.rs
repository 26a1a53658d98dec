//! How the values of samples add up over batches.

use refrain_graph::{DType, Reduction as Fold};

use crate::error::Result;
use crate::losses::{align_ranks, apply_mask, check_weights};
use crate::ops::{prim, reduce, sum_all};
use crate::tensor::Tensor;

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
        check_weights(&values, &weights)?;
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
