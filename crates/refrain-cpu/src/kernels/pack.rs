//! Copies of operands in the order in which tiles read them.

use super::micro;
use crate::simd::{Simd, simd_fn};
use std::cell::RefCell;

/// Bytes to which buffers are aligned: a cache line, so that no vector load crosses one.
const ALIGNMENT: usize = 64;

thread_local! {
    static BUFFER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's own buffer, grown to `len` elements of unspecified values.
pub(crate) fn with_buffer<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = BUFFER.take();
    let slack = ALIGNMENT / size_of::<f32>();
    if buffer.len() < len + slack {
        buffer.resize(len + slack, 0.0);
    }
    let start = buffer.as_ptr().align_offset(ALIGNMENT).min(slack);
    let result = body(&mut buffer[start..start + len]);
    BUFFER.replace(buffer);
    result
}

/// A matrix in memory: where its elements lie, not what they mean.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    /// The elements.
    pub data: &'a [f32],
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub col_stride: usize,
    /// Elements from one matrix of a batch to the next (0: the same matrix for the whole batch).
    pub batch_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows follow each other without gaps.
    pub fn row_major(data: &'a [f32], cols: usize) -> Self {
        Matrix::strided(data, cols, 1)
    }

    /// One matrix with these strides.
    pub fn strided(data: &'a [f32], row_stride: usize, col_stride: usize) -> Self {
        Matrix {
            data,
            row_stride,
            col_stride,
            batch_stride: 0,
        }
    }

    /// The same elements with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Matrix {
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Whether `batch` matrices of this size lie inside the data.
    pub fn holds(&self, batch: usize, rows: usize, cols: usize) -> bool {
        if batch == 0 || rows == 0 || cols == 0 {
            return true;
        }
        let last = |n: usize, stride: usize| (n - 1).checked_mul(stride);
        last(batch, self.batch_stride)
            .zip(last(rows, self.row_stride))
            .zip(last(cols, self.col_stride))
            .and_then(|((b, r), c)| b.checked_add(r)?.checked_add(c))
            .is_some_and(|i| i < self.data.len())
    }
}

/// Elements of `k × n` right-hand elements in panels of one vector's width.
pub(crate) fn panels_len(simd: Simd, k: usize, n: usize) -> usize {
    let lanes = micro::lanes(simd);
    n.div_ceil(lanes) * lanes * k
}

/// Copies `k × n` elements of a right-hand operand from `at` on into panels: for each vector's width of columns all
/// steps, each step's columns side by side, the last panel filled with zeros.
pub(crate) fn pack_panels(simd: Simd, b: &Matrix, at: usize, k: usize, n: usize, out: &mut [f32]) {
    pack_panels_in(simd, b, at, (k, n), (0, k), out);
}

/// As [`pack_panels`], into panels of `depth` steps of which these are those from `first` on.
pub(crate) fn pack_panels_in(
    simd: Simd,
    b: &Matrix,
    at: usize,
    (k, n): (usize, usize),
    (first, depth): (usize, usize),
    out: &mut [f32],
) {
    let lanes = micro::lanes(simd);
    if k == 0 || n == 0 {
        return;
    }
    let panels = out[..panels_len(simd, depth, n)].chunks_exact_mut(depth * lanes);
    for (p, panel) in panels.enumerate() {
        let panel = &mut panel[first * lanes..][..k * lanes];
        let first = p * lanes;
        let cols = lanes.min(n - first);
        let from = &b.data[at + first * b.col_stride..];
        if b.col_stride == 1 {
            pack_rows(simd, from, b.row_stride, cols, lanes, panel);
        } else if b.row_stride == 1 {
            pack_cols(simd, from, b.col_stride, cols, lanes, panel);
        } else {
            for (step, row) in panel.chunks_exact_mut(lanes).enumerate() {
                row[cols..].fill(0.0);
                for (j, x) in row[..cols].iter_mut().enumerate() {
                    *x = from[step * b.row_stride + j * b.col_stride];
                }
            }
        }
    }
}

simd_fn! {
    /// Rows of `width` elements from rows `stride` apart, of which `cols` elements are there.
    fn pack_rows<S>(from: &[f32], stride: usize, cols: usize, width: usize, out: &mut [f32]) {
        if cols == S::F32 && width == S::F32 {
            for (step, row) in out.chunks_exact_mut(S::F32).enumerate() {
                row.copy_from_slice(&from[step * stride..][..S::F32]);
            }
            return;
        }
        for (step, row) in out.chunks_exact_mut(width).enumerate() {
            row[..cols].copy_from_slice(&from[step * stride..][..cols]);
            row[cols..].fill(0.0);
        }
    }

    /// Rows of `width` elements from `cols` columns `stride` apart, each contiguous.
    fn pack_cols<S>(from: &[f32], stride: usize, cols: usize, width: usize, out: &mut [f32]) {
        let steps = out.len() / width;
        // Steps per round: a cache line of each column.
        const LINE: usize = 16;
        let mut step = 0;
        while step < steps {
            let count = LINE.min(steps - step);
            let block = &mut out[step * width..][..count * width];
            for j in 0..width {
                if j < cols {
                    let column = &from[j * stride + step..][..count];
                    for (row, &x) in block.chunks_exact_mut(width).zip(column) {
                        row[j] = x;
                    }
                } else {
                    block.chunks_exact_mut(width).for_each(|row| row[j] = 0.0);
                }
            }
            step += count;
        }
    }
}

/// Copies `rows × k` elements of a left-hand operand from `at` on into tiles of `height` rows: for each tile all steps,
/// each step's rows side by side, the last tile filled with zeros.
pub(crate) fn pack_tiles(
    simd: Simd,
    a: &Matrix,
    at: usize,
    (rows, k): (usize, usize),
    height: usize,
    out: &mut [f32],
) {
    if rows == 0 || k == 0 {
        return;
    }
    let t = a.transposed();
    for (p, tile) in out[..rows.div_ceil(height) * height * k]
        .chunks_exact_mut(k * height)
        .enumerate()
    {
        let first = p * height;
        let count = height.min(rows - first);
        let from = &t.data[at + first * t.col_stride..];
        if t.col_stride == 1 {
            pack_rows(simd, from, t.row_stride, count, height, tile);
        } else if t.row_stride == 1 {
            pack_cols(simd, from, t.col_stride, count, height, tile);
        } else {
            for (step, row) in tile.chunks_exact_mut(height).enumerate() {
                row[count..].fill(0.0);
                for (i, x) in row[..count].iter_mut().enumerate() {
                    *x = from[step * t.row_stride + i * t.col_stride];
                }
            }
        }
    }
}
