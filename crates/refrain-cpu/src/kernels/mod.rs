//! The loops that do the arithmetic. All `unsafe` of the crate lives here.

#![allow(unsafe_code)]

pub mod arena;
pub mod conv;
pub mod conv_general;
pub mod conv_kernel;
pub mod conv_shape;
pub mod convert;
pub mod copy;
pub mod depthwise;
pub mod dot;
pub mod elementwise;
pub mod epilogue;
pub mod gemm;
mod gemv;
pub mod halves;
pub mod lines;
mod math;
mod micro;
pub mod nest;
pub mod number;
pub mod pack;
mod patches;
pub mod pool;
pub mod pooling;
pub mod product;
pub mod reduce;
pub mod rng;
pub mod slices;
mod special;
#[cfg(test)]
mod testing;
mod transpose;
mod vector;
mod winograd;

/// A slice given to a kernel is too short for the shape it was given with, or the shape contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthError;

impl std::fmt::Display for LengthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a buffer does not fit the shape of its tensor")
    }
}

impl std::error::Error for LengthError {}
