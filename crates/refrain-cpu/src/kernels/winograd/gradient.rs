//! The gradient of a 3×3 kernel as F(3×3, 4×4): tiles of the image times tiles of the result's gradient.
//!
//! Positions are cut into parts by shape alone. A part adds up the products of each place over all of its tiles, and
//! transforms the sums at the end.

use super::transform::{GradientTransform, KERNEL, KernelGradientTransform, SIDE, STEP, square};
use super::{MIN_TILES, MOST_ELEMENTS, PLACES, Tiles, fits, images_of, rows_per_task};
use crate::kernels::conv::WIDEST;
use crate::kernels::conv_shape::{Conv2dShape, ImageSize};
use crate::kernels::micro::{self, MAX_ROWS, TileArgs};
use crate::kernels::pack::with_buffer;
use crate::kernels::pool::Pool;
use crate::kernels::vector::{Vector, vector_fn};
use crate::simd::Simd;

/// Most parts with sums of their own.
const PARTS: usize = 16;

/// The gradient of a convolution's kernel.
#[derive(Clone, Debug)]
pub(in crate::kernels) struct WinogradGradient {
    images: usize,
    image: ImageSize,
    result: ImageSize,
    pad: [isize; 2],
    /// Rows of tiles that are transformed together.
    rows: usize,
    parts: usize,
}

impl WinogradGradient {
    /// The pass, if it is one that is faster this way.
    pub fn new(s: &Conv2dShape) -> Option<WinogradGradient> {
        let (image, result) = (s.image(), s.result());
        let (down, across) = result.tiles();
        let all = s.n * down;
        let rows = rows_per_task(all, PLACES * across * (s.c + s.o))?;
        let enough = all * across >= MIN_TILES
            && result.fills_tiles()
            && PLACES * s.c * s.o <= MOST_ELEMENTS;
        (fits(s) && enough).then_some(WinogradGradient {
            images: s.n,
            image,
            result,
            pad: [s.pad_top, s.pad_left],
            rows,
            parts: PARTS.min(all.div_ceil(rows)),
        })
    }

    /// Parts whose gradients [`WinogradGradient::run`] writes one after the other.
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Fills all parts' gradients; lengths have been checked.
    pub fn run(&self, pool: &Pool, x: &[f32], dy: &[f32], out: &mut [f32]) {
        let weights = self.image.c * self.result.c;
        let (down, _) = self.result.tiles();
        let all = self.images * down;
        let range = |part: usize| part * all / self.parts;
        pool.for_chunks_mut(out, KERNEL * KERNEL * weights, |part, out| {
            // SAFETY: lengths have been checked, and the part's gradient is its own.
            unsafe { self.part(pool.simd(), (range(part), range(part + 1)), x, dy, out) };
        });
    }

    /// # Safety
    /// `x` and `dy` hold the images.
    unsafe fn part(
        &self,
        simd: Simd,
        (first, end): (usize, usize),
        x: &[f32],
        dy: &[f32],
        out: &mut [f32],
    ) {
        let (c, o, grid) = (self.image.c, self.result.c, self.result.tiles());
        let (sums, tiles) = (PLACES * c * o, PLACES * self.rows * grid.1);
        // Products of few rows read some elements past the last.
        with_buffer(sums + tiles * (c + o) + WIDEST, |buffer| {
            let (sums, rest) = buffer.split_at_mut(sums);
            let (gradients, images) = rest.split_at_mut(tiles * o);
            let pass = Tiles {
                side: self.image,
                pad: self.pad,
                grid,
            };
            for row in (first..end).step_by(self.rows) {
                let rows = (row, self.rows.min(end - row));
                // SAFETY: the buffers hold all places of so many rows.
                unsafe {
                    images_of(simd, &pass, x.as_ptr(), rows, images.as_mut_ptr());
                    gradients_of(simd, self, dy.as_ptr(), rows, gradients.as_mut_ptr());
                    self.multiply(simd, rows.1 * grid.1, images, gradients, sums, row > first);
                }
            }
            if first == end {
                sums.fill(0.0);
            }
            // SAFETY: `sums` holds all places and `out` a kernel.
            unsafe { kernel_of(simd, sums.as_ptr(), (c, o), out.as_mut_ptr()) };
        });
    }

    /// Adds the products of each place's tiles to its sums.
    ///
    /// # Safety
    /// The slices hold all places, and the images' one vector more.
    unsafe fn multiply(
        &self,
        simd: Simd,
        tiles: usize,
        images: &[f32],
        gradients: &[f32],
        sums: &mut [f32],
        accumulate: bool,
    ) {
        let (depth, cols, lanes) = (self.image.c, self.result.c, micro::lanes(simd));
        let width = micro::best_width(simd, cols / lanes, depth);
        let height = micro::max_rows(simd, width);
        for place in 0..PLACES {
            let a = images[place * tiles * depth..].as_ptr();
            let b = gradients[place * tiles * cols..].as_ptr();
            let c = sums[place * depth * cols..].as_mut_ptr();
            for col in (0..cols).step_by(width * lanes) {
                let vectors = width.min((cols - col) / lanes);
                for row in (0..depth).step_by(height) {
                    let rows = height.min(depth - row);
                    let args = TileArgs {
                        a: [a.wrapping_add(row); MAX_ROWS],
                        a_step: depth,
                        runs: &[0],
                        run: tiles,
                        b: b.wrapping_add(col),
                        b_step: cols,
                        b_vector: lanes,
                        out: std::array::from_fn(|i| {
                            c.wrapping_add((row + i.min(rows - 1)) * cols + col)
                        }),
                        rows,
                        cols: vectors * lanes,
                        alpha: 1.0,
                        accumulate,
                    };
                    // SAFETY: the caller's.
                    unsafe { micro::select(simd, true, vectors, rows)(&args) };
                }
            }
        }
    }
}

vector_fn! {
    /// Transforms the gradient's tiles of some rows of tiles: `[place, tile, channel]`.
    ///
    /// # Safety
    /// `dy` holds the images and `out` all places.
    unsafe fn gradients_of = gradients_body(pass: &WinogradGradient, dy: *const f32, rows: (usize, usize), out: *mut f32)
}

#[inline(always)]
unsafe fn gradients_body<V: Vector>(
    pass: &WinogradGradient,
    dy: *const f32,
    rows: (usize, usize),
    out: *mut f32,
) {
    let ImageSize { w, c, .. } = pass.result;
    let place = rows.1 * pass.result.tiles().1 * c;
    for tile in pass.result.tiles_of(rows) {
        for channel in (0..c).step_by(V::LANES) {
            let at = dy.wrapping_add(tile.pixel * c + channel);
            let out = out.wrapping_add(tile.number * c + channel);
            // SAFETY: elements outside of the image are not read; the rest is the caller's.
            unsafe {
                let read = |i: usize, j: usize| match tile.has(i, j) {
                    true => V::load(at.wrapping_add((i * w + j) * c)),
                    false => V::splat(0.0),
                };
                let write = |i: usize, j: usize, v: V| v.store(out.add((i * SIDE + j) * place));
                square::<V, GradientTransform, STEP, SIDE>(read, write);
            }
        }
    }
}

vector_fn! {
    /// Transforms sums of products back into a kernel.
    ///
    /// # Safety
    /// `sums` holds 36 matrices of that size and `out` nine.
    unsafe fn kernel_of = kernel_body(sums: *const f32, size: (usize, usize), out: *mut f32)
}

#[inline(always)]
unsafe fn kernel_body<V: Vector>(sums: *const f32, (rows, cols): (usize, usize), out: *mut f32) {
    let place = rows * cols;
    for at in (0..place).step_by(V::LANES) {
        let (sums, out) = (sums.wrapping_add(at), out.wrapping_add(at));
        // SAFETY: the caller's; the columns are whole vectors.
        unsafe {
            square::<V, KernelGradientTransform, SIDE, KERNEL>(
                |i, j| V::load(sums.add((i * SIDE + j) * place)),
                |i, j, v| v.store(out.add((i * KERNEL + j) * place)),
            );
        }
    }
}
