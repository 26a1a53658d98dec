//! Products of a vector and a matrix, which are bound by reading the matrix once.

use super::LengthError;
use super::gemm::{Product, Right, Tile};
use super::pack::Matrix;
use super::pool::{Pool, SharedPtr};
use crate::simd::{Lanes, Simd, simd_fn};

/// Columns of the result per task: a result piece (4 KiB) stays in the first-level cache.
const COLS: usize = 1024;
/// Elements of the matrix that are worth a task.
const TASK_ELEMENTS: usize = 1 << 16;

/// Computes products with one row, or one column without gaps, of an unpacked right-hand side.
pub(super) fn try_run(p: &Product, pool: &Pool, c: &mut [f32]) -> Option<Result<(), LengthError>> {
    let Right::Matrix(b) = p.b else { return None };
    let (x, matrix, len, column) = if p.m == 1 {
        (p.a, b, p.n, false)
    } else if p.n == 1 && p.row_stride == 1 {
        (b.transposed(), p.a.transposed(), p.m, true)
    } else {
        return None;
    };
    // Neither rows nor columns without gaps: the general path packs them.
    if matrix.col_stride != 1 && matrix.row_stride != 1 {
        return None;
    }
    let cols = (TASK_ELEMENTS.div_ceil(p.k.max(1)).next_multiple_of(64)).clamp(64, COLS);
    let pieces = len.div_ceil(cols);
    let out = SharedPtr(c.as_mut_ptr());
    pool.run(p.batch * pieces, &|task| {
        let (batch, first) = (task / pieces, task % pieces * cols);
        let count = cols.min(len - first);
        let at = batch * p.batch_stride + first;
        // SAFETY: `Product::check` has found `len` elements of each batch inside `c`; tasks have pieces of their own.
        let y = unsafe { std::slice::from_raw_parts_mut(out.get().add(at), count) };
        piece(p, pool.simd(), batch, (&x, &matrix), first, y);
        if let Some(epilogue) = p.epilogue {
            let (place, size, stride) = if column {
                ((batch, first, 0), (count, 1), 1)
            } else {
                ((batch, 0, first), (1, count), count)
            };
            // SAFETY: the piece just written, whose borrow has ended.
            let mut tile = unsafe { Tile::new(out.get().add(at), stride, place, size) };
            epilogue(&mut tile);
        }
    });
    Some(Ok(()))
}

fn piece(
    p: &Product,
    simd: Simd,
    batch: usize,
    (x, matrix): (&Matrix, &Matrix),
    first: usize,
    y: &mut [f32],
) {
    if !p.accumulate {
        y.fill(0.0);
    }
    if p.k == 0 {
        return;
    }
    let (x, step) = (&x.data[x.start(batch)..], x.col_stride);
    let data = &matrix.data[matrix.start(batch) + first * matrix.col_stride..];
    if matrix.col_stride == 1 {
        rows(simd, y, p.alpha, x, step, data, matrix.row_stride, p.k);
    } else {
        columns(simd, y, p.alpha, x, step, data, matrix.col_stride, p.k);
    }
}

simd_fn! {
    /// `y += alpha · Σ x[i] · row i`.
    fn rows<S>(y: &mut [f32], alpha: f32, x: &[f32], step: usize, data: &[f32], stride: usize, k: usize) {
        /// Rows per pass over `y`.
        const ROWS: usize = 8;
        let n = y.len();
        let mut i = 0;
        while i + ROWS <= k {
            let f: [f32; ROWS] = std::array::from_fn(|r| alpha * x[(i + r) * step]);
            let d: [&[f32]; ROWS] = std::array::from_fn(|r| &data[(i + r) * stride..][..n]);
            for j in 0..n {
                let mut sum = y[j];
                for r in 0..ROWS {
                    sum = S::mul_add(f[r], d[r][j], sum);
                }
                y[j] = sum;
            }
            i += ROWS;
        }
        for i in i..k {
            let f = alpha * x[i * step];
            for (y, &d) in y.iter_mut().zip(&data[i * stride..][..n]) {
                *y = S::mul_add(f, d, *y);
            }
        }
    }

    /// `y[j] += alpha · Σ x[i] · column j[i]`. `x` is an argument of its own: of a reference in a tuple the compiler does not
    /// know that nothing else writes there, and it keeps the sums in memory.
    fn columns<S>(y: &mut [f32], alpha: f32, x: &[f32], step: usize, data: &[f32], stride: usize, k: usize) {
        for (j, y) in y.iter_mut().enumerate() {
            let column = &data[j * stride..][..k];
            let sum = if step == 1 {
                dot::<S>(&x[..k], column)
            } else {
                column.iter().enumerate().fold(0.0, |s, (i, &d)| S::mul_add(x[i * step], d, s))
            };
            *y += alpha * sum;
        }
    }
}

/// Sum of products in a fixed order: 64 sums side by side, added up at the end.
#[inline(always)]
pub(crate) fn dot<S: Lanes>(x: &[f32], y: &[f32]) -> f32 {
    const WIDTH: usize = 64;
    let mut sums = [0.0f32; WIDTH];
    let (xs, ys) = (x.chunks_exact(WIDTH), y.chunks_exact(WIDTH));
    let rest = xs.remainder().iter().zip(ys.remainder());
    for (x, y) in xs.zip(ys) {
        for i in 0..WIDTH {
            sums[i] = S::mul_add(x[i], y[i], sums[i]);
        }
    }
    let sums: [f32; 32] = halved(sums);
    let sums: [f32; 16] = halved(sums);
    let sums: [f32; 8] = halved(sums);
    let [a, b, c, d] = halved(sums);
    rest.fold((a + c) + (b + d), |s, (&x, &y)| S::mul_add(x, y, s))
}

/// Adds the second half to the first. Widths known to the compiler keep the sums in registers.
#[inline(always)]
fn halved<const N: usize, const HALF: usize>(sums: [f32; N]) -> [f32; HALF] {
    let mut half = [0.0; HALF];
    for i in 0..HALF {
        half[i] = sums[i] + sums[i + HALF];
    }
    half
}
