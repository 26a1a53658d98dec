//! Kernels that a step calls: copies, products, convolutions, windows, gathers and scatters, sorting.

use refrain_graph::{DType, Reduction, ScatterKind, bf16, f16};

use crate::Pool;
use crate::kernels::arena::{Access, Memory, PlanFault};
use crate::kernels::conv::ConvPlan;
use crate::kernels::conv_general::GeneralConvPlan;
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::copy::CopyPlan;
use crate::kernels::depthwise::DepthwisePlan;
use crate::kernels::dot::DotPlan;
use crate::kernels::epilogue::Tiling;
use crate::kernels::gemm::{Epilogue, Tile};
use crate::kernels::pooling::WindowPlan;
use crate::kernels::product::ProductPlan;
use crate::kernels::slices::{Indices, SlicePlan};
use crate::kernels::{LengthError, lines, rng};
use crate::step::{Call, Physical};

/// A kernel planned for its shapes.
#[derive(Debug)]
pub enum Kernel {
    /// A copy of elements of so many bytes.
    Copy {
        /// From where to where.
        plan: CopyPlan,
        /// Bytes of an element.
        size: usize,
    },
    /// Random bits. Reads the generator's state, writes the state after and the bits.
    RandomBits,
    /// Products of matrices in `f32`. Reads two operands, writes result and scratch, of which none is needed where the second
    /// operand is packed.
    Dot(DotPlan),
    /// Products of matrices of any type of numbers, without gaps.
    Product(ProductPlan, DType),
    /// A convolution or the gradient of its image. Reads and writes the same.
    Conv {
        /// The convolution.
        plan: Box<ConvPlan>,
        /// Channels of the result.
        channels: usize,
        /// Whether the second operand is packed.
        packed: bool,
    },
    /// The gradient of a convolution's kernel. Reads image and gradient, writes result and scratch.
    ConvGradient(Box<KernelGradientPlan>),
    /// A depthwise convolution or one of its gradients. As above.
    Depthwise(Box<DepthwisePlan>),
    /// A convolution of any rank and type of numbers. As above.
    GeneralConv(Box<GeneralConvPlan>, DType),
    /// A windowed reduction.
    Window(Box<WindowPlan>, Reduction, DType),
    /// Reads the operand and the source.
    SelectAndScatter(Box<WindowPlan>, DType),
    /// Reads operand and indices.
    Gather {
        /// The slices.
        plan: Box<SlicePlan>,
        /// Type of the indices.
        indices: DType,
        /// Bytes of an element.
        size: usize,
    },
    /// Reads indices and updates; writes into what is there.
    Scatter {
        /// The slices.
        plan: Box<SlicePlan>,
        /// How updates and elements are combined.
        kind: ScatterKind,
        /// Type of the indices.
        indices: DType,
        /// Type of the elements.
        dtype: DType,
    },
    /// Sorts lines. Writes them and where their elements came from.
    Sort {
        /// Elements of a line.
        len: usize,
        /// Whether the largest comes first.
        descending: bool,
        /// Type of the elements.
        dtype: DType,
    },
    /// Running reductions of lines.
    Cumulative {
        /// Elements of a line.
        len: usize,
        /// The reduction.
        kind: Reduction,
        /// Whether it runs from the end.
        reverse: bool,
        /// Type of the elements.
        dtype: DType,
    },
}

impl Kernel {
    /// How the result is computed, if tile by tile: then an epilogue can run on the tiles.
    pub fn tiling(&self) -> Option<Tiling> {
        match self {
            Kernel::Dot(plan) => Some(plan.tiling()),
            &Kernel::Conv { channels, .. } => Some(Tiling {
                rows: usize::MAX,
                cols: channels,
                whole_rows: false,
            }),
            _ => None,
        }
    }
}

impl From<LengthError> for PlanFault {
    fn from(_: LengthError) -> Self {
        PlanFault::Kernel
    }
}

/// Runs `$body` with `$t` as the type of a number's elements.
macro_rules! with_number {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                type $t = f32;
                $body
            }
            DType::F64 => {
                type $t = f64;
                $body
            }
            DType::I32 => {
                type $t = i32;
                $body
            }
            DType::I64 => {
                type $t = i64;
                $body
            }
            DType::U32 => {
                type $t = u32;
                $body
            }
            DType::U8 => {
                type $t = u8;
                $body
            }
            DType::F16 | DType::BF16 | DType::Bool => return Err(LengthError.into()),
        }
    };
}

/// As [`with_number`], with the other types too. Truth values are bytes.
macro_rules! with_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            DType::F16 => {
                type $t = f16;
                $body
            }
            DType::BF16 => {
                type $t = bf16;
                $body
            }
            DType::Bool => {
                type $t = u8;
                $body
            }
            number => with_number!(number, $t => $body),
        }
    };
}

/// Runs `$body` with `$t` as a type of so many bytes.
macro_rules! with_size {
    ($size:expr, $t:ident => $body:expr) => {
        match $size {
            1 => {
                type $t = u8;
                $body
            }
            2 => {
                type $t = u16;
                $body
            }
            4 => {
                type $t = u32;
                $body
            }
            _ => {
                type $t = u64;
                $body
            }
        }
    };
}

/// Whether kernels that compute with numbers have loops for a type.
pub fn is_number(dtype: DType) -> bool {
    !matches!(dtype, DType::F16 | DType::BF16 | DType::Bool)
}

/// The indices that a step reads.
fn indices_of<'v>(v: &'v Access<'_, '_>, i: usize, dtype: DType) -> Result<Indices<'v>, PlanFault> {
    Ok(match dtype {
        DType::I32 => Indices::I32(v.read(i)?),
        DType::I64 => Indices::I64(v.read(i)?),
        DType::U32 => Indices::U32(v.read(i)?),
        DType::U8 => Indices::U8(v.read(i)?),
        _ => return Err(LengthError.into()),
    })
}

impl Call<Physical> {
    /// Runs it.
    pub fn run(&self, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), PlanFault> {
        let v = memory.step(self.reads, self.writes)?;
        match &self.kernel {
            Kernel::Copy { plan, size } => {
                with_size!(*size, T => plan.run::<T>(pool, v.read(0)?, v.write(0)?)?)
            }
            Kernel::RandomBits => {
                let state = *v.read::<u32>(0)?.first_chunk().ok_or(LengthError)?;
                let after = rng::random_bits(pool, state, v.write(1)?);
                *v.write(0)?.first_chunk_mut().ok_or(LengthError)? = after;
            }
            Kernel::Dot(plan) => self.with_epilogue(&v, |epilogue| {
                let operands = (v.read(0)?, v.read(1)?);
                Ok(plan.run(pool, operands, v.write(0)?, v.write(1)?, epilogue)?)
            })?,
            Kernel::Conv { plan, packed, .. } => self.with_epilogue(&v, |epilogue| {
                let (x, kernel, y) = (v.read(0)?, v.read(1)?, v.write(0)?);
                match packed {
                    true => plan.run_packed(pool, x, kernel, y, epilogue)?,
                    false => plan.run(pool, x, kernel, y, v.write(1)?, epilogue)?,
                }
                Ok(())
            })?,
            Kernel::ConvGradient(plan) => {
                plan.run(pool, v.read(0)?, v.read(1)?, v.write(0)?, v.write(1)?)?;
            }
            Kernel::Depthwise(plan) => {
                plan.run(pool, v.read(0)?, v.read(1)?, v.write(0)?, v.write(1)?)?;
            }
            Kernel::GeneralConv(plan, dtype) => with_number!(*dtype, T => {
                plan.run::<T>(pool, v.read(0)?, v.read(1)?, v.write(0)?, v.write(1)?)?
            }),
            Kernel::Product(batch, dtype) => {
                with_number!(*dtype, T => batch.run::<T>(pool, v.read(0)?, v.read(1)?, v.write(0)?)?);
            }
            Kernel::Window(plan, kind, dtype) => {
                with_number!(*dtype, T => plan.reduce::<T>(pool, *kind, v.read(0)?, v.write(0)?)?);
            }
            Kernel::SelectAndScatter(plan, dtype) => {
                with_number!(*dtype, T => {
                    plan.select_and_scatter::<T>(pool, v.read(0)?, v.read(1)?, v.write(0)?)?
                });
            }
            Kernel::Gather {
                plan,
                indices,
                size,
            } => {
                let indices = indices_of(&v, 1, *indices)?;
                with_size!(*size, T => plan.run_gather::<T>(pool, v.read(0)?, indices, v.write(0)?)?);
            }
            Kernel::Scatter {
                plan,
                kind,
                indices,
                dtype,
            } => {
                let indices = indices_of(&v, 0, *indices)?;
                with_number!(*dtype, T => {
                    plan.run_scatter::<T>(pool, *kind, v.write(0)?, indices, v.read(1)?)?
                });
            }
            Kernel::Sort {
                len,
                descending,
                dtype,
            } => with_element!(*dtype, T => {
                lines::sort::<T>(pool, *len, *descending, v.read(0)?, v.write(0)?, v.write(1)?)?
            }),
            Kernel::Cumulative {
                len,
                kind,
                reverse,
                dtype,
            } => with_element!(*dtype, T => {
                lines::cumulative::<T>(pool, *len, (*kind, *reverse), v.read(0)?, v.write(0)?)?
            }),
        }
        Ok(())
    }

    /// Runs a kernel with the work on its result.
    fn with_epilogue(
        &self,
        v: &Access<'_, '_>,
        run: impl FnOnce(Option<Epilogue<'_>>) -> Result<(), PlanFault>,
    ) -> Result<(), PlanFault> {
        let Some(epilogue) = &self.epilogue else {
            return run(None);
        };
        let bound = epilogue.bind(v)?;
        run(Some(&|tile: &mut Tile<'_>| bound.run(tile)))
    }
}
