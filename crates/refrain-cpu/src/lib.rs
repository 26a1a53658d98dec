//! The CPU compiler of refrain: turns a tensor program whose shapes are known into a static plan of fused kernels over
//! one arena, and runs it.

mod compile;
mod error;
mod executable;
mod fuse;
pub mod kernels;
mod library;
mod lower;
mod plan;
pub mod simd;
mod sources;
mod step;
mod tape;
mod view;

pub use error::{CompileError, RunError};
pub use executable::{CompileOptions, Executable, Workspace};
pub use kernels::pool::Pool;
pub use simd::{Simd, SimdLevel};
