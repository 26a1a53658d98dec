//! Parameters that are the same in every run, as kernels read them fastest.

use refrain_graph::DType;

use crate::Pool;
use crate::kernels::arena::{Memory, MemoryRange, PlanFault};
use crate::kernels::conv::ConvPlan;
use crate::kernels::gemm::pack_right;
use crate::kernels::halves;
use crate::kernels::pack::{Matrix, panels_len};
use crate::simd::Simd;

/// A parameter to be packed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    /// Which parameter.
    pub param: usize,
    /// First element.
    pub offset: usize,
    /// Type of the parameter's elements, `f32` or of 16 bits; packed they are `f32`.
    pub dtype: DType,
    /// For what.
    pub layout: PackLayout,
}

/// What a parameter is packed for.
#[derive(Clone, Debug)]
pub enum PackLayout {
    /// The right-hand side of a product.
    Matrix {
        /// Strides of depth and columns.
        strides: [usize; 2],
        /// Depth and columns.
        sizes: [usize; 2],
    },
    /// The kernel of a convolution.
    Kernel(Box<ConvPlan>),
}

impl PartialEq for PackLayout {
    fn eq(&self, other: &Self) -> bool {
        use PackLayout::{Kernel, Matrix};
        match (self, other) {
            (
                Matrix { strides, sizes },
                Matrix {
                    strides: s,
                    sizes: t,
                },
            ) => (strides, sizes) == (s, t),
            (Kernel(plan), Kernel(other)) => plan.is_same(other),
            _ => false,
        }
    }
}

impl Pack {
    /// Bytes of the packed parameter.
    pub fn bytes(&self, simd: Simd) -> usize {
        let elements = match &self.layout {
            PackLayout::Matrix { sizes, .. } => panels_len(simd, sizes[0], sizes[1]),
            PackLayout::Kernel(plan) => plan.packed_len(),
        };
        elements * size_of::<f32>()
    }

    /// Packs it.
    pub fn run(
        &self,
        from: MemoryRange,
        to: MemoryRange,
        memory: &mut Memory<'_>,
        pool: &Pool,
    ) -> Result<(), PlanFault> {
        let skipped = self.offset * self.dtype.size();
        let bytes = from.bytes.checked_sub(skipped).ok_or(PlanFault::Bounds)?;
        let step = memory.step([Some(from.part(skipped, bytes)), None], [Some(to), None])?;
        let wide: Vec<f32>;
        let data = match self.dtype {
            DType::F16 => {
                wide = halves::widened_f16(pool.simd(), step.read(0)?);
                &wide
            }
            DType::BF16 => {
                wide = halves::widened_bf16(pool.simd(), step.read(0)?);
                &wide
            }
            _ => step.read::<f32>(0)?,
        };
        let out = step.write::<f32>(0)?;
        match &self.layout {
            PackLayout::Matrix {
                strides: [row, col],
                sizes: [k, n],
            } => pack_right(pool, &Matrix::strided(data, *row, *col), *k, *n, out)?,
            PackLayout::Kernel(plan) => plan.pack(pool, data, out)?,
        }
        Ok(())
    }
}
