//! Convolutions of images with channels last, as products whose left-hand side is read from the image in place.
//!
//! A tile of the product is some output positions by some output channels. The rows of its left-hand side begin at
//! the positions' first elements in a padded copy of some image rows that fits the second-level cache; no matrix of
//! patches is ever made. Convolutions over one dimension have `h = kh = oh = 1`.

use super::LengthError;
use super::conv_shape::Conv2dShape;
use super::gemm::{Epilogue, Product, Right, Tile, pack_right};
use super::micro::{self, MAX_ROWS, TileArgs};
use super::pack::{Matrix, pack_panels_in, panels_len, with_buffer};
use super::patches::{Axis, AxisShape, ImageSource, Span, Walk};
use super::pool::{Pool, SharedPtr};
use super::winograd::Winograd;
use crate::simd::Simd;

/// Elements of a padded copy: 192 KiB, a fifth of the second-level cache; the kernel's panels need space too.
const COPY_ELEMENTS: usize = 48 << 10;
/// Multiply-adds that are worth a task of their own: some 10 µs.
const TASK_WORK: usize = 1 << 19;
/// Tasks that a convolution is cut into if it is large enough.
const MANY_TASKS: usize = 32;
/// Output channels per task, where there are enough tasks; and where there are not.
const TASK_COLS: usize = 256;
const FEW_TASK_COLS: usize = 64;
/// Lanes of the widest vectors: packed kernels are planned for them, so that plans hold for every SIMD level.
pub(super) const WIDEST: usize = 16;
/// Rows per task of a pass over a finished result.
const PASS_ROWS: usize = 256;

/// A convolution or the gradient of its input, planned for one shape.
#[derive(Clone, Debug)]
pub struct ConvPlan {
    shape: Conv2dShape,
    backward: bool,
    sweeps: Vec<ConvSweep>,
    winograd: Option<Winograd>,
}

/// One walk over the source and where its results go.
#[derive(Clone, Debug)]
struct ConvSweep {
    walk: Walk,
    spans: Vec<Span>,
    /// Largest padded copy.
    copy_len: usize,
    /// Results' channels per task.
    cols: usize,
}

/// The images that are written.
#[derive(Clone, Copy)]
struct Target {
    h: usize,
    w: usize,
    c: usize,
    channels: usize,
}

impl ConvPlan {
    /// The plan of the convolution.
    ///
    /// # Errors
    /// If the shape contradicts itself.
    pub fn forward(shape: &Conv2dShape) -> Result<ConvPlan, LengthError> {
        Self::plan(shape, false, |[rows, cols]| {
            vec![(rows.forward(), cols.forward())]
        })
    }

    /// The plan of the gradient of the convolution's input.
    ///
    /// # Errors
    /// If the shape contradicts itself.
    pub fn input_gradient(shape: &Conv2dShape) -> Result<ConvPlan, LengthError> {
        Self::plan(shape, true, |[rows, cols]| {
            let (rows, cols) = (rows.backward(), cols.backward());
            rows.iter()
                .flat_map(|r| cols.iter().map(move |c| (r.clone(), c.clone())))
                .collect()
        })
    }

    fn plan(
        shape: &Conv2dShape,
        backward: bool,
        walks: impl FnOnce([AxisShape; 2]) -> Vec<(Axis, Axis)>,
    ) -> Result<ConvPlan, LengthError> {
        if !shape.is_valid() {
            return Err(LengthError);
        }
        let s = shape;
        let (h, w, c, results) = match backward {
            true => (s.oh, s.ow, s.o, s.c / s.groups),
            false => (s.h, s.w, s.c, s.o / s.groups),
        };
        let channels = c / s.groups;
        let sweeps = walks(AxisShape::of(s))
            .into_iter()
            .map(|(rows, cols)| {
                let walk = Walk::new(ImageSource { h, w, c, channels }, rows, cols);
                ConvSweep::new(walk, s.n, s.groups, results)
            })
            .collect();
        Ok(ConvPlan {
            shape: *shape,
            backward,
            sweeps,
            winograd: None,
        })
    }

    /// The same as a Winograd convolution where that is faster; its rounding errors are some ten times as large.
    pub fn with_winograd(mut self) -> ConvPlan {
        self.winograd = Winograd::new(&self.shape, self.backward);
        self
    }

    /// Whether another plan is the same.
    pub fn is_same(&self, other: &ConvPlan) -> bool {
        let key = |p: &ConvPlan| (p.shape, p.backward, p.is_winograd());
        key(self) == key(other)
    }

    /// Whether it is a Winograd convolution.
    pub fn is_winograd(&self) -> bool {
        self.winograd.is_some()
    }

    /// Elements of scratch memory that [`ConvPlan::run`] needs.
    pub fn scratch_len(&self) -> usize {
        if self.is_product() {
            let [m, n, k] = self.sizes();
            return Product::scratch_len(1, m, n, k);
        }
        self.packed_len()
    }

    /// Whether it is one product of matrices.
    fn is_product(&self) -> bool {
        self.winograd.is_none() && self.shape.is_pointwise()
    }

    /// Rows, columns and depth of the product that a pointwise convolution is.
    fn sizes(&self) -> [usize; 3] {
        let s = &self.shape;
        let (n, k) = match self.backward {
            true => (s.c, s.o),
            false => (s.o, s.c),
        };
        [s.n * s.h * s.w, n, k]
    }

    /// The kernel of a pointwise convolution as a matrix.
    fn matrix<'k>(&self, kernel: &'k [f32]) -> Matrix<'k> {
        let matrix = Matrix::row_major(kernel, self.shape.o);
        match self.backward {
            true => matrix.transposed(),
            false => matrix,
        }
    }

    /// Elements of the kernel packed by [`ConvPlan::pack`].
    pub fn packed_len(&self) -> usize {
        if let Some(winograd) = &self.winograd {
            return winograd.packed_len();
        }
        let results = self.target().channels.next_multiple_of(WIDEST);
        let depth: usize = self.sweeps.iter().map(|s| s.walk.depth()).sum();
        self.shape.groups * depth * results
    }

    fn target(&self) -> Target {
        let s = &self.shape;
        let (h, w, c) = if self.backward {
            (s.h, s.w, s.c)
        } else {
            (s.oh, s.ow, s.o)
        };
        Target {
            h,
            w,
            c,
            channels: c / s.groups,
        }
    }

    /// Lays the kernel out as [`ConvPlan::run_packed`] reads it on a pool of the same SIMD level.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn pack(&self, pool: &Pool, kernel: &[f32], packed: &mut [f32]) -> Result<(), LengthError> {
        let s = &self.shape;
        if Some(kernel.len()) < s.w_len() || packed.len() < self.packed_len() {
            return Err(LengthError);
        }
        if let Some(winograd) = &self.winograd {
            winograd.pack(pool, kernel, packed);
            return Ok(());
        }
        if self.is_product() {
            let [_, n, k] = self.sizes();
            return pack_right(pool, &self.matrix(kernel), k, n, packed);
        }
        let (simd, channels) = (pool.simd(), self.target().channels);
        let lanes = micro::lanes(simd);
        let mut rest = packed;
        for sweep in &self.sweeps {
            let depth = sweep.walk.depth();
            let len = panels_len(simd, depth, channels);
            let (own, after) = rest.split_at_mut(len * s.groups);
            rest = after;
            if len == 0 {
                continue;
            }
            // One panel per task: its columns are the kernel's input or output channels from `first` on.
            pool.for_chunks_mut(own, depth * lanes, |task, panel| {
                let panels = channels.div_ceil(lanes);
                let (group, first) = (task / panels, task % panels * lanes);
                let count = lanes.min(channels - first);
                self.pack_panel(simd, sweep, kernel, (group, first, count), panel);
            });
        }
        Ok(())
    }

    fn pack_panel(
        &self,
        simd: Simd,
        sweep: &ConvSweep,
        kernel: &[f32],
        (group, first, count): (usize, usize, usize),
        panel: &mut [f32],
    ) {
        let s = &self.shape;
        let (cg, og) = (s.c / s.groups, s.o / s.groups);
        let walk = &sweep.walk;
        let mut step = 0;
        for row in &walk.rows.taps {
            for col in &walk.cols.taps {
                let tap = (row.kernel * s.kw + col.kernel) * cg * s.o + group * og;
                let (matrix, at) = if self.backward {
                    (Matrix::strided(kernel, 1, s.o), tap + first * s.o)
                } else {
                    (Matrix::strided(kernel, s.o, 1), tap + first)
                };
                let steps = walk.source.channels;
                pack_panels_in(
                    simd,
                    &matrix,
                    at,
                    (steps, count),
                    (step, walk.depth()),
                    panel,
                );
                step += steps;
            }
        }
    }

    /// Convolves `x`, or carries the gradient of the result back: `y` is the image or the gradient that is made.
    ///
    /// The epilogue sees the result as a matrix of one row per pixel and one column per channel.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run(
        &self,
        pool: &Pool,
        x: &[f32],
        kernel: &[f32],
        y: &mut [f32],
        scratch: &mut [f32],
        epilogue: Option<Epilogue>,
    ) -> Result<(), LengthError> {
        if self.is_product() {
            let kernel = Right::Matrix(self.matrix(kernel));
            return self.product(x, kernel, epilogue).run(pool, y, scratch);
        }
        self.pack(pool, kernel, scratch)?;
        self.run_packed(pool, x, scratch, y, epilogue)
    }

    fn product<'a>(
        &self,
        x: &'a [f32],
        kernel: Right<'a>,
        epilogue: Option<Epilogue<'a>>,
    ) -> Product<'a> {
        let [m, n, k] = self.sizes();
        Product {
            epilogue,
            ..Product::new(m, n, k, Matrix::row_major(x, k), kernel)
        }
    }

    /// [`ConvPlan::run`] with a kernel that [`ConvPlan::pack`] has laid out.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run_packed(
        &self,
        pool: &Pool,
        x: &[f32],
        packed: &[f32],
        y: &mut [f32],
        epilogue: Option<Epilogue>,
    ) -> Result<(), LengthError> {
        self.check(x, y)?;
        if packed.len() < self.packed_len() {
            return Err(LengthError);
        }
        if let Some(winograd) = &self.winograd {
            winograd.run_packed(pool, x, packed, y, epilogue);
            return Ok(());
        }
        if self.is_product() {
            let product = self.product(x, Right::Packed(packed), epilogue);
            return product.run(pool, y, &mut []);
        }
        let (s, target) = (&self.shape, self.target());
        if s.n * target.h * target.w * target.c == 0 {
            return Ok(());
        }
        // Results of several walks lie between each other: the epilogue comes when all are there.
        let fused = if self.sweeps.len() == 1 {
            epilogue
        } else {
            None
        };
        let mut rest = packed;
        for sweep in &self.sweeps {
            let len = panels_len(pool.simd(), sweep.walk.depth(), target.channels) * s.groups;
            let (own, after) = rest.split_at(len);
            rest = after;
            sweep.run(pool, s.groups, x, own, target, y, fused);
        }
        if let (Some(epilogue), None) = (epilogue, fused) {
            pass_over(pool, s.n * target.h * target.w, target.c, y, epilogue);
        }
        Ok(())
    }
}

impl ConvPlan {
    /// Whether the images hold what the pass reads and writes.
    fn check(&self, x: &[f32], y: &[f32]) -> Result<(), LengthError> {
        let s = &self.shape;
        let (x_len, y_len) = if self.backward {
            (s.y_len(), s.x_len())
        } else {
            (s.x_len(), s.y_len())
        };
        let short = Some(x.len()) < x_len || Some(y.len()) < y_len;
        if short { Err(LengthError) } else { Ok(()) }
    }
}

/// Gives a finished matrix to the epilogue, some rows at a time.
fn pass_over(pool: &Pool, rows: usize, cols: usize, y: &mut [f32], epilogue: Epilogue) {
    pool.for_chunks_mut(&mut y[..rows * cols], PASS_ROWS * cols, |i, piece| {
        let size = (piece.len() / cols, cols);
        // SAFETY: the piece is this task's own and has just these rows.
        let mut tile = unsafe { Tile::new(piece.as_mut_ptr(), cols, (0, i * PASS_ROWS, 0), size) };
        epilogue(&mut tile);
    });
}

impl ConvSweep {
    fn new(walk: Walk, n: usize, groups: usize, results: usize) -> ConvSweep {
        let positions = n * walk.rows.count * walk.cols.count;
        let work = (walk.depth() * results).max(1);
        let least = TASK_WORK.div_ceil(work);
        let most = positions.div_ceil(MANY_TASKS).max(least);
        let spans = walk.spans(n, COPY_ELEMENTS, most);
        let copy_len = spans.iter().map(|s| walk.copy_len(s)).max().unwrap_or(0);
        let few = spans.len() * groups < MANY_TASKS;
        ConvSweep {
            walk,
            spans,
            copy_len,
            cols: if few { FEW_TASK_COLS } else { TASK_COLS },
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        pool: &Pool,
        groups: usize,
        x: &[f32],
        packed: &[f32],
        target: Target,
        y: &mut [f32],
        epilogue: Option<Epilogue>,
    ) {
        let (simd, out) = (pool.simd(), SharedPtr(y.as_mut_ptr()));
        let across = target.channels.div_ceil(self.cols);
        let panels = packed.len() / groups;
        pool.run(self.spans.len() * groups * across, &|task| {
            let (span, rest) = (
                &self.spans[task / (groups * across)],
                task % (groups * across),
            );
            let (group, col) = (rest / across, rest % across * self.cols);
            let part = ConvTask {
                sweep: self,
                simd,
                span,
                target,
                channel: group * target.channels + col,
                cols: self.cols.min(target.channels - col),
            };
            with_buffer(self.copy_len, |buffer| {
                let read = self
                    .walk
                    .read(x, group * self.walk.source.channels, span, buffer);
                let panels = &packed[group * panels + col * self.walk.depth()..];
                // SAFETY: `run_packed` has checked the lengths; tasks have positions or channels of their own.
                unsafe { part.run(read, panels, out.get(), epilogue) };
            });
        });
    }
}

/// One task: some positions, some output channels.
struct ConvTask<'a> {
    sweep: &'a ConvSweep,
    simd: Simd,
    span: &'a Span,
    target: Target,
    channel: usize,
    cols: usize,
}

impl ConvTask<'_> {
    /// # Safety
    /// `y` is the whole result; this part's positions and channels are no one else's. `read` is what
    /// [`Walk::read`] has returned for the span, `panels` the packed kernel from this part's channels on.
    unsafe fn run(&self, read: &[f32], panels: &[f32], y: *mut f32, epilogue: Option<Epilogue>) {
        let (walk, span) = (&self.sweep.walk, self.span);
        let lanes = micro::lanes(self.simd);
        let positions = span.images * span.rows * walk.cols.count;
        let width = micro::best_width(self.simd, self.cols.div_ceil(lanes), positions);
        let height = micro::max_rows(self.simd, width);
        let mut col = 0;
        while col < self.cols {
            let vectors = width.min((self.cols - col).div_ceil(lanes));
            let cols = (vectors * lanes).min(self.cols - col);
            let panel = panels[(col * walk.depth()).min(panels.len())..].as_ptr();
            let mut position = 0;
            while position < positions {
                let rows = height.min(positions - position);
                // SAFETY: this function's contract.
                unsafe { self.tile(read, panel, y, (position, rows), (col, cols, vectors)) };
                position += rows;
            }
            col += cols;
        }
        if let Some(epilogue) = epilogue {
            let first = (span.image * walk.rows.count + span.row) * walk.cols.count;
            // SAFETY: the one walk of a plan writes every pixel in order, so the span's rows follow each other.
            let mut tile = unsafe {
                let data = y.add(first * self.target.c + self.channel);
                Tile::new(
                    data,
                    self.target.c,
                    (0, first, self.channel),
                    (positions, self.cols),
                )
            };
            epilogue(&mut tile);
        }
    }

    /// # Safety
    /// As [`ConvTask::run`].
    #[inline]
    unsafe fn tile(
        &self,
        read: &[f32],
        panel: *const f32,
        y: *mut f32,
        (position, rows): (usize, usize),
        (col, cols, vectors): (usize, usize, usize),
    ) {
        let (walk, span, target) = (&self.sweep.walk, self.span, self.target);
        let lanes = micro::lanes(self.simd);
        let (width, image_len) = (walk.cols.count, walk.image_len(span));
        let (mut j, row) = (position % width, position / width);
        let (mut i, mut image) = (row % span.rows, row / span.rows);
        let (row_step, col_step) = (
            walk.rows.step * walk.row_len,
            walk.cols.step * walk.source.channels,
        );
        let mut a = [read.as_ptr(); MAX_ROWS];
        let mut out = [y; MAX_ROWS];
        for r in 0..MAX_ROWS {
            if r >= rows {
                // Rows past the last repeat it: they are computed and not written.
                a[r] = a[rows - 1];
                continue;
            }
            a[r] = read
                .as_ptr()
                .wrapping_add(image * image_len + i * row_step + j * col_step);
            let place_row = walk.rows.first + (span.row + i) * walk.rows.place_step;
            let place = ((span.image + image) * target.h + place_row) * target.w
                + walk.cols.first
                + j * walk.cols.place_step;
            out[r] = y.wrapping_add(place * target.c + self.channel + col);
            j += 1;
            if j == width {
                (j, i) = (0, i + 1);
                if i == span.rows {
                    (i, image) = (0, image + 1);
                }
            }
        }
        let args = TileArgs {
            a,
            a_step: 1,
            runs: &walk.runs,
            run: walk.run,
            b: panel,
            b_step: lanes,
            b_vector: walk.depth() * lanes,
            out,
            rows,
            cols,
            alpha: 1.0,
            accumulate: false,
        };
        // SAFETY: the walk keeps every run of every position inside `read`; the rest is this function's contract.
        unsafe { micro::select(self.simd, false, vectors, rows)(&args) };
    }
}

#[cfg(test)]
#[path = "conv_tests.rs"]
mod tests;
