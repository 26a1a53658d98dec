//! Shape inference: what comes out of a primitive, or why its inputs do not fit.
//!
//! An unknown dimension fits every size. Where several inputs speak of one dimension, the result knows what any of them
//! knows; a dimension that would have to be computed from an unknown one is unknown. Whatever the attributes are, the
//! answer is specs or an error, never a panic.

mod check;
mod contract;
mod control;
mod elementwise;
mod index;
mod reduce;
mod shape;
#[cfg(test)]
pub(crate) mod tests;
mod window;

use crate::{GraphError, Op, Spec};

/// Specs of the outputs, or what was expected and what came.
type Inferred = Result<Vec<Spec>, String>;

/// The specs of a primitive's outputs for inputs of these specs.
pub fn infer(op: &Op, inputs: &[&Spec]) -> Result<Vec<Spec>, GraphError> {
    outputs(op, inputs)
        .and_then(check::addressable)
        .map_err(|message| GraphError::op(op.name(), message))
}

fn outputs(op: &Op, inputs: &[&Spec]) -> Inferred {
    match op {
        Op::Constant(literal) => elementwise::constant(literal, inputs),
        Op::Unary(op) => elementwise::unary(*op, inputs),
        Op::Binary(op) => elementwise::binary(*op, inputs),
        Op::Compare(_) => elementwise::compare(inputs),
        Op::Select => elementwise::select(inputs),
        Op::Convert(dtype) => elementwise::convert(*dtype, inputs),
        Op::StopGradient => elementwise::stop_gradient(inputs),
        Op::Iota { shape, dtype, dim } => shape::iota(shape, *dtype, *dim, inputs),
        Op::BroadcastInDim { shape, dims } => shape::broadcast_in_dim(shape, dims, inputs),
        Op::Reshape(shape) => shape::reshape(shape, inputs),
        Op::Transpose(perm) => shape::transpose(perm, inputs),
        Op::Slice {
            starts,
            limits,
            strides,
        } => shape::slice(starts, limits, strides, inputs),
        Op::Pad {
            low,
            high,
            interior,
        } => shape::pad(low, high, interior, inputs),
        Op::Concatenate(dim) => shape::concatenate(*dim, inputs),
        Op::Reverse(dims) => shape::reverse(dims, inputs),
        Op::Reduce { kind, dims } => reduce::reduce(*kind, dims, inputs),
        Op::ReduceWindow { kind, window } => reduce::reduce_window(*kind, window, inputs),
        Op::SelectAndScatter { window } => reduce::select_and_scatter(window, inputs),
        Op::Sort { dim, .. } => reduce::sort(*dim, inputs),
        Op::Cumulative { kind, dim, .. } => reduce::cumulative(*kind, *dim, inputs),
        Op::DotGeneral(dims) => contract::dot_general(dims, inputs),
        Op::Convolution(conv) => contract::convolution(conv, inputs),
        Op::Gather(dims) => index::gather(dims, inputs),
        Op::Scatter { dims, kind } => index::scatter(dims, *kind, inputs),
        Op::Scan(scan) => control::scan(scan, inputs),
        Op::RngBitGenerator(shape) => control::rng_bit_generator(shape, inputs),
    }
}
