//! The gradient of a convolution's kernel.
//!
//! It is a product whose sums run over output positions: a tile is some elements of the kernel by some output
//! channels, read from a padded copy of the image and from the output's gradient where they lie. Positions are cut
//! into parts with sums of their own, by shape alone, which are added in order.

use super::LengthError;
use super::conv_shape::Conv2dShape;
use super::gemm::{Product, Right};
use super::micro::{self, MAX_ROWS, TileArgs};
use super::pack::{Matrix, pack_panels, panels_len, with_buffer};
use super::patches::{AxisShape, ImageSource, Span, Walk};
use super::pool::{Pool, SharedPtr};
use super::winograd::WinogradGradient;
use crate::simd::Simd;

/// Elements of a padded copy (64 KiB): what all tiles read again and again.
const COPY_ELEMENTS: usize = 16 << 10;
/// Most positions between two visits to the sums.
const POSITIONS: usize = 512;
/// Most parts with sums of their own.
const PARTS: usize = 16;
/// Elements that the sums of all parts may have together (8 MiB), unless there is but one part.
const PARTIAL_ELEMENTS: usize = 2 << 20;
/// Tasks that the gradient is cut into if it is large enough.
const MANY_TASKS: usize = 16;
/// Kernel elements and output channels per task where parts alone are too few tasks.
const FEW_PART_ROWS: usize = 192;
const FEW_PART_COLS: usize = 64;
/// Elements per task when parts are added.
const SUM_ELEMENTS: usize = 1 << 14;

/// The gradient of a convolution's kernel, planned for one shape.
#[derive(Clone, Debug)]
pub struct KernelGradientPlan {
    shape: Conv2dShape,
    walk: Walk,
    spans: Vec<Span>,
    copy_len: usize,
    /// Where each row of positions begins in what is read, for the largest span.
    row_starts: Vec<usize>,
    /// What each kernel element of a group reads, from the position's first element on.
    offsets: Vec<usize>,
    parts: usize,
    /// Kernel elements and output channels per task.
    block: (usize, usize),
    winograd: Option<WinogradGradient>,
}

impl KernelGradientPlan {
    /// The plan for a convolution.
    ///
    /// # Errors
    /// If the shape contradicts itself.
    pub fn new(shape: &Conv2dShape) -> Result<Self, LengthError> {
        let s = shape;
        let len = s.w_len().filter(|_| s.is_valid()).ok_or(LengthError)?;
        let (channels, results) = (s.c / s.groups, s.o / s.groups);
        let [rows, cols] = AxisShape::of(s).map(|a| a.forward());
        let source = ImageSource {
            h: s.h,
            w: s.w,
            c: s.c,
            channels,
        };
        let walk = Walk::new(source, rows, cols);
        let spans = walk.spans(s.n, COPY_ELEMENTS, POSITIONS);
        let parts = (PARTIAL_ELEMENTS / len.max(1))
            .clamp(1, PARTS)
            .min(spans.len().max(1));
        let depth = s.kh * s.kw * channels;
        let few = parts * s.groups < MANY_TASKS;
        let block = if few {
            (FEW_PART_ROWS.min(depth), FEW_PART_COLS.min(results))
        } else {
            (depth, results)
        };
        let offsets = walk
            .runs
            .iter()
            .flat_map(|&start| start..start + walk.run)
            .collect();
        let row_starts = spans.first().map_or(Vec::new(), |span| {
            (0..span.images * span.rows)
                .map(|r| {
                    r / span.rows * walk.image_len(span)
                        + r % span.rows * walk.rows.step * walk.row_len
                })
                .collect()
        });
        let copy_len = spans.iter().map(|s| walk.copy_len(s)).max().unwrap_or(0);
        Ok(KernelGradientPlan {
            shape: *s,
            walk,
            spans,
            copy_len,
            row_starts,
            offsets,
            parts,
            block: (block.0.max(1), block.1.max(1)),
            winograd: None,
        })
    }

    /// The same as a Winograd convolution where that is faster; its rounding errors are some ten times as large.
    pub fn with_winograd(mut self) -> KernelGradientPlan {
        self.winograd = WinogradGradient::new(&self.shape);
        if let Some(winograd) = &self.winograd {
            self.parts = winograd.parts();
        }
        self
    }

    /// Whether it is a Winograd convolution.
    pub fn is_winograd(&self) -> bool {
        self.winograd.is_some()
    }

    /// Elements of scratch memory that [`KernelGradientPlan::run`] needs.
    pub fn scratch_len(&self) -> usize {
        let s = &self.shape;
        if s.is_pointwise() {
            return Product::scratch_len(1, s.c, s.o, s.n * s.h * s.w);
        }
        match self.parts {
            1 => 0,
            parts => parts * s.w_len().unwrap_or(0),
        }
    }

    /// The gradient `dw` of the kernel from the image `x` and the gradient `dy` of the result.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run(
        &self,
        pool: &Pool,
        x: &[f32],
        dy: &[f32],
        dw: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), LengthError> {
        let s = &self.shape;
        let len = s.w_len().ok_or(LengthError)?;
        let short = Some(x.len()) < s.x_len() || Some(dy.len()) < s.y_len() || dw.len() < len;
        if short || scratch.len() < self.scratch_len() {
            return Err(LengthError);
        }
        if len == 0 {
            return Ok(());
        }
        if s.is_pointwise() {
            let (left, right) = (Matrix::strided(x, 1, s.c), Matrix::row_major(dy, s.o));
            let product = Product::new(s.c, s.o, s.n * s.h * s.w, left, Right::Matrix(right));
            return product.run(pool, dw, scratch);
        }
        if self.spans.is_empty() {
            dw[..len].fill(0.0);
            return Ok(());
        }
        if self.parts == 1 {
            self.run_parts(pool, x, dy, &mut dw[..len]);
            return Ok(());
        }
        let partial = &mut scratch[..self.parts * len];
        self.run_parts(pool, x, dy, partial);
        pool.for_chunks_mut(&mut dw[..len], SUM_ELEMENTS, |i, sums| {
            let at = i * SUM_ELEMENTS;
            sums.copy_from_slice(&partial[at..][..sums.len()]);
            for part in partial.chunks_exact(len).skip(1) {
                for (sum, &x) in sums.iter_mut().zip(&part[at..]) {
                    *sum += x;
                }
            }
        });
        Ok(())
    }

    /// Fills all parts' sums, one after the other in `out`.
    fn run_parts(&self, pool: &Pool, x: &[f32], dy: &[f32], out: &mut [f32]) {
        if let Some(winograd) = &self.winograd {
            return winograd.run(pool, x, dy, out);
        }
        let s = &self.shape;
        let (simd, len, results) = (pool.simd(), out.len() / self.parts, s.o / s.groups);
        let (down, across) = (
            self.offsets.len().div_ceil(self.block.0),
            results.div_ceil(self.block.1),
        );
        let per_part = s.groups * down * across;
        let out = SharedPtr(out.as_mut_ptr());
        pool.run(self.parts * per_part, &|task| {
            let (part, rest) = (task / per_part, task % per_part);
            let (group, rest) = (rest / (down * across), rest % (down * across));
            let (row, col) = (rest / across * self.block.0, rest % across * self.block.1);
            let block = KernelGradientTask {
                plan: self,
                simd,
                rows: (row, self.block.0.min(self.offsets.len() - row)),
                first_col: group * results + col,
                cols: self.block.1.min(results - col),
            };
            let range = |p: usize| p * self.spans.len() / self.parts;
            let spans = &self.spans[range(part)..range(part + 1)];
            // SAFETY: parts do not overlap, nor do the rows and columns of a part's tasks; lengths are checked.
            unsafe { block.run(spans, group, x, dy, out.get().add(part * len)) };
        });
    }
}

/// One task: some kernel elements by some output channels, over the positions of a part.
struct KernelGradientTask<'a> {
    plan: &'a KernelGradientPlan,
    simd: Simd,
    rows: (usize, usize),
    first_col: usize,
    cols: usize,
}

impl KernelGradientTask<'_> {
    /// # Safety
    /// The block's rows and columns of the sums from `out` on are no one else's.
    unsafe fn run(&self, spans: &[Span], group: usize, x: &[f32], dy: &[f32], out: *mut f32) {
        let (plan, s) = (self.plan, &self.plan.shape);
        let lanes = micro::lanes(self.simd);
        let whole = self.cols / lanes * lanes;
        let most = spans
            .iter()
            .map(|p| p.images * p.rows * s.ow)
            .max()
            .unwrap_or(0);
        let copy_len = plan.copy_len.next_multiple_of(lanes);
        with_buffer(
            copy_len + panels_len(self.simd, most, self.cols - whole),
            |buffer| {
                let (copy, tail) = buffer.split_at_mut(copy_len);
                for (i, span) in spans.iter().enumerate() {
                    let read = plan
                        .walk
                        .read(x, group * plan.walk.source.channels, span, copy);
                    let at = ((span.image * s.oh + span.row) * s.ow) * s.o + self.first_col;
                    let gradient = Matrix::row_major(dy, s.o);
                    let positions = span.images * span.rows * s.ow;
                    pack_panels(
                        self.simd,
                        &gradient,
                        at + whole,
                        positions,
                        self.cols - whole,
                        tail,
                    );
                    // SAFETY: this function's contract.
                    unsafe { self.span(span, read, &dy[at..], (whole, tail), out, i > 0) };
                }
            },
        );
    }

    /// # Safety
    /// As [`KernelGradientTask::run`].
    unsafe fn span(
        &self,
        span: &Span,
        read: &[f32],
        dy: &[f32],
        (whole, tail): (usize, &[f32]),
        out: *mut f32,
        accumulate: bool,
    ) {
        let (plan, s) = (self.plan, &self.plan.shape);
        let lanes = micro::lanes(self.simd);
        let width = micro::best_width(self.simd, self.cols.div_ceil(lanes), self.rows.1);
        let height = micro::max_rows(self.simd, width);
        let mut col = 0;
        while col < self.cols {
            let in_place = col < whole;
            let end = if in_place { whole } else { self.cols };
            let vectors = width.min((end - col).div_ceil(lanes));
            let cols = (vectors * lanes).min(end - col);
            let (b, b_step) = if in_place {
                (dy[col..].as_ptr(), s.o)
            } else {
                (tail.as_ptr(), lanes)
            };
            let mut row = self.rows.0;
            let end_row = self.rows.0 + self.rows.1;
            while row < end_row {
                let rows = height.min(end_row - row);
                let offsets = &plan.offsets[row..row + rows];
                // Twelve elements side by side are read with fixed offsets.
                let packed = rows == height && offsets[rows - 1] == offsets[0] + rows - 1;
                let line = |i: usize| i.min(rows - 1);
                let args = TileArgs {
                    a: std::array::from_fn::<_, MAX_ROWS, _>(|i| {
                        read.as_ptr().wrapping_add(offsets[line(i)])
                    }),
                    a_step: plan.walk.cols.step * plan.walk.source.channels,
                    runs: &plan.row_starts[..span.images * span.rows],
                    run: s.ow,
                    b,
                    b_step,
                    b_vector: lanes,
                    out: std::array::from_fn(|i| {
                        out.wrapping_add((row + line(i)) * s.o + self.first_col + col)
                    }),
                    rows,
                    cols,
                    alpha: 1.0,
                    accumulate,
                };
                // SAFETY: the walk keeps what positions read inside `read`; the rest is this function's contract.
                unsafe { micro::select(self.simd, packed, vectors, rows)(&args) };
                row += rows;
            }
            col += cols;
        }
    }
}
