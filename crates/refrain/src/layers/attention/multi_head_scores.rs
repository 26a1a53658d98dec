//! The products of multi-head attention, on projected tensors `(batch, …, heads, size)`.

use refrain_graph::DotDims;

use crate::error::Result;
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// Which axes of projected tensors attend, and which are only carried along.
pub(super) struct AttentionAxes {
    /// Axes that are attended over, in increasing order.
    attended: Vec<usize>,
    /// The other axes but the last, in increasing order: the batch first, the heads last.
    batch: Vec<usize>,
    /// The axis of the sizes.
    last: usize,
}

impl AttentionAxes {
    /// For inputs of this rank, before the projection puts the heads in.
    pub(super) fn new(mut attended: Vec<usize>, input_rank: usize) -> Self {
        attended.sort_unstable();
        attended.dedup();
        let batch = (0..input_rank).filter(|axis| !attended.contains(axis));
        AttentionAxes {
            batch: batch.collect(),
            attended,
            last: input_rank,
        }
    }

    /// Number of axes that are attended over.
    pub(super) fn count(&self) -> usize {
        self.attended.len()
    }

    /// `(batch, …, heads, queries…, keys…)`.
    pub(super) fn scores(&self, query: &Tensor, key: &Tensor) -> Result<Tensor> {
        let dims = DotDims {
            lhs_batch: self.batch.clone(),
            rhs_batch: self.batch.clone(),
            lhs_contracting: vec![self.last],
            rhs_contracting: vec![self.last],
        };
        ops::dot_general(query, key, dims)
    }

    /// The values that the scores pick: `(batch, …, heads, queries…, size)`.
    pub(super) fn context(&self, scores: &Tensor, value: &Tensor) -> Result<Tensor> {
        let (batch, count) = (self.batch.len(), self.count());
        let dims = DotDims {
            lhs_batch: (0..batch).collect(),
            rhs_batch: self.batch.clone(),
            lhs_contracting: (batch + count..batch + 2 * count).collect(),
            rhs_contracting: self.attended.clone(),
        };
        ops::dot_general(scores, value, dims)
    }

    /// A projected tensor in the order of axes that [`context`](Self::context) gives.
    pub(super) fn as_context(&self, projected: &Tensor) -> Result<Tensor> {
        let order = [&self.batch[..], &self.attended, &[self.last]].concat();
        prim::transpose(projected, &order)
    }

    /// The context times a kernel `(heads, size, output…)`, in the order of the input's axes.
    pub(super) fn output(&self, context: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        let heads = self.batch.len() - 1;
        let dims = DotDims {
            lhs_contracting: vec![heads, context.rank() - 1],
            rhs_contracting: vec![0, 1],
            ..DotDims::default()
        };
        let output = ops::dot_general(context, kernel, dims)?;
        let mut order = [&self.batch[..heads], &self.attended].concat();
        order.extend(order.len()..output.rank());
        let mut back = vec![0; order.len()];
        for (place, &axis) in order.iter().enumerate() {
            back[axis] = place;
        }
        prim::transpose(&output, &back)
    }

    /// A mask `(…, queries…, keys…)` with axes of size 1 for the heads and whatever else the scores have in front.
    pub(super) fn align_mask(&self, mask: &Tensor, scores: &Tensor) -> Result<Tensor> {
        let front = mask.rank().saturating_sub(2 * self.count());
        let missing = scores.rank().saturating_sub(mask.rank());
        let mut dims = mask.shape().dims().to_vec();
        dims.splice(front..front, std::iter::repeat_n(Some(1), missing));
        prim::reshape(mask, dims)
    }
}
