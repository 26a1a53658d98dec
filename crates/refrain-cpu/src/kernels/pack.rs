//! Copies of operands in the order in which tiles read them.

use super::micro;
use super::transpose::transpose;
use crate::simd::{Simd, simd_fn};
use std::cell::RefCell;

/// Bytes to which buffers are aligned: a cache line, so that no vector load crosses one.
const ALIGNMENT: usize = 64;

/// Steps that are copied for all panels or tiles before the next ones: some lines of each page that is touched.
const STEPS: usize = 16;

thread_local! {
    static BUFFER: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Elements that a thread's buffer has from the start, more than most kernels ask for (long rows of wide convolutions may
/// want more and then allocate once). Memory that is never written is not taken from the system.
const RESERVED: usize = 3 << 19;

/// Makes this thread's buffer, so that a later step need not.
pub(crate) fn reserve_buffer() {
    with_buffer(0, |_| ());
}

/// Lends this thread's own buffer, grown to `len` elements of unspecified values.
pub(crate) fn with_buffer<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = BUFFER.take();
    let slack = ALIGNMENT / size_of::<f32>();
    if buffer.len() < len + slack {
        buffer = vec![0.0; RESERVED.max(len + slack)];
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
    /// Batches of batches: so many matrices, `inner_stride` apart, are one step of `batch_stride`. At least 1.
    pub inner: usize,
    /// Elements from one matrix to the next of the same inner batch.
    pub inner_stride: usize,
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
            inner: 1,
            inner_stride: 0,
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

    /// The first element of a matrix of the batch.
    pub fn start(&self, batch: usize) -> usize {
        match self.inner {
            1 => batch * self.batch_stride,
            inner => batch / inner * self.batch_stride + batch % inner * self.inner_stride,
        }
    }

    /// Whether `batch` matrices of this size lie inside the data.
    pub fn holds(&self, batch: usize, rows: usize, cols: usize) -> bool {
        if batch == 0 || rows == 0 || cols == 0 {
            return true;
        }
        if self.inner == 0 {
            return false;
        }
        let (outer, inner) = (batch.div_ceil(self.inner), batch.min(self.inner));
        [
            (outer, self.batch_stride),
            (inner, self.inner_stride),
            (rows, self.row_stride),
            (cols, self.col_stride),
        ]
        .into_iter()
        .try_fold(0usize, |at, (n, stride)| {
            (n - 1).checked_mul(stride)?.checked_add(at)
        })
        .is_some_and(|last| last < self.data.len())
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
    let panels = depth * lanes;
    let out = &mut out[..panels_len(simd, depth, n)];
    if b.col_stride == 1 {
        // Some rows of all panels at a time: rows are read as they lie in memory.
        for step in (0..k).step_by(STEPS) {
            let count = STEPS.min(k - step);
            for (p, panel) in out.chunks_exact_mut(panels).enumerate() {
                let from = &b.data[at + step * b.row_stride + p * lanes..];
                let cols = lanes.min(n - p * lanes);
                let panel = &mut panel[(first + step) * lanes..][..count * lanes];
                pack_rows(simd, from, b.row_stride, cols, lanes, panel);
            }
        }
        return;
    }
    for (p, panel) in out.chunks_exact_mut(panels).enumerate() {
        let panel = &mut panel[first * lanes..][..k * lanes];
        let cols = lanes.min(n - p * lanes);
        let from = &b.data[at + p * lanes * b.col_stride..];
        if b.row_stride == 1 {
            pack_cols(simd, from, b.col_stride, cols, lanes, panel);
        } else {
            pack_any(from, (b.row_stride, b.col_stride), cols, lanes, panel);
        }
    }
}

/// Rows of `width` elements of which `cols` are there, wherever they lie.
fn pack_any(from: &[f32], (row, col): (usize, usize), cols: usize, width: usize, out: &mut [f32]) {
    for (step, line) in out.chunks_exact_mut(width).enumerate() {
        line[cols..].fill(0.0);
        for (j, x) in line[..cols].iter_mut().enumerate() {
            *x = from[step * row + j * col];
        }
    }
}

simd_fn! {
    /// Rows of `width` elements from rows `stride` apart, of which `cols` elements are there.
    fn pack_rows<S>(from: &[f32], stride: usize, cols: usize, width: usize, out: &mut [f32]) {
        match width {
            _ if cols < width => rows_of_part(from, stride, cols, width, out),
            16 => rows_of::<16>(from, stride, out),
            12 => rows_of::<12>(from, stride, out),
            8 => rows_of::<8>(from, stride, out),
            6 => rows_of::<6>(from, stride, out),
            4 => rows_of::<4>(from, stride, out),
            _ => rows_of_part(from, stride, cols, width, out),
        }
    }
}

/// Rows whose length the compiler knows, so that each is a few registers.
#[inline(always)]
fn rows_of<const N: usize>(from: &[f32], stride: usize, out: &mut [f32]) {
    let (lines, _) = out.as_chunks_mut::<N>();
    for (step, line) in lines.iter_mut().enumerate() {
        if let Some(row) = from[step * stride..].first_chunk::<N>() {
            *line = *row;
        }
    }
}

#[inline(always)]
fn rows_of_part(from: &[f32], stride: usize, cols: usize, width: usize, out: &mut [f32]) {
    for (step, line) in out.chunks_exact_mut(width).enumerate() {
        line[..cols].copy_from_slice(&from[step * stride..][..cols]);
        line[cols..].fill(0.0);
    }
}

/// Rows of `width` elements from `cols` columns `stride` apart, each contiguous.
fn pack_cols(simd: Simd, from: &[f32], stride: usize, cols: usize, width: usize, out: &mut [f32]) {
    let steps = out.len() / width;
    if cols < width {
        out.chunks_exact_mut(width)
            .for_each(|line| line[cols..].fill(0.0));
    }
    if cols == 0 || steps == 0 {
        return;
    }
    let (from, out) = (
        &from[..(cols - 1) * stride + steps],
        &mut out[..steps * width],
    );
    // SAFETY: `cols` columns of `steps` elements lie in `from`, `steps` rows of `width` in `out`.
    unsafe {
        transpose(
            simd,
            from.as_ptr(),
            stride,
            out.as_mut_ptr(),
            width,
            (cols, steps),
        )
    };
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
    let out = &mut out[..rows.div_ceil(height) * height * k];
    if a.row_stride == 1 {
        // Some steps of all tiles at a time, as they lie in memory.
        for step in (0..k).step_by(STEPS) {
            let count = STEPS.min(k - step);
            for (p, tile) in out.chunks_exact_mut(k * height).enumerate() {
                let from = &a.data[at + step * a.col_stride + p * height..];
                let lines = &mut tile[step * height..][..count * height];
                pack_rows(
                    simd,
                    from,
                    a.col_stride,
                    height.min(rows - p * height),
                    height,
                    lines,
                );
            }
        }
        return;
    }
    for (p, tile) in out.chunks_exact_mut(k * height).enumerate() {
        let count = height.min(rows - p * height);
        let from = &a.data[at + p * height * a.row_stride..];
        if a.col_stride == 1 {
            pack_cols(simd, from, a.row_stride, count, height, tile);
        } else {
            pack_any(from, (a.col_stride, a.row_stride), count, height, tile);
        }
    }
}
