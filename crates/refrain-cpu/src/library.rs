//! Steps that are one call of a ready-made kernel: convolutions, products, windows, gathers and scatters, sorting.

use refrain_graph::{DType, Reduction, ScatterKind, bf16, f16};

use crate::Pool;
use crate::kernels::LengthError;
use crate::kernels::arena::{Access, Memory, Place, Plain, PlanFault};
use crate::kernels::conv::ConvPlan;
use crate::kernels::conv_general::GeneralConvPlan;
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::depthwise::DepthwisePlan;
use crate::kernels::finish::Finish;
use crate::kernels::gemm::{Epilogue, Tile};
use crate::kernels::lines;
use crate::kernels::number::Number;
use crate::kernels::pooling::WindowPlan;
use crate::kernels::product::Batch;
use crate::kernels::slices::{Indices, SlicePlan};

/// A kernel planned for its shapes.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// A convolution or the gradient of its image, and the channels of its result. Reads two operands, writes result and
    /// scratch.
    Conv(Box<ConvPlan>, usize),
    /// The same, whose second operand has been packed. Needs no scratch.
    PackedConv(Box<ConvPlan>, usize),
    /// The gradient of a convolution's kernel. Reads image and gradient, writes result and scratch.
    ConvGradient(Box<KernelGradientPlan>),
    /// A depthwise convolution or one of its gradients. As above.
    Depthwise(Box<DepthwisePlan>),
    /// A convolution of any rank and type of numbers. As above.
    GeneralConv(Box<GeneralConvPlan>, DType),
    /// Products of matrices of any type of numbers, without gaps.
    Product(Batch, DType),
    /// A windowed reduction.
    Window(Box<WindowPlan>, Reduction, DType),
    /// Reads the operand and the source.
    SelectAndScatter(Box<WindowPlan>, DType),
    /// Reads operand and indices. The type is the indices'; the number is the elements' bytes.
    Gather(Box<SlicePlan>, DType, usize),
    /// Reads indices and updates; writes into what is there. The types are the indices' and the elements'.
    Scatter(Box<SlicePlan>, ScatterKind, DType, DType),
    /// Sorts lines of so many elements, the largest first if so said. Writes them and where they came from.
    Sort(usize, bool, DType),
    /// Running reductions of lines of so many elements, from their ends if so said.
    Cumulative(usize, Reduction, bool, DType),
}

/// A part of memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its beginning.
    pub place: Place,
    /// Its bytes.
    pub bytes: usize,
}

/// A call of a kernel.
pub struct Call {
    /// The kernel.
    pub kernel: Kernel,
    /// What it reads.
    pub reads: Vec<Part>,
    /// What it writes.
    pub writes: Vec<Part>,
    /// Work on the result as it is made.
    pub finish: Option<Finish>,
}

/// What went wrong in a call.
pub enum CallError {
    /// The memory does not fit.
    Fault(PlanFault),
    /// The shapes do not fit.
    Length(LengthError),
}

impl From<PlanFault> for CallError {
    fn from(fault: PlanFault) -> Self {
        CallError::Fault(fault)
    }
}

impl From<LengthError> for CallError {
    fn from(error: LengthError) -> Self {
        CallError::Length(error)
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

/// Whether kernels that compute with numbers have loops for a type.
pub fn is_number(dtype: DType) -> bool {
    !matches!(dtype, DType::F16 | DType::BF16 | DType::Bool)
}

struct Views<'v, 's, 'a> {
    call: &'v Call,
    access: Access<'s, 'a>,
}

impl Views<'_, '_, '_> {
    fn read<T: Plain>(&self, i: usize) -> Result<&[T], CallError> {
        let part = self.call.reads.get(i).ok_or(LengthError)?;
        Ok(self.access.read(part.place, part.bytes / size_of::<T>())?)
    }

    #[allow(clippy::mut_from_ref)]
    fn write<T: Plain>(&self, i: usize) -> Result<&mut [T], CallError> {
        match self.call.writes.get(i) {
            Some(part) => Ok(self.access.write(part.place, part.bytes / size_of::<T>())?),
            None => Ok(&mut []),
        }
    }

    fn indices(&self, i: usize, dtype: DType) -> Result<Indices<'_>, CallError> {
        Ok(match dtype {
            DType::I32 => Indices::I32(self.read(i)?),
            DType::I64 => Indices::I64(self.read(i)?),
            DType::U32 => Indices::U32(self.read(i)?),
            DType::U8 => Indices::U8(self.read(i)?),
            _ => return Err(LengthError.into()),
        })
    }
}

impl Call {
    /// Runs it.
    pub fn run(&self, memory: &mut Memory<'_>, pool: &Pool) -> Result<(), CallError> {
        let v = Views {
            call: self,
            access: memory.step(),
        };
        match &self.kernel {
            Kernel::Conv(plan, _) | Kernel::PackedConv(plan, _) => self.convolve(plan, &v, pool)?,
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
            Kernel::Gather(plan, indices, size) => {
                let indices = v.indices(1, *indices)?;
                match size {
                    1 => plan.run_gather::<u8>(pool, v.read(0)?, indices, v.write(0)?)?,
                    2 => plan.run_gather::<u16>(pool, v.read(0)?, indices, v.write(0)?)?,
                    4 => plan.run_gather::<u32>(pool, v.read(0)?, indices, v.write(0)?)?,
                    _ => plan.run_gather::<u64>(pool, v.read(0)?, indices, v.write(0)?)?,
                }
            }
            Kernel::Scatter(plan, kind, indices, dtype) => {
                let indices = v.indices(0, *indices)?;
                with_number!(*dtype, T => scatter::<T>(plan, pool, *kind, &v, indices)?);
            }
            Kernel::Sort(len, descending, dtype) => with_element!(*dtype, T => {
                lines::sort::<T>(pool, *len, *descending, v.read(0)?, v.write(0)?, v.write(1)?)?
            }),
            Kernel::Cumulative(len, kind, reverse, dtype) => with_element!(*dtype, T => {
                lines::cumulative::<T>(pool, *len, (*kind, *reverse), v.read(0)?, v.write(0)?)?
            }),
        }
        Ok(())
    }

    /// A convolution, with the work on its result.
    fn convolve(
        &self,
        plan: &ConvPlan,
        v: &Views<'_, '_, '_>,
        pool: &Pool,
    ) -> Result<(), CallError> {
        let finish = self.finish.as_ref();
        let bound = finish.map(|f| f.bind(&v.access)).transpose()?;
        let work = |tile: &mut Tile<'_>| {
            if let Some(bound) = &bound {
                bound.run(tile);
            }
        };
        let epilogue: Option<Epilogue<'_>> = bound.is_some().then_some(&work);
        let (x, kernel, y) = (v.read(0)?, v.read(1)?, v.write(0)?);
        match &self.kernel {
            Kernel::PackedConv(..) => plan.run_packed(pool, x, kernel, y, epilogue)?,
            _ => plan.run(pool, x, kernel, y, v.write(1)?, epilogue)?,
        }
        Ok(())
    }
}

fn scatter<T: Number + Plain>(
    plan: &SlicePlan,
    pool: &Pool,
    kind: ScatterKind,
    v: &Views<'_, '_, '_>,
    indices: Indices<'_>,
) -> Result<(), CallError> {
    plan.run_scatter::<T>(pool, kind, v.write(0)?, indices, v.read(1)?)?;
    Ok(())
}
