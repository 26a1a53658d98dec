//! Masks and weights of attention.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, Shape, UnaryOp};
use serde_json::Value as Json;

use crate::error::Result;
use crate::inputs::Inputs;
use crate::ops::{self, prim};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A flag among the keyword arguments.
pub(super) fn flag(inputs: &Inputs, name: &str) -> bool {
    inputs.plain(usize::MAX, name).and_then(Json::as_bool) == Some(true)
}

/// Both masks where there are two.
pub(super) fn both(a: Option<Tensor>, b: Option<Tensor>) -> Result<Option<Tensor>> {
    match (a, b) {
        (Some(a), Some(b)) => prim::binary(BinaryOp::And, &a, &b).map(Some),
        (a, b) => Ok(a.or(b)),
    }
}

/// A mask with an axis of size 1 put in.
pub(super) fn expand(mask: &Tensor, axis: usize) -> Result<Tensor> {
    let mut dims = mask.shape().dims().to_vec();
    dims.insert(axis.min(dims.len()), Some(1));
    prim::reshape(mask, dims)
}

/// Positions of queries and of values, each of shape `(1, queries, values)`.
fn positions(like: &Tensor, queries: Dim, values: Dim) -> Result<(Tensor, Tensor)> {
    let shape = Shape::from(vec![Some(1), queries, values]);
    let along = |axis| prim::iota(like, &shape, DType::I32, axis);
    Ok((along(1)?, along(2)?))
}

/// True where a value is not later than the query: shape `(1, queries, values)`.
pub(super) fn causal_mask(like: &Tensor, queries: Dim, values: Dim) -> Result<Tensor> {
    let (query, value) = positions(like, queries, values)?;
    prim::compare(Comparison::Ge, &query, &value)
}

/// True where a value is nearer to the query than `window`: shape `(1, queries, values)`.
pub(super) fn window_mask(
    like: &Tensor,
    queries: Dim,
    values: Dim,
    window: usize,
) -> Result<Tensor> {
    let (query, value) = positions(like, queries, values)?;
    let difference = prim::binary(BinaryOp::Subtract, &query, &value)?;
    let distance = prim::unary(UnaryOp::Abs, &difference)?;
    let window = prim::constant_like(&distance, window as f64)?;
    prim::compare(Comparison::Lt, &distance, &window)
}

/// Keras's replacement for the logit of what a mask hides, in its explicit form of attention.
pub(super) fn hidden_logit(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => -3e4,
        _ => -1e9,
    }
}

/// JAX's replacement for the logit of what a mask hides, in its fused form of attention.
pub(super) fn lowest_logit(dtype: DType) -> f64 {
    /// The part of the type's range that leaves room for subtracting the largest logit.
    const PART: f64 = 0.7;
    let range = if dtype == DType::F16 {
        dtype
    } else {
        DType::F32
    };
    -PART * prim::limits(range).1
}

/// Softmax over the last `axes` axes.
pub(super) fn softmax(scores: &Tensor, axes: usize) -> Result<Tensor> {
    let axes: Vec<usize> = (scores.rank() - axes..scores.rank()).collect();
    ops::softmax_traced(scores, &axes)
}

/// A tensor of scalars chosen by a mask that broadcasts against it: the tensor where true, a number elsewhere.
pub(super) fn fill(x: &Tensor, mask: &Tensor, hidden: f64) -> Result<Tensor> {
    prim::select(mask, x, &prim::constant_like(x, hidden)?)
}

/// The argument that asks for the scores.
pub(super) const RETURN_SCORES: &str = "return_attention_scores";

/// The output alone, or with the scores where they are asked for.
pub(super) fn outputs(inputs: &Inputs, (output, scores): (Tensor, Tensor)) -> Structure<Tensor> {
    match flag(inputs, RETURN_SCORES) {
        true => Structure::tuple([output, scores]),
        false => Structure::Leaf(output),
    }
}
