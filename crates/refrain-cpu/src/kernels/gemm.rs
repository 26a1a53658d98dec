//! Matrix products.
//!
//! The result is cut into blocks by its shape alone, one task each; a block's sums run over the whole depth in a fixed
//! order. Hence the bits of a result do not depend on the number of threads.

use super::micro::{self, MAX_ROWS, ROW_VECTORS, TileArgs};
use super::pack::{Matrix, pack_panels, pack_tiles, panels_len, with_buffer};
use super::pool::{Pool, SharedPtr};
use super::{LengthError, gemv};
use crate::simd::Simd;
use std::marker::PhantomData;

/// Steps of the depth per block: a block's panel of two AVX-512 vectors (32 KiB) stays in the first-level cache.
const DEPTH: usize = 256;
/// Rows and columns of the largest blocks: their packed operands fill less than half of 1 MiB second-level cache.
const BLOCK_ROWS: usize = 192;
const BLOCK_COLS: usize = 256;
/// Blocks begin at multiples of these, so that only the last ones have partial tiles.
const ROW_GRAIN: usize = 24;
const COL_GRAIN: usize = 32;
/// Multiply-adds that are worth a task of their own: some 10 µs.
const TASK_WORK: usize = 1 << 19;
/// Blocks into which large products are cut at least, for the sake of machines with many cores.
const MANY_TASKS: usize = 8;
/// Blocks come in multiples of this and have about the same number of rows, in multiples of the least tile's: then two and
/// four threads end at the same time.
const EVEN_TASKS: usize = 4;
const ROW_STEP: usize = 4;
/// Depth from which a product with few blocks is cut along its depth, and the least depth of a piece.
const SPLIT_DEPTH: usize = 1024;
/// Most pieces of the depth.
const MAX_SPLIT: usize = 16;
/// Up to so many rows of tiles the right-hand side is read where it lies: a copy would not pay.
const DIRECT_ROW_TILES: usize = 2;
/// As above for the left-hand side and columns of tiles.
const DIRECT_COL_TILES: usize = 2;

/// A left-hand side whose rows lie in memory as they are read is read where it lies, if its rows are long enough and few
/// of them are read again and again: measured, 3 to 9 % faster; otherwise up to 15 % slower.
const DIRECT_DEPTH: usize = 64;
const DIRECT_ROWS: usize = 128;

/// Rows from which a right-hand side is packed before the product; the elements that are worth a pass of their own, and
/// the most that scratch memory is taken for (4 MiB).
const PACK_ONCE_ROWS: usize = 4 * BLOCK_ROWS;
const PACK_ONCE_LEAST: usize = 1 << 14;
const PACK_ONCE_MOST: usize = 1 << 20;
/// Lanes of the widest vectors.
const MAX_LANES: usize = 16;

/// The right-hand side of a product.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a> {
    /// As it lies in memory.
    Matrix(Matrix<'a>),
    /// As [`pack_right`] has laid it out for the same pool; one matrix for the whole batch.
    Packed(&'a [f32]),
}

/// A finished tile of a result, for the epilogue to work on while it is in the cache.
pub struct Tile<'a> {
    data: *mut f32,
    stride: usize,
    /// Which matrix of the batch.
    pub batch: usize,
    /// The result's row that is row 0 here.
    pub first_row: usize,
    /// The result's column that is column 0 here.
    pub first_col: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    borrowed: PhantomData<&'a mut f32>,
}

impl Tile<'_> {
    /// # Safety
    /// `rows` rows of `cols` elements, `stride` apart from `data` on, belong to the tile alone while it lives.
    pub(crate) unsafe fn new(
        data: *mut f32,
        stride: usize,
        (batch, first_row, first_col): (usize, usize, usize),
        (rows, cols): (usize, usize),
    ) -> Self {
        Tile {
            data,
            stride,
            batch,
            first_row,
            first_col,
            rows,
            cols,
            borrowed: PhantomData,
        }
    }

    /// Row `i`, which must be below `rows`.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        assert!(i < self.rows, "row {i} of a tile of {} rows", self.rows);
        // SAFETY: the row is the tile's own (`new`), and the borrow of `self` keeps it from being lent twice.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(i * self.stride), self.cols) }
    }

    /// The first element, and the elements from one row to the next.
    pub(super) fn memory(&mut self) -> (*mut f32, usize) {
        (self.data, self.stride)
    }
}

/// Elementwise work on each finished tile of a result. Each element comes exactly once.
pub type Epilogue<'a> = &'a (dyn Fn(&mut Tile<'_>) + Sync);

/// `C = alpha · A · B`, or `C += …`, for a batch of matrices: `A` is `m × k`, `B` is `k × n`.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// Number of products.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Depth of the sums.
    pub k: usize,
    /// Factor of the sums.
    pub alpha: f32,
    /// Left-hand side.
    pub a: Matrix<'a>,
    /// Right-hand side.
    pub b: Right<'a>,
    /// Whether the result is added to what is there.
    pub accumulate: bool,
    /// Elements from one row of the result to the next, at least `n`.
    pub row_stride: usize,
    /// Elements from one result to the next.
    pub batch_stride: usize,
    /// Work on the finished result.
    pub epilogue: Option<Epilogue<'a>>,
}

/// Elements of the packed form of a `k × n` right-hand side.
pub fn packed_len(pool: &Pool, k: usize, n: usize) -> usize {
    panels_len(pool.simd(), k, n)
}

/// Lays a `k × n` right-hand side out for [`Right::Packed`]. `out` has [`packed_len`] elements.
///
/// # Errors
/// If `b` or `out` are too short.
pub fn pack_right(
    pool: &Pool,
    b: &Matrix,
    k: usize,
    n: usize,
    out: &mut [f32],
) -> Result<(), LengthError> {
    let simd = pool.simd();
    if !b.holds(1, k, n) || out.len() < panels_len(simd, k, n) {
        return Err(LengthError);
    }
    // Panels per task: some 100 KiB.
    let lanes = micro::lanes(simd);
    let panels = (1usize << 15).div_ceil((k * lanes).max(1));
    let cols = panels * lanes;
    let len = panels_len(simd, k, n);
    pool.for_chunks_mut(&mut out[..len], (cols * k).max(1), |i, piece| {
        let first = i * cols;
        pack_panels(simd, b, first * b.col_stride, k, cols.min(n - first), piece);
    });
    Ok(())
}

/// Rows and columns of a task's block.
fn block_of(m: usize, n: usize, k: usize) -> (usize, usize) {
    let (mut rows, mut cols) = (m.min(BLOCK_ROWS), n.min(BLOCK_COLS));
    let tasks = |rows: usize, cols: usize| m.div_ceil(rows) * n.div_ceil(cols);
    while tasks(rows, cols) < MANY_TASKS && rows * cols * k > 2 * TASK_WORK {
        let (half_rows, half_cols) = (
            rows.div_ceil(2).next_multiple_of(ROW_GRAIN),
            cols.div_ceil(2).next_multiple_of(COL_GRAIN),
        );
        // Columns are packed anew for each block of rows; few short rows are read where they lie, by each block of columns.
        let by_rows = rows >= cols && (m > DIRECT_ROWS || k > DEPTH);
        if half_rows < rows && (by_rows || half_cols >= cols) {
            rows = half_rows;
        } else if half_cols < cols {
            cols = half_cols;
        } else {
            break;
        }
    }
    let (mut down, across) = (m.div_ceil(rows.max(1)), n.div_ceil(cols.max(1)));
    if down > 1 && !(down * across).is_multiple_of(EVEN_TASKS) {
        down = down.next_multiple_of(EVEN_TASKS);
    }
    let rows = m.div_ceil(down.max(1)).next_multiple_of(ROW_STEP).min(rows);
    (rows.max(1), cols.max(1))
}

/// Pieces into which the depth is cut.
fn depth_split(batch: usize, m: usize, n: usize, k: usize) -> usize {
    if batch != 1 || m <= 1 || n <= 1 {
        return 1;
    }
    let (rows, cols) = block_of(m, n, k);
    let blocks = m.div_ceil(rows) * n.div_ceil(cols);
    if 2 * blocks > MANY_TASKS {
        return 1;
    }
    (k / SPLIT_DEPTH).min(MAX_SPLIT / blocks).max(1)
}

/// Whether the right-hand side is packed before the product: it would be for each block of rows otherwise.
fn packs_once(batch: usize, m: usize, n: usize, k: usize) -> bool {
    let worthwhile = PACK_ONCE_LEAST..=PACK_ONCE_MOST;
    batch == 1 && m >= PACK_ONCE_ROWS && n > 1 && worthwhile.contains(&k.saturating_mul(n))
}

impl<'a> Product<'a> {
    /// One product of two matrices into a row-major result without gaps.
    pub fn new(m: usize, n: usize, k: usize, a: Matrix<'a>, b: Right<'a>) -> Self {
        Product {
            batch: 1,
            m,
            n,
            k,
            alpha: 1.0,
            a,
            b,
            accumulate: false,
            row_stride: n,
            batch_stride: m * n,
            epilogue: None,
        }
    }

    /// Whether the depth of a product of these sizes is cut, which is done with an unpacked right-hand side only.
    pub fn splits_depth(batch: usize, m: usize, n: usize, k: usize) -> bool {
        depth_split(batch, m, n, k) > 1
    }

    /// Whether the epilogue of a product of these sizes gets rows with all their columns.
    pub fn has_whole_rows(m: usize, n: usize, k: usize) -> bool {
        m > 1 && n > 1 && block_of(m, n, k).1 >= n
    }

    /// Elements of scratch memory that [`Product::run`] needs for these sizes.
    pub fn scratch_len(batch: usize, m: usize, n: usize, k: usize) -> usize {
        match depth_split(batch, m, n, k) {
            1 if packs_once(batch, m, n, k) => k * n.next_multiple_of(MAX_LANES),
            1 => 0,
            pieces => pieces * m * n,
        }
    }

    /// Computes the product into `c`.
    ///
    /// # Errors
    /// If an operand, the result or the scratch memory is too short, or rows of the result overlap.
    pub fn run(&self, pool: &Pool, c: &mut [f32], scratch: &mut [f32]) -> Result<(), LengthError> {
        self.check(pool, c.len())?;
        if self.batch == 0 || self.m == 0 || self.n == 0 {
            return Ok(());
        }
        if let Some(done) = gemv::try_run(self, pool, c) {
            return done;
        }
        let pieces = depth_split(self.batch, self.m, self.n, self.k);
        match self.b {
            Right::Matrix(b) if pieces > 1 => self.run_split(pool, b, pieces, c, scratch),
            Right::Matrix(b) if packs_once(self.batch, self.m, self.n, self.k) => {
                let packed = scratch
                    .get_mut(..packed_len(pool, self.k, self.n))
                    .ok_or(LengthError)?;
                pack_right(pool, &b, self.k, self.n, packed)?;
                let product = Product {
                    b: Right::Packed(packed),
                    ..*self
                };
                product.run_blocks(pool, c);
                Ok(())
            }
            _ => {
                self.run_blocks(pool, c);
                Ok(())
            }
        }
    }

    fn check(&self, pool: &Pool, c_len: usize) -> Result<(), LengthError> {
        let right = match self.b {
            Right::Matrix(b) => b.holds(self.batch, self.k, self.n),
            Right::Packed(p) => p.len() >= packed_len(pool, self.k, self.n),
        };
        let span = |count: usize, stride: usize, last: usize| match count {
            0 => Some(0),
            _ => (count - 1).checked_mul(stride)?.checked_add(last),
        };
        let matrix = span(self.m, self.row_stride, self.n).ok_or(LengthError)?;
        let row = span(self.batch, self.batch_stride, self.n).ok_or(LengthError)?;
        let all = span(self.batch, self.batch_stride, matrix).ok_or(LengthError)?;
        let rows_apart = self.m <= 1 || self.row_stride >= self.n;
        let matrices_apart = self.batch <= 1
            || self.batch_stride >= matrix
            || (self.batch_stride >= self.n && self.row_stride >= row);
        let empty = self.m == 0 || self.n == 0 || self.batch == 0;
        let fits = self.a.holds(self.batch, self.m, self.k) && right && all <= c_len;
        (empty || (fits && rows_apart && matrices_apart))
            .then_some(())
            .ok_or(LengthError)
    }

    /// The product of each of so many pieces of the depth, side by side in a batch.
    fn in_pieces(&self, b: Matrix<'a>, pieces: usize) -> Product<'a> {
        let depth = self.k / pieces;
        Product {
            batch: pieces,
            k: depth,
            alpha: 1.0,
            a: Matrix {
                batch_stride: depth * self.a.col_stride,
                inner: 1,
                ..self.a
            },
            b: Right::Matrix(Matrix {
                batch_stride: depth * b.row_stride,
                inner: 1,
                ..b
            }),
            accumulate: false,
            row_stride: self.n,
            batch_stride: self.m * self.n,
            epilogue: None,
            ..*self
        }
    }

    /// The depth in pieces with results of their own, which are then added in order.
    fn run_split(
        &self,
        pool: &Pool,
        b: Matrix<'a>,
        pieces: usize,
        c: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), LengthError> {
        let (m, n, depth) = (self.m, self.n, self.k / pieces);
        let partial = scratch.get_mut(..pieces * m * n).ok_or(LengthError)?;
        let (a_step, b_step) = (self.a.col_stride, b.row_stride);
        let part = self.in_pieces(b, pieces);
        part.run_blocks(pool, partial);
        let done = pieces * depth;
        if done < self.k {
            let rest = Product {
                batch: 1,
                k: self.k - done,
                a: Matrix {
                    data: &self.a.data[done * a_step..],
                    ..part.a
                },
                b: Right::Matrix(Matrix {
                    data: &b.data[done * b_step..],
                    ..b
                }),
                accumulate: true,
                ..part
            };
            rest.run_blocks(pool, &mut partial[..m * n]);
        }
        self.add_up(pool, partial, c);
        Ok(())
    }

    fn add_up(&self, pool: &Pool, partial: &[f32], c: &mut [f32]) {
        let (m, n) = (self.m, self.n);
        // Rows per task: some 16 Ki elements.
        let rows = (1usize << 14).div_ceil(n);
        let out = SharedPtr(c.as_mut_ptr());
        pool.run(m.div_ceil(rows), &|task| {
            let first = task * rows;
            // SAFETY: `check` has found all rows inside `c` and apart; each task has rows of its own.
            let mut tile = unsafe {
                let data = out.get().add(first * self.row_stride);
                Tile::new(
                    data,
                    self.row_stride,
                    (0, first, 0),
                    (rows.min(m - first), n),
                )
            };
            for i in 0..tile.rows {
                let row = tile.row_mut(i);
                for (g, part) in partial.chunks_exact(m * n).enumerate() {
                    let part = &part[(first + i) * n..][..n];
                    let fresh = g == 0 && !self.accumulate;
                    for (x, &p) in row.iter_mut().zip(part) {
                        *x = if fresh {
                            self.alpha * p
                        } else {
                            *x + self.alpha * p
                        };
                    }
                }
            }
            if let Some(epilogue) = self.epilogue {
                epilogue(&mut tile);
            }
        });
    }

    fn run_blocks(&self, pool: &Pool, c: &mut [f32]) {
        let (rows, cols) = block_of(self.m, self.n, self.k);
        let (down, across) = (self.m.div_ceil(rows), self.n.div_ceil(cols));
        let out = SharedPtr(c.as_mut_ptr());
        let simd = pool.simd();
        pool.run(self.batch * down * across, &|task| {
            let (batch, block) = (task / (down * across), task % (down * across));
            let (row, col) = (block / across * rows, block % across * cols);
            let block = GemmTask {
                product: self,
                simd,
                batch,
                row,
                col,
                rows: rows.min(self.m - row),
                cols: cols.min(self.n - col),
            };
            let at = batch * self.batch_stride + row * self.row_stride + col;
            // SAFETY: `check` has found the block inside `c`; blocks of different tasks do not overlap.
            unsafe { block.run(out.get().add(at)) };
        });
    }
}

/// One task's part of a result.
struct GemmTask<'p, 'a> {
    product: &'p Product<'a>,
    simd: Simd,
    batch: usize,
    row: usize,
    col: usize,
    rows: usize,
    cols: usize,
}

/// Where the tiles find the right-hand side for some steps of the depth.
#[derive(Clone, Copy)]
struct Panels {
    at: *const f32,
    step: usize,
    vector: usize,
}

/// Where the tiles find the left-hand side for some steps of the depth.
#[derive(Clone, Copy)]
struct LeftRows {
    at: *const f32,
    /// Elements from one row to the next, or from one packed tile to the next.
    row: usize,
    step: usize,
    packed: bool,
}

impl GemmTask<'_, '_> {
    /// # Safety
    /// The block's part of the result, from `out` on, is there and no one else's.
    unsafe fn run(&self, out: *mut f32) {
        let p = self.product;
        let lanes = micro::lanes(self.simd);
        let vectors = self.cols.div_ceil(lanes);
        let width = match (p.m, vectors) {
            (1, ROW_VECTORS..) => ROW_VECTORS,
            _ => micro::best_width(self.simd, vectors, self.rows),
        };
        let height = micro::max_rows(self.simd, width);
        let blocks = p.k.div_ceil(DEPTH).max(1);
        let depth = p.k.div_ceil(blocks);
        let few = p.m <= DIRECT_ROWS || p.n <= BLOCK_COLS;
        let direct = p.a.col_stride == 1 && p.k >= DIRECT_DEPTH && few;
        let copy_a = !direct && self.cols.div_ceil(width * lanes) > DIRECT_COL_TILES;
        let a_len = if copy_a {
            self.rows.next_multiple_of(height) * depth
        } else {
            0
        };
        let a_len = a_len.next_multiple_of(16);
        with_buffer(a_len + panels_len(self.simd, depth, self.cols), |buffer| {
            let (a_buffer, b_buffer) = buffer.split_at_mut(a_len);
            for block in 0..blocks {
                let k0 = block * depth;
                let steps = depth.min(p.k - k0);
                let a = self.left(k0, steps, height, copy_a, a_buffer);
                let (whole, b, tail) = self.right(k0, steps, height, b_buffer);
                // SAFETY: as this function's; `left` and `right` describe memory that is there.
                unsafe {
                    let mut col = 0;
                    while col < self.cols {
                        let panels = if col < whole { b } else { tail };
                        let from = if col < whole { col } else { col - whole };
                        let end = if col < whole { whole } else { self.cols };
                        let left = (end - col).div_ceil(lanes);
                        let vectors = match left < width {
                            true => micro::best_width(self.simd, left, self.rows),
                            false => width,
                        };
                        let cols = (vectors * lanes).min(end - col);
                        let panels = Panels {
                            at: panels.at.add(from / lanes * panels.vector),
                            ..panels
                        };
                        self.column(
                            out,
                            (col, cols, vectors),
                            a,
                            panels,
                            (steps, block == 0),
                            height,
                        );
                        col += cols;
                    }
                }
            }
        });
        if let Some(epilogue) = p.epilogue {
            // SAFETY: this function's contract.
            let mut tile = unsafe {
                Tile::new(
                    out,
                    p.row_stride,
                    (self.batch, self.row, self.col),
                    (self.rows, self.cols),
                )
            };
            epilogue(&mut tile);
        }
    }

    fn left(
        &self,
        k0: usize,
        steps: usize,
        height: usize,
        copy: bool,
        buffer: &mut [f32],
    ) -> LeftRows {
        let a = &self.product.a;
        let at = a.start(self.batch) + self.row * a.row_stride + k0 * a.col_stride;
        if steps == 0 {
            return LeftRows {
                at: a.data.as_ptr(),
                row: 0,
                step: 0,
                packed: false,
            };
        }
        if copy {
            pack_tiles(self.simd, a, at, (self.rows, steps), height, buffer);
            return LeftRows {
                at: buffer.as_ptr(),
                row: steps,
                step: height,
                packed: true,
            };
        }
        let from = &a.data[at..];
        LeftRows {
            at: from.as_ptr(),
            row: a.row_stride,
            step: a.col_stride,
            packed: false,
        }
    }

    /// The panels of the first columns, how many columns those are, and the panels of the others.
    fn right(
        &self,
        k0: usize,
        steps: usize,
        height: usize,
        buffer: &mut [f32],
    ) -> (usize, Panels, Panels) {
        let p = self.product;
        let lanes = micro::lanes(self.simd);
        let copied = Panels {
            at: buffer.as_ptr(),
            step: lanes,
            vector: steps * lanes,
        };
        let b = match p.b {
            Right::Packed(data) => {
                let at = self.col * p.k + k0 * lanes;
                let panels = Panels {
                    at: data[at.min(data.len())..].as_ptr(),
                    step: lanes,
                    vector: p.k * lanes,
                };
                return (self.cols, panels, panels);
            }
            Right::Matrix(b) => b,
        };
        let at = b.start(self.batch) + k0 * b.row_stride + self.col * b.col_stride;
        let direct = b.col_stride == 1 && self.rows <= DIRECT_ROW_TILES * height && steps > 0;
        let whole = if direct { self.cols / lanes * lanes } else { 0 };
        if whole < self.cols {
            pack_panels(
                self.simd,
                &b,
                at + whole * b.col_stride,
                steps,
                self.cols - whole,
                buffer,
            );
        }
        let in_place = match b.data.get(at..) {
            Some(from) if direct => Panels {
                at: from.as_ptr(),
                step: b.row_stride,
                vector: lanes,
            },
            _ => copied,
        };
        (whole, in_place, copied)
    }

    /// # Safety
    /// As [`GemmTask::run`]; `a` and `b` describe readable memory for all steps.
    unsafe fn column(
        &self,
        out: *mut f32,
        (col, cols, vectors): (usize, usize, usize),
        a: LeftRows,
        b: Panels,
        (steps, first): (usize, bool),
        height: usize,
    ) {
        let p = self.product;
        let mut row = 0;
        while row < self.rows {
            let rows = height.min(self.rows - row);
            let code = micro::select(self.simd, a.packed, vectors, rows);
            // Rows past the last repeat it: they are computed and not written.
            let line = |i: usize| row + i.min(rows - 1);
            let args = TileArgs {
                a: std::array::from_fn(|i| {
                    let offset = if a.packed {
                        row * a.row
                    } else {
                        line(i) * a.row
                    };
                    a.at.wrapping_add(offset)
                }),
                a_step: a.step,
                runs: &[0],
                run: steps,
                b: b.at,
                b_step: b.step,
                b_vector: b.vector,
                out: std::array::from_fn::<_, MAX_ROWS, _>(|i| {
                    out.wrapping_add(line(i) * p.row_stride + col)
                }),
                rows,
                cols,
                alpha: p.alpha,
                accumulate: p.accumulate || !first,
            };
            // SAFETY: this function's contract.
            unsafe { code(&args) };
            row += rows;
        }
    }
}

#[cfg(test)]
#[path = "gemm_tests.rs"]
mod tests;
