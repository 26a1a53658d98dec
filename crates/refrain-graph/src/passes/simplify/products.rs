//! Products of transposed operands.

use super::Found;
use crate::{DotDims, Graph, Op, Value};

/// A product reads its operands in any order, so a transposition before it is renumbered dimensions, as long as those
/// that are neither batch nor contracted stay in order.
pub(super) fn dot_general(graph: &mut Graph, dims: &DotDims, lhs: Value, rhs: Value) -> Found {
    let mut new = dims.clone();
    let left = untransposed(graph, lhs, &mut new.lhs_batch, &mut new.lhs_contracting);
    let right = untransposed(graph, rhs, &mut new.rhs_batch, &mut new.rhs_contracting);
    if left.is_none() && right.is_none() {
        return Ok(None);
    }
    let inputs = [left.unwrap_or(lhs), right.unwrap_or(rhs)];
    graph.push(Op::DotGeneral(new), &inputs).map(Some)
}

fn untransposed(
    graph: &Graph,
    x: Value,
    batch: &mut [usize],
    contracting: &mut [usize],
) -> Option<Value> {
    let (Op::Transpose(perm), inputs) = graph.op_of(x)? else {
        return None;
    };
    let free = (0..perm.len()).filter(|d| !batch.contains(d) && !contracting.contains(d));
    let free: Vec<usize> = free.map(|d| perm[d]).collect();
    if !free.windows(2).all(|w| w[0] < w[1]) {
        return None;
    }
    for d in batch.iter_mut().chain(contracting) {
        *d = perm[*d];
    }
    Some(inputs[0])
}
