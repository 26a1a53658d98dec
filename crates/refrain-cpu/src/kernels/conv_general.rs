//! Convolutions over any number of dimensions, of any type, with any stride, dilation, padding and number of groups.
//!
//! Images are `[batch, positions…, groups · channels]`, kernels `[taps…, channels, groups · filters]`. Patches of some positions at a
//! time are copied out and multiplied with the kernel, which is a matrix as it lies. Groups of few filters (depthwise convolutions)
//! are added up where they lie. The plans for one and two dimensions of `f32` are several times faster; this is for all others.

use super::LengthError;
use super::number::Number;
use super::pool::Pool;
use super::product::{Factor, ProductSizes, StridedRows, add_scaled};
use crate::simd::simd_fn;
use refrain_graph::Window;

/// Elements of the patches copied out at a time.
const PATCH_ELEMENTS: usize = 256 << 10;
/// Positions at a time at least: the kernel is read anew for each time.
const LEAST_POSITIONS: usize = 32;
/// Elements copied, or multiply-adds, that are worth a task.
const TASK_WORK: usize = 16 << 10;
/// Filters of a group from which patches are copied out.
const PATCH_FILTERS: usize = 4;

/// Sizes of a convolution, but for those of its window.
#[derive(Clone, Debug)]
pub struct ConvSizes {
    /// Images.
    pub batch: usize,
    /// Positions of an image.
    pub image: Vec<usize>,
    /// Groups of channels.
    pub groups: usize,
    /// Channels of a group.
    pub channels: usize,
    /// Filters of a group.
    pub filters: usize,
}

/// A convolution planned for its shapes.
#[derive(Clone, Debug)]
pub struct GeneralConvPlan {
    sizes: ConvSizes,
    axes: Vec<WindowAxis>,
}

/// One dimension that the window moves over.
#[derive(Clone, Debug)]
struct WindowAxis {
    positions: usize,
    taps: usize,
    size: usize,
    /// Elements from one to the next in memory.
    stride: usize,
    step: usize,
    before: i64,
    base_dilation: usize,
    dilation: usize,
}

impl WindowAxis {
    /// Over `size` elements that are `stride` apart in memory.
    fn new(size: usize, stride: usize, window: &Window, d: usize) -> Option<WindowAxis> {
        let taps = *window.size.get(d)?;
        let (before, after) = *window.padding.get(d)?;
        let at = |numbers: &[usize]| numbers.get(d).copied().filter(|&n| n > 0);
        let (step, base_dilation) = (at(&window.strides)?, at(&window.base_dilation)?);
        let dilation = at(&window.dilation)?;
        let spread = |n: usize, by: usize| match n.checked_sub(1) {
            None => Some(0),
            Some(gaps) => i64::try_from(gaps.checked_mul(by)?).ok()?.checked_add(1),
        };
        let span = spread(size, base_dilation)?.checked_add(before)?;
        let left = span
            .checked_add(after)?
            .checked_sub(spread(taps, dilation)?)?;
        Some(WindowAxis {
            positions: usize::try_from(left).map_or(0, |left| left / step + 1),
            taps,
            size,
            stride,
            step,
            before,
            base_dilation,
            dilation,
        })
    }

    /// Where in memory a position reads through a tap, if not in the padding.
    #[inline(always)]
    fn read(&self, position: usize, tap: usize) -> Option<usize> {
        let at = (position * self.step + tap * self.dilation) as i64 - self.before;
        let mut at = usize::try_from(at).ok()?;
        if self.base_dilation > 1 {
            if !at.is_multiple_of(self.base_dilation) {
                return None;
            }
            at /= self.base_dilation;
        }
        (at < self.size).then_some(at * self.stride)
    }
}

fn product(mut sizes: impl Iterator<Item = usize>) -> Option<usize> {
    sizes.try_fold(1usize, |n, size| n.checked_mul(size))
}

impl GeneralConvPlan {
    /// The plan of a convolution.
    ///
    /// # Errors
    /// If the window has not one entry for each dimension of the image, or a stride or dilation of 0, or sizes overflow.
    pub fn new(sizes: ConvSizes, window: &Window) -> Result<Self, LengthError> {
        Self::plan(sizes, window).ok_or(LengthError)
    }

    fn plan(sizes: ConvSizes, window: &Window) -> Option<Self> {
        let mut stride = sizes.groups.checked_mul(sizes.channels)?;
        let mut axes = Vec::new();
        for (d, &size) in sizes.image.iter().enumerate().rev() {
            axes.push(WindowAxis::new(size, stride, window, d)?);
            stride = stride.checked_mul(size)?;
        }
        axes.reverse();
        stride.checked_mul(sizes.batch)?;
        let plan = GeneralConvPlan { sizes, axes };
        let positions = product(plan.axes.iter().map(|a| a.positions))?;
        let taps = product(plan.axes.iter().map(|a| a.taps))?;
        let filters = plan.sizes.groups.checked_mul(plan.sizes.filters)?;
        product([plan.sizes.batch, positions, filters].into_iter())?;
        product([taps, plan.sizes.channels, filters].into_iter())?;
        (window.size.len() == plan.axes.len()).then_some(plan)
    }

    fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.taps).product()
    }

    /// Positions of all images.
    fn positions(&self) -> usize {
        self.sizes.batch * self.image_positions()
    }

    fn image_positions(&self) -> usize {
        self.axes.iter().map(|a| a.positions).product()
    }

    fn image_len(&self) -> usize {
        let c = self.sizes.groups * self.sizes.channels;
        self.sizes.image.iter().product::<usize>() * c
    }

    /// Filters of all groups.
    fn filters(&self) -> usize {
        self.sizes.groups * self.sizes.filters
    }

    /// Elements of a patch of one group.
    fn depth(&self) -> usize {
        self.taps() * self.sizes.channels
    }

    /// Multiply-adds of a run, those with padding included.
    pub fn multiply_adds(&self) -> usize {
        self.positions()
            .saturating_mul(self.depth() * self.filters())
    }

    fn copies_patches(&self) -> bool {
        self.sizes.groups == 1 || self.sizes.filters >= PATCH_FILTERS
    }

    /// The product of so many positions' patches with the kernel of a group.
    fn product_of(&self, rows: usize) -> ProductSizes {
        ProductSizes {
            rows,
            cols: self.sizes.filters,
            depth: self.depth(),
        }
    }

    /// Positions whose patches are copied out at a time.
    fn chunk(&self) -> usize {
        let fit = PATCH_ELEMENTS / self.depth().max(1);
        fit.max(LEAST_POSITIONS).min(self.positions())
    }

    /// Elements of scratch memory that [`GeneralConvPlan::run`] needs.
    pub fn scratch_len<T: Factor>(&self) -> usize {
        if !self.copies_patches() {
            return 0;
        }
        let (chunk, last) = (self.chunk(), self.positions() % self.chunk().max(1));
        let product = |rows| T::scratch_len(self.product_of(rows));
        chunk * self.depth() + product(chunk).max(product(last))
    }

    /// Convolves `x` with `kernel` into `y`.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run<T: Factor>(
        &self,
        pool: &Pool,
        x: &[T],
        kernel: &[T],
        y: &mut [T],
        scratch: &mut [T],
    ) -> Result<(), LengthError> {
        let y_len = self.positions() * self.filters();
        let y = y.get_mut(..y_len).ok_or(LengthError)?;
        let x_len = self.sizes.batch * self.image_len();
        let short = x.len() < x_len || kernel.len() < self.depth() * self.filters();
        if short || scratch.len() < self.scratch_len::<T>() {
            return Err(LengthError);
        }
        match self.copies_patches() {
            _ if y.is_empty() || self.depth() == 0 => {
                y.fill(T::ZERO);
                Ok(())
            }
            true => self.run_patches(pool, x, kernel, y, scratch),
            false => {
                self.run_direct(pool, x, kernel, y);
                Ok(())
            }
        }
    }

    fn run_patches<T: Factor>(
        &self,
        pool: &Pool,
        x: &[T],
        kernel: &[T],
        y: &mut [T],
        scratch: &mut [T],
    ) -> Result<(), LengthError> {
        let (depth, stride, chunk) = (self.depth(), self.filters(), self.chunk());
        let (patches, scratch) = scratch.split_at_mut(chunk * depth);
        let rows = (TASK_WORK / depth).max(1);
        for (i, y) in y.chunks_mut(chunk * stride).enumerate() {
            let count = y.len() / stride;
            let patches = &mut patches[..count * depth];
            for group in 0..self.sizes.groups {
                pool.for_chunks_mut(patches, rows * depth, |task, piece| {
                    for (j, patch) in piece.chunks_exact_mut(depth).enumerate() {
                        self.copy_patch(x, group, i * chunk + task * rows + j, patch);
                    }
                });
                let first = group * self.sizes.filters;
                let kernel = kernel.get(first..).unwrap_or(&[]);
                let kernel = StridedRows {
                    data: kernel,
                    stride,
                };
                let y = StridedRows {
                    data: &mut y[first..],
                    stride,
                };
                T::multiply(pool, self.product_of(count), patches, kernel, y, scratch)?;
            }
        }
        Ok(())
    }

    fn copy_patch<T: Number>(&self, x: &[T], group: usize, position: usize, patch: &mut [T]) {
        let c = self.sizes.channels;
        self.each_tap(position, |tap, at| {
            let to = &mut patch[tap * c..][..c];
            match at {
                Some(at) => to.copy_from_slice(&x[at + group * c..][..c]),
                None => to.fill(T::ZERO),
            }
        });
    }

    fn run_direct<T: Number>(&self, pool: &Pool, x: &[T], kernel: &[T], y: &mut [T]) {
        let (filters, group) = (self.filters(), (self.sizes.channels, self.sizes.filters));
        let (c, slab) = (self.sizes.groups * group.0, group.0 * filters);
        let rows = (TASK_WORK / (self.taps() * slab)).max(1);
        pool.for_chunks_mut(y, rows * filters, |task, piece| {
            for (i, y) in piece.chunks_exact_mut(filters).enumerate() {
                y.fill(T::ZERO);
                self.each_tap(task * rows + i, |tap, at| {
                    if let Some(at) = at {
                        let kernel = &kernel[tap * slab..][..slab];
                        add_tap(pool.simd(), &x[at..][..c], kernel, y, group);
                    }
                });
            }
        });
    }

    /// Calls `f` with each tap of a position, and where in the images it reads, if not in the padding.
    #[inline(always)]
    fn each_tap(&self, position: usize, mut f: impl FnMut(usize, Option<usize>)) {
        let inside = self.image_positions();
        let image = position / inside * self.image_len();
        let Some((last, outer)) = self.axes.split_last() else {
            return f(0, Some(image));
        };
        let (place, row) = (
            position % inside % last.positions,
            position % inside / last.positions,
        );
        let outer_taps: usize = outer.iter().map(|a| a.taps).product();
        for outer_tap in 0..outer_taps {
            let (mut at, mut p, mut t) = (Some(image), row, outer_tap);
            for axis in outer.iter().rev() {
                at = at.and_then(|at| Some(at + axis.read(p % axis.positions, t % axis.taps)?));
                (p, t) = (p / axis.positions, t / axis.taps);
            }
            for t in 0..last.taps {
                let at = at.and_then(|at| Some(at + last.read(place, t)?));
                f(outer_tap * last.taps + t, at);
            }
        }
    }
}

simd_fn! {
    /// Adds the products of one tap; `group` are the channels and filters of a group.
    fn add_tap<S, T: Number>(x: &[T], kernel: &[T], y: &mut [T], group: (usize, usize)) {
        let (channels, filters) = group;
        if group == (1, 1) {
            for ((y, &x), &w) in y.iter_mut().zip(x).zip(kernel) {
                *y = y.plus(x.times(w));
            }
            return;
        }
        let all = y.len();
        for ((g, x), y) in x.chunks_exact(channels).enumerate().zip(y.chunks_exact_mut(filters)) {
            for (c, &x) in x.iter().enumerate() {
                add_scaled(y, x, &kernel[c * all + g * filters..][..filters]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{pools, random};

    fn sizes(batch: usize, image: &[usize], groups: usize, of_group: [usize; 2]) -> ConvSizes {
        let [channels, filters] = of_group;
        ConvSizes {
            batch,
            image: image.to_vec(),
            groups,
            channels,
            filters,
        }
    }

    fn window(size: &[usize]) -> Window {
        Window {
            size: size.to_vec(),
            strides: vec![1; size.len()],
            padding: vec![(0, 0); size.len()],
            base_dilation: vec![1; size.len()],
            dilation: vec![1; size.len()],
        }
    }

    /// The definition along one dimension: pad and dilate the base, slide the kernel.
    fn naive(s: &ConvSizes, w: &Window, x: &[f64], kernel: &[f64]) -> Vec<f64> {
        let [size, taps] = [s.image[0] as i64, w.size[0] as i64];
        let spread = |n: i64, by: usize| (n - 1) * by as i64 + 1;
        let (before, after) = w.padding[0];
        let span = spread(size, w.base_dilation[0]) + before + after;
        let count = (span - spread(taps, w.dilation[0])) / w.strides[0] as i64 + 1;
        let (c, all) = (s.channels, s.groups * s.filters);
        let mut y = vec![0.0; s.batch * count as usize * all];
        for (i, y) in y.iter_mut().enumerate() {
            let (place, o) = (i / all, i % all);
            let (image, p) = (place / count as usize, place % count as usize);
            for t in 0..w.size[0] {
                let at = (p * w.strides[0] + t * w.dilation[0]) as i64 - before;
                let base = w.base_dilation[0] as i64;
                if at < 0 || at % base != 0 || at / base >= size {
                    continue;
                }
                let from = (image * s.image[0] + (at / base) as usize) * s.groups * c;
                for k in 0..c {
                    let x = x[from + o / s.filters * c + k];
                    *y += x * kernel[(t * c + k) * all + o];
                }
            }
        }
        y
    }

    fn check(s: ConvSizes, w: &Window) {
        let plan = GeneralConvPlan::new(s.clone(), w).unwrap();
        let numbers =
            |n, seed| -> Vec<f64> { random(n, seed).into_iter().map(f64::from).collect() };
        let x = numbers(s.batch * plan.image_len(), 1);
        let kernel = numbers(plan.depth() * plan.filters(), 2);
        let want = naive(&s, w, &x, &kernel);
        for pool in pools().iter().flatten() {
            let mut y = vec![f64::NAN; want.len()];
            let mut scratch = vec![f64::NAN; plan.scratch_len::<f64>()];
            plan.run(pool, &x, &kernel, &mut y, &mut scratch).unwrap();
            assert_eq!(y.len(), plan.positions() * plan.filters());
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(y.iter().zip(&want).all(near), "{s:?} {w:?}");
        }
    }

    #[test]
    fn strides_dilations_padding_and_groups() {
        for groups in [1, 2, 5] {
            for of_group in [[1, 1], [3, 2], [2, 9]] {
                let mut w = window(&[3]);
                check(sizes(2, &[11], groups, of_group), &w);
                w.padding = vec![(2, -1)];
                w.strides = vec![2];
                w.base_dilation = vec![3];
                w.dilation = vec![2];
                check(sizes(3, &[7], groups, of_group), &w);
            }
        }
    }

    #[test]
    fn many_positions_come_in_pieces() {
        let s = sizes(2, &[4000], 1, [16, 5]);
        let plan = GeneralConvPlan::new(s.clone(), &window(&[9])).unwrap();
        assert!(plan.chunk() < plan.positions());
        check(s, &window(&[9]));
    }

    #[test]
    fn contradictions_and_short_slices_are_refused() {
        let s = sizes(1, &[5], 1, [1, 1]);
        assert!(GeneralConvPlan::new(s.clone(), &window(&[2, 2])).is_err());
        let mut w = window(&[2]);
        let plan = GeneralConvPlan::new(s.clone(), &w).unwrap();
        let (pool, mut scratch) = (Pool::new(1), vec![0; plan.scratch_len::<i32>()]);
        let short = plan.run(&pool, &[1; 4], &[1; 2], &mut [0; 4], &mut scratch);
        assert_eq!(short, Err(LengthError));
        w.strides = vec![0];
        assert!(GeneralConvPlan::new(s, &w).is_err());
    }
}
