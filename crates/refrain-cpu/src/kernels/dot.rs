//! Products of matrices in `f32` that lie in memory as strides say.

use super::LengthError;
use super::epilogue::Tiling;
use super::gemm::{Epilogue, Product, Right};
use super::pack::Matrix;
use super::pool::Pool;

/// How the matrices of a batch lie in memory, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// From one inner batch to the next.
    pub batch: usize,
    /// Matrices of an inner batch, and from one to the next.
    pub inner: (usize, usize),
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub col: usize,
}

impl Strides {
    fn matrix<'a>(&self, data: &'a [f32]) -> Matrix<'a> {
        Matrix {
            data,
            row_stride: self.row,
            col_stride: self.col,
            batch_stride: self.batch,
            inner: self.inner.0,
            inner_stride: self.inner.1,
        }
    }
}

/// A batch of products, planned for how its operands lie.
#[derive(Debug)]
pub struct DotPlan {
    /// Number of products, then rows, columns and depth.
    pub sizes: [usize; 4],
    /// The left-hand side: rows and depth.
    pub lhs: Strides,
    /// The right-hand side: depth and columns; none if it is packed.
    pub rhs: Option<Strides>,
}

impl DotPlan {
    /// How the result is computed.
    pub fn tiling(&self) -> Tiling {
        let [_, rows, cols, depth] = self.sizes;
        Tiling {
            rows,
            cols,
            whole_rows: Product::has_whole_rows(rows, cols, depth),
        }
    }

    /// Computes the products.
    pub fn run(
        &self,
        pool: &Pool,
        (lhs, rhs): (&[f32], &[f32]),
        out: &mut [f32],
        scratch: &mut [f32],
        epilogue: Option<Epilogue<'_>>,
    ) -> Result<(), LengthError> {
        let [batch, m, n, k] = self.sizes;
        let rhs = match &self.rhs {
            Some(strides) => Right::Matrix(strides.matrix(rhs)),
            None => Right::Packed(rhs),
        };
        let mut product = Product::new(m, n, k, self.lhs.matrix(lhs), rhs);
        product.batch = batch;
        product.epilogue = epilogue;
        product.run(pool, out, scratch)
    }
}
