//! The loops that do the arithmetic. All `unsafe` of the crate lives here.

#![allow(unsafe_code)]

pub mod arena;
pub mod elementwise;
mod math;
pub mod nest;
pub mod pool;
pub mod reduce;
