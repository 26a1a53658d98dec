//! The CPU compiler of refrain: turns a tensor program whose shapes are known into a static plan of fused kernels over
//! one arena, and runs it.
//!
//! The pipeline: the passes of `refrain-graph` simplify it and let operations on 16-bit floats compute in `f32`; `flatten` makes
//! convolutions over two dimensions of those over more; `rematerialize` computes cheap values again where
//! they are read late, so that they need not be kept; `sources` finds which values are only views of
//! others (reshapes, transposes, slices, broadcasts: nothing is copied for them); `fuse` groups elementwise work and
//! reductions that walk over one index space; `lower` makes steps over virtual buffers: tapes, calls of kernels, loops;
//! `plan` gives every buffer memory, that of dying operands or the caller's arrays where it can; and `compile` links steps, memory
//! and kernels. `step` declares what a step is before and after that, `run` runs them. `engine` is all of that as an [`Engine`](refrain_graph::engine::Engine). What is `unsafe` is in `kernels`.

mod buffer;
mod compile;
mod engine;
mod error;
mod executable;
mod flatten;
mod fuse;
mod kernels;
mod library;
mod lower;
mod packing;
mod plan;
mod rematerialize;
mod run;
mod simd;
mod slots;
mod sources;
mod step;
mod tape;
mod view;

pub use engine::CpuEngine;
pub use error::{CompileError, RunError};
pub use executable::{CompileOptions, Executable, Workspace};
pub use kernels::elementwise::ERROR_BOUNDS;
pub use kernels::pool::Pool;
pub use simd::{Simd, SimdLevel};

/// Kernels that the benchmarks call by themselves; no part of the interface.
#[doc(hidden)]
pub mod bench {
    pub use crate::kernels::LengthError;
    pub use crate::kernels::conv::ConvPlan;
    pub use crate::kernels::conv_kernel::KernelGradientPlan;
    pub use crate::kernels::conv_shape::{Conv2dShape, ConvPass};
    pub use crate::kernels::depthwise::DepthwisePlan;
    pub use crate::kernels::gemm::{Epilogue, Product, Right, Tile, pack_right, packed_len};
    pub use crate::kernels::pack::Matrix;
}
