//! Products of matrices of any type of numbers. Those of `f32` are [`super::gemm`]'s.
//!
//! Each sum runs over the depth in order, one term after the other, whatever the SIMD level.

use super::LengthError;
use super::gemm;
use super::number::Number;
use super::pack::Matrix;
use super::pool::Pool;
use crate::simd::{Lanes, SimdLevel, simd_fn};

/// Multiply-adds that are worth a task of their own: some 10 µs.
const TASK_WORK: usize = 1 << 16;
/// Rows of a tile.
const ROWS: usize = 4;
/// Rows up to which a product is cut by columns, if its rows are work enough.
const FEW_ROWS: usize = 2 * ROWS;
/// Columns that a row is cut at: whole tiles.
const COLS: usize = 16;

/// Sizes of a product: `rows × depth` by `depth × cols`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct ProductSizes {
    pub rows: usize,
    pub cols: usize,
    pub depth: usize,
}

impl ProductSizes {
    fn work(&self) -> usize {
        self.rows * self.cols * self.depth
    }

    /// Whether the operands and the result hold what the product reads and writes.
    fn fit(&self, a: usize, b: (usize, usize), y: (usize, usize)) -> bool {
        let span = |rows: usize, stride: usize| match rows {
            0 => Some(0),
            _ => (rows - 1).checked_mul(stride)?.checked_add(self.cols),
        };
        let holds = |rows, (len, stride)| {
            stride >= self.cols && span(rows, stride).is_some_and(|span| span <= len)
        };
        let left = self.rows.checked_mul(self.depth);
        left.is_some_and(|n| n <= a) && holds(self.depth, b) && holds(self.rows, y)
    }
}

/// Rows of a matrix in memory.
pub struct StridedRows<S> {
    /// The elements.
    pub data: S,
    /// Elements from one row to the next.
    pub stride: usize,
}

/// A number that matrices are multiplied in.
pub trait Factor: Number {
    /// Elements of scratch memory that [`Factor::multiply`] needs.
    fn scratch_len(_: ProductSizes) -> usize {
        0
    }

    /// `y = a · b`; the rows of `a` follow each other without gaps.
    ///
    /// # Errors
    /// If a slice is too short, or rows overlap.
    fn multiply(
        pool: &Pool,
        sizes: ProductSizes,
        a: &[Self],
        b: StridedRows<&[Self]>,
        y: StridedRows<&mut [Self]>,
        _scratch: &mut [Self],
    ) -> Result<(), LengthError> {
        plain(pool, sizes, a, b, y)
    }
}

impl Factor for f64 {}
impl Factor for i32 {}
impl Factor for i64 {}
impl Factor for u32 {}
impl Factor for u8 {}
impl Factor for f32 {
    fn scratch_len(s: ProductSizes) -> usize {
        gemm::Product::scratch_len(1, s.rows, s.cols, s.depth)
    }

    fn multiply(
        pool: &Pool,
        s: ProductSizes,
        a: &[f32],
        b: StridedRows<&[f32]>,
        y: StridedRows<&mut [f32]>,
        scratch: &mut [f32],
    ) -> Result<(), LengthError> {
        let left = Matrix::row_major(a, s.depth);
        let right = gemm::Right::Matrix(Matrix::strided(b.data, b.stride, 1));
        let product = gemm::Product {
            row_stride: y.stride,
            ..gemm::Product::new(s.rows, s.cols, s.depth, left, right)
        };
        product.run(pool, y.data, scratch)
    }
}

fn plain<T: Number>(
    pool: &Pool,
    s: ProductSizes,
    a: &[T],
    b: StridedRows<&[T]>,
    y: StridedRows<&mut [T]>,
) -> Result<(), LengthError> {
    if !s.fit(a.len(), (b.data.len(), b.stride), (y.data.len(), y.stride)) {
        return Err(LengthError);
    }
    if s.rows * s.cols == 0 {
        return Ok(());
    }
    let (row, simd) = (s.cols * s.depth, pool.simd());
    let right = |first: usize| RightColumns {
        data: b.data.get(first..).unwrap_or(&[]),
        stride: b.stride,
        depth: s.depth,
    };
    let y_len = (s.rows - 1) * y.stride + s.cols;
    let data = &mut y.data[..y_len];
    if s.rows < FEW_ROWS && row >= 2 * TASK_WORK {
        let cols = (TASK_WORK / s.depth).max(1).next_multiple_of(COLS);
        for (i, y) in data.chunks_mut(y.stride).enumerate() {
            let a = &a[i * s.depth..][..s.depth];
            pool.for_chunks_mut(&mut y[..s.cols], cols, |task, y| {
                let all = y.len();
                rows(simd, a, right(task * cols), y, (all, all));
            });
        }
        return Ok(());
    }
    let count = (TASK_WORK / row.max(1))
        .clamp(1, s.rows)
        .next_multiple_of(ROWS);
    pool.for_chunks_mut(data, count * y.stride, |task, piece| {
        let a = &a[task * count * s.depth..];
        rows(simd, a, right(0), piece, (s.cols, y.stride));
    });
    Ok(())
}

/// Many products, one after the other in memory.
#[derive(Clone, Copy, Debug)]
pub struct ProductPlan {
    /// How many.
    pub count: usize,
    /// Sizes of each.
    pub sizes: ProductSizes,
}

impl ProductPlan {
    /// Computes all products into `y`. All matrices are row-major and without gaps.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run<T: Number>(
        &self,
        pool: &Pool,
        a: &[T],
        b: &[T],
        y: &mut [T],
    ) -> Result<(), LengthError> {
        let (s, count) = (self.sizes, self.count);
        let lens = [(s.rows, s.depth), (s.depth, s.cols), (s.rows, s.cols)];
        let [left, right, one] = lens.map(|(rows, cols)| rows * cols);
        if a.len() < count * left || b.len() < count * right || y.len() < count * one {
            return Err(LengthError);
        }
        if count * one == 0 {
            return Ok(());
        }
        let each = (TASK_WORK / s.work().max(1)).max(1);
        let of = |i: usize| {
            let b = &b[i * right..][..right];
            (&a[i * left..][..left], b)
        };
        if each == 1 {
            for (i, data) in y[..count * one].chunks_exact_mut(one).enumerate() {
                let (a, b) = of(i);
                let (stride, b) = (
                    s.cols,
                    StridedRows {
                        data: b,
                        stride: s.cols,
                    },
                );
                plain(pool, s, a, b, StridedRows { data, stride })?;
            }
            return Ok(());
        }
        pool.for_chunks_mut(&mut y[..count * one], each * one, |task, piece| {
            for (i, y) in piece.chunks_exact_mut(one).enumerate() {
                let (a, data) = of(task * each + i);
                let (stride, depth) = (s.cols, s.depth);
                let b = RightColumns {
                    data,
                    stride,
                    depth,
                };
                rows(pool.simd(), a, b, y, (s.cols, s.cols));
            }
        });
        Ok(())
    }
}

/// The right-hand side of some columns.
#[derive(Clone, Copy)]
struct RightColumns<'a, T> {
    data: &'a [T],
    stride: usize,
    depth: usize,
}

simd_fn! {
    /// All rows of `y`, each of so many columns and so far from the next.
    fn rows<S, T: Number>(a: &[T], b: RightColumns<'_, T>, y: &mut [T], shape: (usize, usize)) {
        let count = y.len().div_ceil(shape.1);
        let mut row = 0;
        while row + ROWS <= count {
            band::<S, T, ROWS>(a, b, y, shape, row);
            row += ROWS;
        }
        while row < count {
            band::<S, T, 1>(a, b, y, shape, row);
            row += 1;
        }
    }
}

#[inline(always)]
fn band<S: Lanes, T: Number, const R: usize>(
    a: &[T],
    b: RightColumns<'_, T>,
    y: &mut [T],
    (cols, stride): (usize, usize),
    row: usize,
) {
    let a: [&[T]; R] = std::array::from_fn(|r| &a[(row + r) * b.depth..][..b.depth]);
    let mut col = 0;
    let wide = S::LEVEL == SimdLevel::Avx512;
    while wide && col + 16 <= cols {
        tile::<T, R, 16>(a, b, y, (row, stride, col));
        col += 16;
    }
    while col + 8 <= cols {
        tile::<T, R, 8>(a, b, y, (row, stride, col));
        col += 8;
    }
    while col < cols {
        tile::<T, R, 1>(a, b, y, (row, stride, col));
        col += 1;
    }
}

/// `R × C` sums in registers.
#[inline(always)]
fn tile<T: Number, const R: usize, const C: usize>(
    a: [&[T]; R],
    b: RightColumns<'_, T>,
    y: &mut [T],
    (row, stride, col): (usize, usize, usize),
) {
    let mut sums = [[T::ZERO; C]; R];
    for (k, b) in b.data.chunks(b.stride).take(b.depth).enumerate() {
        let Some(b) = b[col..].first_chunk::<C>() else {
            return;
        };
        for r in 0..R {
            let x = a[r][k];
            for c in 0..C {
                sums[r][c] = sums[r][c].plus(x.times(b[c]));
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        y[(row + r) * stride + col..][..C].copy_from_slice(sums);
    }
}

/// `y[i] += x · w[i]`.
#[inline(always)]
pub(super) fn add_scaled<T: Number>(y: &mut [T], x: T, w: &[T]) {
    for (y, &w) in y.iter_mut().zip(w) {
        *y = y.plus(x.times(w));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{pools, random};

    fn check(batch: usize, rows: usize, cols: usize, depth: usize) {
        let numbers =
            |n, seed| -> Vec<f64> { random(n, seed).into_iter().map(f64::from).collect() };
        let (a, b) = (
            numbers(batch * rows * depth, 1),
            numbers(batch * depth * cols, 2),
        );
        let mut want = vec![0.0; batch * rows * cols];
        for (i, y) in want.iter_mut().enumerate() {
            let (m, at) = (i / (rows * cols), i % (rows * cols));
            let (row, col) = ((m * rows + at / cols) * depth, at % cols);
            let term = |k: usize| a[row + k] * b[(m * depth + k) * cols + col];
            *y = (0..depth).fold(0.0, |sum, k| sum + term(k));
        }
        let sizes = ProductSizes { rows, cols, depth };
        for pool in pools().iter().flatten() {
            let mut y = vec![f64::NAN; want.len()];
            let plan = ProductPlan {
                count: batch,
                sizes,
            };
            plan.run(pool, &a, &b, &mut y).unwrap();
            assert_eq!(y, want, "{batch} {sizes:?}");
        }
    }

    #[test]
    fn sums_run_in_order_at_every_level() {
        for cols in [1, 3, 8, 17, 40] {
            check(1, 1, cols, 5);
            check(3, 9, cols, 7);
        }
        check(2, 0, 3, 2);
        check(2, 3, 2, 0);
        check(40, 12, 12, 30);
        check(1, 3, 700, 400);
        check(2, 130, 70, 50);
    }

    #[test]
    fn slices_that_are_too_short_are_refused() {
        let pool = Pool::new(1);
        let sizes = ProductSizes {
            rows: 2,
            cols: 2,
            depth: 2,
        };
        let plan = ProductPlan { count: 1, sizes };
        assert_eq!(
            plan.run(&pool, &[1; 3], &[1; 4], &mut [0; 4]),
            Err(LengthError)
        );
        let (b, y) = (&[1i32; 4][..], &mut [0; 4][..]);
        let result = i32::multiply(
            &pool,
            sizes,
            &[1; 4],
            StridedRows { data: b, stride: 1 },
            StridedRows { data: y, stride: 2 },
            &mut [],
        );
        assert_eq!(result, Err(LengthError));
    }
}
