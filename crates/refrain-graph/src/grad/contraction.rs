//! Gradients of `dot_general`.

use super::movement::inverse;
use super::{Call, Cotangents};
use crate::DotDims;

/// Each side's cotangent is the product of the result's cotangent with the other side, contracted over the dimensions
/// that only the other side has.
pub(super) fn dot_general<'b>(dims: &DotDims, call: &Call<'b>) -> Cotangents<'b> {
    let (lhs, rhs, g) = (call.inputs[0], call.inputs[1], call.cotangent());
    let lhs_free = free(lhs.rank(), &dims.lhs_batch, &dims.lhs_contracting);
    let rhs_free = free(rhs.rank(), &dims.rhs_batch, &dims.rhs_contracting);
    let batches = dims.lhs_batch.len();
    let batch: Vec<usize> = (0..batches).collect();
    let lhs_places: Vec<usize> = (batches..batches + lhs_free.len()).collect();
    let rhs_places: Vec<usize> = (batches + lhs_free.len()..g.rank()).collect();
    call.both(
        || {
            let product = DotDims {
                lhs_batch: batch.clone(),
                rhs_batch: dims.rhs_batch.clone(),
                lhs_contracting: rhs_places,
                rhs_contracting: rhs_free.clone(),
            };
            let contracted = partners(&dims.rhs_contracting, &dims.lhs_contracting);
            let order = [&dims.lhs_batch[..], &lhs_free, &contracted].concat();
            g.dot(product, rhs).transpose(&inverse(&order))
        },
        || {
            let product = DotDims {
                lhs_batch: dims.lhs_batch.clone(),
                rhs_batch: batch.clone(),
                lhs_contracting: lhs_free.clone(),
                rhs_contracting: lhs_places,
            };
            let contracted = partners(&dims.lhs_contracting, &dims.rhs_contracting);
            let order = [&dims.rhs_batch[..], &contracted, &rhs_free].concat();
            lhs.dot(product, g).transpose(&inverse(&order))
        },
    )
}

/// The dimensions that are neither batch nor contracted.
pub(super) fn free(rank: usize, batch: &[usize], contracting: &[usize]) -> Vec<usize> {
    (0..rank)
        .filter(|d| !batch.contains(d) && !contracting.contains(d))
        .collect()
}

/// The other side's contracting dimensions in the order in which `own` ones come in a tensor.
fn partners(own: &[usize], others: &[usize]) -> Vec<usize> {
    let mut pairs: Vec<(usize, usize)> = own.iter().copied().zip(others.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, other)| other).collect()
}
