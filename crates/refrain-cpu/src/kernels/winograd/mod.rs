//! Winograd's convolution F(4×4, 3×3): four times four results by 36 products of transformed tiles instead of 144.
//!
//! Tiles of some rows of an image are transformed together; for each of the 36 places in a tile their channels are
//! multiplied with the transformed kernel; the products are transformed back. What a task works on stays in the
//! second-level cache. Rounding errors are some ten times those of a plain sum and below 1e-5 of the result's scale; an
//! infinite or huge element reaches all results of the tiles that it is in, not only those that it belongs to.

mod gradient;
mod transform;

pub(super) use gradient::WinogradGradient;

use super::conv::WIDEST;
use super::conv_shape::{Conv2dShape, ImageSize};
use super::gemm::{Epilogue, Tile};
use super::micro::{self, MAX_ROWS, TileArgs};
use super::pack::with_buffer;
use super::pool::{Pool, SharedPtr};
use super::transpose::transpose;
use super::vector::{Vector, vector_fn};
use crate::simd::Simd;
use transform::{ImageTransform, KERNEL, KernelTransform, ResultTransform, SIDE, STEP, square};

/// Places in a transformed tile.
const PLACES: usize = SIDE * SIDE;
/// Elements of a task's transformed tiles and products: 512 KiB, half of the second-level cache.
const TASK_ELEMENTS: usize = 128 << 10;
/// Above so many elements for a single row of tiles nothing is gained any more.
const MOST_ELEMENTS: usize = 512 << 10;
/// Tasks that a convolution is cut into if it has so many rows of tiles.
const MANY_TASKS: usize = 16;
/// Tiles below which transforming the kernel costs more than is saved.
const MIN_TILES: usize = 32;

/// One pass over images: a convolution, or the gradient of its input, which is a convolution of the result's gradient.
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    images: usize,
    source: ImageSize,
    target: ImageSize,
    /// Rows and columns of zeros before the source's first.
    pad: [isize; 2],
    backward: bool,
    /// Rows of tiles per task.
    rows: usize,
}

impl ImageSize {
    /// Tiles of the result along height and width.
    fn tiles(self) -> (usize, usize) {
        (self.h.div_ceil(STEP), self.w.div_ceil(STEP))
    }

    /// The result's tiles in so many rows of tiles from the first on.
    fn tiles_of(self, (first, count): (usize, usize)) -> impl Iterator<Item = ResultTile> {
        let (down, across) = self.tiles();
        (0..count * across).map(move |number| {
            let (row, left) = (first + number / across, number % across * STEP);
            let (image, top) = (row / down, row % down * STEP);
            ResultTile {
                number,
                pixel: (image * self.h + top) * self.w + left,
                rows: self.h - top,
                cols: self.w - left,
            }
        })
    }

    /// Whether tiles are full enough that their 36 products are at most two thirds of the nine that each result takes.
    fn fills_tiles(self) -> bool {
        let (down, across) = self.tiles();
        2 * KERNEL * KERNEL * self.h * self.w >= 3 * PLACES * down * across
    }
}

/// A tile of the result.
#[derive(Clone, Copy)]
struct ResultTile {
    /// Among the tiles that it is transformed with.
    number: usize,
    /// The first of its pixels.
    pixel: usize,
    /// Rows and columns of the image from that pixel on.
    rows: usize,
    cols: usize,
}

impl ResultTile {
    /// Whether one of its pixels is inside of the image.
    #[inline(always)]
    fn has(self, row: usize, col: usize) -> bool {
        row < self.rows && col < self.cols
    }
}

/// Whether the shape is one that tiles can be made of: a dense kernel of 3×3 over neighbours.
fn fits(s: &Conv2dShape) -> bool {
    let unit = [s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.groups];
    unit == [1; 5]
        && (s.kh, s.kw) == (KERNEL, KERNEL)
        && s.c.is_multiple_of(WIDEST)
        && s.o.is_multiple_of(WIDEST)
}

/// Rows of tiles per task for so many in all, if a task's tiles fit the cache.
fn rows_per_task(rows: usize, elements_of_row: usize) -> Option<usize> {
    let fitting = (TASK_ELEMENTS / elements_of_row.max(1)).max(1);
    (elements_of_row <= MOST_ELEMENTS).then_some(fitting.min(rows.div_ceil(MANY_TASKS)).max(1))
}

impl Winograd {
    /// The pass, if it is one that is faster this way.
    pub fn new(s: &Conv2dShape, backward: bool) -> Option<Winograd> {
        let (image, result) = (s.image(), s.result());
        let last = KERNEL as isize - 1;
        let (source, target, pad) = match backward {
            false => (image, result, [s.pad_top, s.pad_left]),
            true => (result, image, [last - s.pad_top, last - s.pad_left]),
        };
        let (down, across) = target.tiles();
        let rows = rows_per_task(s.n * down, PLACES * across * (s.c + s.o))?;
        let enough = s.n * down * across >= MIN_TILES && target.fills_tiles();
        (fits(s) && enough).then_some(Winograd {
            images: s.n,
            source,
            target,
            pad,
            backward,
            rows,
        })
    }

    /// Elements of the transformed kernel, and of the kernel transposed if need be.
    pub fn packed_len(&self) -> usize {
        let turned = if self.backward { KERNEL * KERNEL } else { 0 };
        (PLACES + turned) * self.source.c * self.target.c
    }

    /// Transforms the kernel as [`Winograd::run_packed`] reads it; lengths have been checked.
    pub fn pack(&self, pool: &Pool, kernel: &[f32], packed: &mut [f32]) {
        let weights = self.source.c * self.target.c;
        let (kernels, turned) = packed[..self.packed_len()].split_at_mut(PLACES * weights);
        let kernel = match self.backward {
            true => {
                self.turn(pool, kernel, turned);
                &*turned
            }
            false => kernel,
        };
        self.transform_kernel(pool, &kernel[..KERNEL * KERNEL * weights], kernels);
    }

    /// Runs the pass; lengths have been checked.
    pub fn run_packed(
        &self,
        pool: &Pool,
        x: &[f32],
        packed: &[f32],
        y: &mut [f32],
        epilogue: Option<Epilogue>,
    ) {
        let simd = pool.simd();
        let kernels = &packed[..PLACES * self.source.c * self.target.c];
        let (down, across) = self.target.tiles();
        let all = self.images * down;
        let out = SharedPtr(y.as_mut_ptr());
        pool.run(all.div_ceil(self.rows), &|task| {
            let first = task * self.rows;
            let count = self.rows.min(all - first);
            let tiles = count * across;
            let (v, m) = (tiles * self.source.c, tiles * self.target.c);
            with_buffer(PLACES * (v + m), |buffer| {
                let (images, products) = buffer.split_at_mut(PLACES * v);
                let pass = Tiles {
                    side: self.source,
                    pad: self.pad,
                    grid: (down, across),
                };
                // SAFETY: buffers hold all places; tasks have rows of tiles of their own, whose pixels follow each other.
                unsafe {
                    images_of(simd, &pass, x.as_ptr(), (first, count), images.as_mut_ptr());
                    self.multiply(simd, tiles, images, kernels, products);
                    results_of(simd, self, products.as_ptr(), (first, count), out.get());
                    if let Some(epilogue) = epilogue {
                        (first..first + count)
                            .for_each(|row| self.finish(row, out.get(), epilogue));
                    }
                }
            });
        });
    }

    /// The kernel read backwards with its channels exchanged.
    fn turn(&self, pool: &Pool, kernel: &[f32], turned: &mut [f32]) {
        let (from, to) = (self.source.c, self.target.c);
        let taps = KERNEL * KERNEL;
        let simd = pool.simd();
        pool.for_chunks_mut(turned, from * to, |tap, turned| {
            let kernel = &kernel[(taps - 1 - tap) * from * to..][..from * to];
            // SAFETY: a tap of the kernel has `to` rows of `from` elements, and so has its transpose.
            unsafe {
                transpose(
                    simd,
                    kernel.as_ptr(),
                    from,
                    turned.as_mut_ptr(),
                    to,
                    (to, from),
                );
            }
        });
    }

    /// The kernel's tiles in panels: for each place and each vector of target channels all source channels.
    fn transform_kernel(&self, pool: &Pool, kernel: &[f32], out: &mut [f32]) {
        let (simd, rows, cols) = (pool.simd(), self.source.c, self.target.c);
        let out = SharedPtr(out.as_mut_ptr());
        // SAFETY: a task writes the panels of its own source channels.
        pool.run(rows.div_ceil(WIDEST), &|task| unsafe {
            let first = task * WIDEST;
            let range = (first, WIDEST.min(rows - first));
            kernels_of(simd, kernel.as_ptr(), (rows, cols), range, out.get());
        });
    }

    /// Multiplies the tiles of each place with the kernel's.
    ///
    /// # Safety
    /// The slices hold all places.
    unsafe fn multiply(
        &self,
        simd: Simd,
        tiles: usize,
        images: &[f32],
        kernels: &[f32],
        out: &mut [f32],
    ) {
        let (depth, cols, lanes) = (self.source.c, self.target.c, micro::lanes(simd));
        let width = micro::best_width(simd, cols / lanes, tiles);
        let height = micro::max_rows(simd, width);
        for place in 0..PLACES {
            let a = images[place * tiles * depth..].as_ptr();
            let b = kernels[place * depth * cols..].as_ptr();
            let c = out[place * tiles * cols..].as_mut_ptr();
            for col in (0..cols).step_by(width * lanes) {
                let vectors = width.min((cols - col) / lanes);
                for row in (0..tiles).step_by(height) {
                    let rows = height.min(tiles - row);
                    let line = |i: usize| row + i.min(rows - 1);
                    let args = TileArgs {
                        a: std::array::from_fn::<_, MAX_ROWS, _>(|i| {
                            a.wrapping_add(line(i) * depth)
                        }),
                        a_step: 1,
                        runs: &[0],
                        run: depth,
                        b: b.wrapping_add(col * depth),
                        b_step: lanes,
                        b_vector: depth * lanes,
                        out: std::array::from_fn(|i| c.wrapping_add(line(i) * cols + col)),
                        rows,
                        cols: vectors * lanes,
                        alpha: 1.0,
                        accumulate: false,
                    };
                    // SAFETY: the caller's; rows past the last repeat it.
                    unsafe { micro::select(simd, false, vectors, rows)(&args) };
                }
            }
        }
    }

    /// Gives a row of tiles to the epilogue.
    ///
    /// # Safety
    /// The row's pixels are the task's own.
    unsafe fn finish(&self, row: usize, y: *mut f32, epilogue: Epilogue) {
        let ImageSize { h, w, c } = self.target;
        let (down, _) = self.target.tiles();
        let (image, first) = (row / down, row % down * STEP);
        let pixel = (image * h + first) * w;
        let size = (STEP.min(h - first) * w, c);
        // SAFETY: the caller's.
        let mut tile = unsafe { Tile::new(y.add(pixel * c), c, (0, pixel, 0), size) };
        epilogue(&mut tile);
    }
}

/// Tiles of images that are to be transformed.
struct Tiles {
    side: ImageSize,
    pad: [isize; 2],
    /// Tiles along height and width.
    grid: (usize, usize),
}

vector_fn! {
    /// Transforms the tiles of some rows of tiles: `[place, tile, channel]`.
    ///
    /// # Safety
    /// `x` holds the images and `out` all places.
    unsafe fn images_of = images_body(t: &Tiles, x: *const f32, rows: (usize, usize), out: *mut f32)
}

#[inline(always)]
unsafe fn images_body<V: Vector>(
    t: &Tiles,
    x: *const f32,
    (first, count): (usize, usize),
    out: *mut f32,
) {
    let ImageSize { h, w, c } = t.side;
    let (down, across) = t.grid;
    let place = count * across * c;
    for row in 0..count {
        let (image, top) = (
            (first + row) / down,
            ((first + row) % down * STEP) as isize - t.pad[0],
        );
        for col in 0..across {
            let left = (col * STEP) as isize - t.pad[1];
            let at = x.wrapping_offset(
                ((image * h) as isize + top) * (w * c) as isize + left * c as isize,
            );
            let out = out.wrapping_add((row * across + col) * c);
            let inside = |x: isize, size: usize| x >= 0 && x < size as isize;
            let whole = inside(top, h)
                && inside(left, w)
                && inside(top + SIDE as isize - 1, h)
                && inside(left + SIDE as isize - 1, w);
            for channel in (0..c).step_by(V::LANES) {
                let (at, out) = (at.wrapping_add(channel), out.wrapping_add(channel));
                // SAFETY: elements outside of the image are not read; the rest is the caller's.
                unsafe {
                    let write = |i: usize, j: usize, v: V| v.store(out.add((i * SIDE + j) * place));
                    if whole {
                        square::<V, ImageTransform, SIDE, SIDE>(
                            |i, j| V::load(at.add((i * w + j) * c)),
                            write,
                        );
                    } else {
                        let read = |i: usize, j: usize| match inside(top + i as isize, h)
                            && inside(left + j as isize, w)
                        {
                            true => V::load(at.wrapping_add((i * w + j) * c)),
                            false => V::splat(0.0),
                        };
                        square::<V, ImageTransform, SIDE, SIDE>(read, write);
                    }
                }
            }
        }
    }
}

vector_fn! {
    /// Transforms the kernel for some source channels.
    ///
    /// # Safety
    /// `kernel` holds nine matrices of that size and `out` 36; no one else writes these source channels.
    unsafe fn kernels_of = kernels_body(kernel: *const f32, size: (usize, usize), range: (usize, usize), out: *mut f32)
}

#[inline(always)]
unsafe fn kernels_body<V: Vector>(
    kernel: *const f32,
    (rows, cols): (usize, usize),
    (first, count): (usize, usize),
    out: *mut f32,
) {
    for row in first..first + count {
        for col in (0..cols).step_by(V::LANES) {
            let at = kernel.wrapping_add(row * cols + col);
            let out = out.wrapping_add(col * rows + row * V::LANES);
            // SAFETY: the caller's.
            unsafe {
                square::<V, KernelTransform, KERNEL, SIDE>(
                    |i, j| V::load(at.add((i * KERNEL + j) * rows * cols)),
                    |i, j, v| v.store(out.add((i * SIDE + j) * rows * cols)),
                );
            }
        }
    }
}

vector_fn! {
    /// Transforms the products of some rows of tiles back into pixels.
    ///
    /// # Safety
    /// `m` holds all places and `y` the images; no one else writes these rows of tiles.
    unsafe fn results_of = results_body(pass: &Winograd, m: *const f32, rows: (usize, usize), y: *mut f32)
}

#[inline(always)]
unsafe fn results_body<V: Vector>(
    pass: &Winograd,
    m: *const f32,
    rows: (usize, usize),
    y: *mut f32,
) {
    let ImageSize { w, c, .. } = pass.target;
    let place = rows.1 * pass.target.tiles().1 * c;
    for tile in pass.target.tiles_of(rows) {
        for channel in (0..c).step_by(V::LANES) {
            let m = m.wrapping_add(tile.number * c + channel);
            let y = y.wrapping_add(tile.pixel * c + channel);
            // SAFETY: pixels outside of the image are not written; the rest is the caller's.
            unsafe {
                square::<V, ResultTransform, SIDE, STEP>(
                    |i, j| V::load(m.add((i * SIDE + j) * place)),
                    |i, j, v| {
                        if tile.has(i, j) {
                            v.store(y.add((i * w + j) * c));
                        }
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
