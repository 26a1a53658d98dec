//! The CPU compiler of refrain.

pub mod kernels;
pub mod simd;

pub use kernels::pool::Pool;
pub use simd::{Simd, SimdLevel};
