//! The CPU compiler of refrain: turns a tensor program whose shapes are known into a static plan of fused kernels over
//! one arena, and runs it.

mod error;
mod executable;
pub mod kernels;
pub mod simd;
mod view;

pub use error::{CompileError, RunError};
pub use executable::{CompileOptions, Executable, Workspace};
pub use kernels::pool::Pool;
pub use simd::{Simd, SimdLevel};
