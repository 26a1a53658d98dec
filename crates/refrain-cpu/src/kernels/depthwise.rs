//! Convolutions of each channel by kernels of its own.
//!
//! Channels are the lanes; a strip of positions shares each kernel element's load. With a multiplier above 1 the
//! image is first copied with every channel repeated, after which there is one kernel per channel again.

use super::LengthError;
use super::conv_shape::{Conv2dShape, ConvPass, ImageSize};
use super::pack::with_buffer;
use super::patches::{AxisShape, ImageSource, Span, Walk};
use super::pool::{Pool, SharedPtr};
use super::vector::{Plain, Vector};
use crate::simd::{Simd, SimdLevel};

/// Elements of a padded copy: 128 KiB, so that it and the result stay in the second-level cache.
const COPY_ELEMENTS: usize = 32 << 10;
/// Multiply-adds that are worth a task of their own: some 10 µs at the rate of a loop bound by loads.
const TASK_WORK: usize = 1 << 17;
/// Tasks that the work is cut into if there is enough.
const MANY_TASKS: usize = 32;
/// Positions computed at a time.
const STRIP: usize = 4;
/// Kernel elements whose gradients are summed at a time.
const TAPS: usize = 9;
/// Parts of the kernel's gradient with sums of their own.
const PARTS: usize = 16;
/// Pixels per task when channels are repeated or added up.
const PIXELS: usize = 1 << 10;

/// A depthwise convolution or one of its gradients, planned for one shape: `groups = c`, kernel `[kh, kw, 1, o]`.
#[derive(Clone, Debug)]
pub struct DepthwisePlan {
    shape: Conv2dShape,
    pass: ConvPass,
    sweeps: Vec<DepthwiseSweep>,
}

#[derive(Clone, Debug)]
struct DepthwiseSweep {
    walk: Walk,
    spans: Vec<Span>,
    copy_len: usize,
    /// What each tap reads from the position's first element on, and the kernel element's index.
    taps: Vec<(usize, usize)>,
}

impl DepthwisePlan {
    /// The plan of a pass.
    ///
    /// # Errors
    /// If the shape contradicts itself or is not depthwise.
    pub fn new(s: &Conv2dShape, pass: ConvPass) -> Result<Self, LengthError> {
        if !s.is_valid() || s.groups != s.c {
            return Err(LengthError);
        }
        let [rows, cols] = AxisShape::of(s);
        let (h, w, c) = if pass == ConvPass::InputGradient {
            (s.oh, s.ow, s.o)
        } else {
            (s.h, s.w, s.o)
        };
        let source = ImageSource {
            h,
            w,
            c,
            channels: c,
        };
        let sweeps = if pass == ConvPass::InputGradient {
            let cols = cols.backward();
            let pairs = rows
                .backward()
                .into_iter()
                .flat_map(|r| cols.iter().map(move |c| (r.clone(), c.clone())));
            pairs
                .map(|(r, c)| DepthwiseSweep::new(Walk::new(source, r, c), s))
                .collect()
        } else {
            vec![DepthwiseSweep::new(
                Walk::new(source, rows.forward(), cols.forward()),
                s,
            )]
        };
        Ok(DepthwisePlan {
            shape: *s,
            pass,
            sweeps,
        })
    }

    fn multiplier(&self) -> usize {
        self.shape.o / self.shape.c.max(1)
    }

    /// Elements of the image with every channel repeated, if they are not the image's.
    fn repeated_len(&self) -> usize {
        let s = &self.shape;
        if self.multiplier() == 1 {
            0
        } else {
            s.n * s.h * s.w * s.o
        }
    }

    fn parts(&self) -> usize {
        self.sweeps
            .first()
            .map_or(1, |s| s.spans.len().clamp(1, PARTS))
    }

    /// Elements of scratch memory that [`DepthwisePlan::run`] needs.
    pub fn scratch_len(&self) -> usize {
        let sums = match self.pass {
            ConvPass::KernelGradient => self.parts() * self.shape.w_len().unwrap_or(0),
            ConvPass::Forward | ConvPass::InputGradient => 0,
        };
        self.repeated_len() + sums
    }

    /// Runs the plan on two operands: image and kernel, the result's gradient and the kernel, or the image and the
    /// result's gradient.
    ///
    /// # Errors
    /// If a slice is too short.
    pub fn run(
        &self,
        pool: &Pool,
        a: &[f32],
        b: &[f32],
        out: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), LengthError> {
        let s = &self.shape;
        let lens = (s.x_len(), s.w_len(), s.y_len());
        let (a_len, b_len, out_len) = match self.pass {
            ConvPass::Forward => (lens.0, lens.1, lens.2),
            ConvPass::InputGradient => (lens.2, lens.1, lens.0),
            ConvPass::KernelGradient => (lens.0, lens.2, lens.1),
        };
        let short = Some(a.len()) < a_len || Some(b.len()) < b_len || Some(out.len()) < out_len;
        if short || scratch.len() < self.scratch_len() {
            return Err(LengthError);
        }
        let (repeated, sums) = scratch.split_at_mut(self.repeated_len());
        let m = self.multiplier();
        if out_len == Some(0) {
            return Ok(());
        }
        let out = &mut out[..out_len.unwrap_or(0)];
        if m == 0 {
            out.fill(0.0);
        } else if m == 1 {
            self.run_single(pool, a, b, out, sums);
        } else if self.pass == ConvPass::InputGradient {
            self.run_single(pool, a, b, repeated, sums);
            pool.for_chunks_mut(out, PIXELS * s.c, |i, piece| {
                let from = &repeated[i * PIXELS * s.o..];
                for (x, all) in piece.iter_mut().zip(from.chunks_exact(m)) {
                    *x = all.iter().sum();
                }
            });
        } else {
            pool.for_chunks_mut(repeated, PIXELS * s.o, |i, piece| {
                let from = &a[i * PIXELS * s.c..];
                for (all, &x) in piece.chunks_exact_mut(m).zip(from) {
                    all.fill(x);
                }
            });
            self.run_single(pool, repeated, b, out, sums);
        }
        Ok(())
    }

    /// As [`DepthwisePlan::run`] with as many input as output channels.
    fn run_single(&self, pool: &Pool, a: &[f32], b: &[f32], out: &mut [f32], sums: &mut [f32]) {
        if self.pass == ConvPass::KernelGradient {
            return self.run_kernel(pool, a, b, out, sums);
        }
        let s = &self.shape;
        let (h, w) = if self.pass == ConvPass::InputGradient {
            (s.h, s.w)
        } else {
            (s.oh, s.ow)
        };
        let size = ImageSize { h, w, c: s.o };
        let target = SharedPtr(out.as_mut_ptr());
        for sweep in &self.sweeps {
            pool.run(sweep.spans.len(), &|task| {
                let span = &sweep.spans[task];
                with_buffer(sweep.copy_len, |buffer| {
                    let read = sweep.walk.read(a, 0, span, buffer);
                    // SAFETY: lengths are checked by `run`; spans of one walk, and walks, write pixels of their own.
                    unsafe { sweep.convolve(pool.simd(), span, read, b, size, target.get()) };
                });
            });
        }
    }

    fn run_kernel(&self, pool: &Pool, x: &[f32], dy: &[f32], dw: &mut [f32], sums: &mut [f32]) {
        let s = &self.shape;
        let (sweep, parts, len) = (&self.sweeps[0], self.parts(), dw.len());
        let sums = &mut sums[..parts * len];
        pool.for_chunks_mut(sums, len, |part, sums| {
            sums.fill(0.0);
            let range = |p: usize| p * sweep.spans.len() / parts;
            for span in &sweep.spans[range(part)..range(part + 1)] {
                with_buffer(sweep.copy_len, |buffer| {
                    let read = sweep.walk.read(x, 0, span, buffer);
                    let at = (span.image * s.oh + span.row) * s.ow * s.o;
                    sweep.correlate(pool.simd(), span, read, &dy[at..], sums);
                });
            }
        });
        dw.copy_from_slice(&sums[..len]);
        for part in sums.chunks_exact(len).skip(1) {
            dw.iter_mut().zip(part).for_each(|(w, p)| *w += p);
        }
    }
}

impl DepthwiseSweep {
    fn new(walk: Walk, s: &Conv2dShape) -> DepthwiseSweep {
        let c = walk.source.channels;
        let taps: Vec<(usize, usize)> = walk
            .rows
            .taps
            .iter()
            .flat_map(|r| {
                let row_len = walk.row_len;
                walk.cols.taps.iter().map(move |t| {
                    (
                        r.offset * row_len + t.offset * c,
                        r.kernel * s.kw + t.kernel,
                    )
                })
            })
            .collect();
        let positions = s.n * walk.rows.count * walk.cols.count;
        let least = TASK_WORK.div_ceil((taps.len() * c).max(1));
        let spans = walk.spans(
            s.n,
            COPY_ELEMENTS,
            positions.div_ceil(MANY_TASKS).max(least),
        );
        let copy_len = spans.iter().map(|p| walk.copy_len(p)).max().unwrap_or(0);
        DepthwiseSweep {
            walk,
            spans,
            copy_len,
            taps,
        }
    }

    /// # Safety
    /// `y` is an image batch of this height, width and number of channels; the span's pixels are no one else's.
    unsafe fn convolve(
        &self,
        simd: Simd,
        span: &Span,
        read: &[f32],
        kernel: &[f32],
        ImageSize { h, w, c }: ImageSize,
        y: *mut f32,
    ) {
        let walk = &self.walk;
        let row_step = walk.rows.step * walk.row_len;
        for line in 0..span.images * span.rows {
            let (image, i) = (line / span.rows, line % span.rows);
            let place_row = walk.rows.first + (span.row + i) * walk.rows.place_step;
            let place = ((span.image + image) * h + place_row) * w + walk.cols.first;
            let args = Line {
                read: read
                    .as_ptr()
                    .wrapping_add(image * walk.image_len(span) + i * row_step),
                read_step: walk.cols.step * c,
                taps: &self.taps,
                kernel: kernel.as_ptr(),
                out: y.wrapping_add(place * c),
                out_step: walk.cols.place_step * c,
                count: walk.cols.count,
                channels: c,
            };
            // SAFETY: the walk keeps the line's windows inside `read`; places are inside `y`.
            unsafe { args.run(simd) };
        }
    }

    fn correlate(&self, simd: Simd, span: &Span, read: &[f32], dy: &[f32], sums: &mut [f32]) {
        let (walk, c) = (&self.walk, self.walk.source.channels);
        let row_step = walk.rows.step * walk.row_len;
        for line in 0..span.images * span.rows {
            let (image, i) = (line / span.rows, line % span.rows);
            let args = Line {
                read: read
                    .as_ptr()
                    .wrapping_add(image * walk.image_len(span) + i * row_step),
                read_step: walk.cols.step * c,
                taps: &self.taps,
                kernel: dy[line * walk.cols.count * c..].as_ptr(),
                out: sums.as_mut_ptr(),
                out_step: 0,
                count: walk.cols.count,
                channels: c,
            };
            // SAFETY: the walk keeps the line's windows inside `read`; `dy` has the span's pixels and `sums` all taps.
            unsafe { args.run_gradient(simd) };
        }
    }
}

/// A line of positions. In the gradient `kernel` is the result's gradient and `out` the kernel's sums.
struct Line<'a> {
    read: *const f32,
    read_step: usize,
    taps: &'a [(usize, usize)],
    kernel: *const f32,
    out: *mut f32,
    out_step: usize,
    count: usize,
    channels: usize,
}

/// Gives a method of [`Line`] one instance per SIMD level.
macro_rules! by_level {
    ($name:ident, $body:ident) => {
        /// # Safety
        /// The line's memory is there and its results are no one else's.
        unsafe fn $name(&self, simd: Simd) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx512"))]
            unsafe fn avx512(line: &Line) {
                // SAFETY: the caller's contract.
                unsafe { line.$body::<super::vector::Zmm>() }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx2"))]
            unsafe fn avx2(line: &Line) {
                // SAFETY: the caller's contract.
                unsafe { line.$body::<super::vector::Ymm>() }
            }
            // SAFETY: the caller's contract; a `Simd` names a level that the machine has.
            unsafe {
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    SimdLevel::Avx512 => avx512(self),
                    #[cfg(target_arch = "x86_64")]
                    SimdLevel::Avx2 => avx2(self),
                    #[cfg(target_arch = "aarch64")]
                    SimdLevel::Neon => self.$body::<super::vector::Quad>(),
                    _ => self.$body::<Plain>(),
                }
            }
        }
    };
}

impl Line<'_> {
    by_level!(run, convolve);
    by_level!(run_gradient, correlate);

    /// # Safety
    /// As `run`, on a machine that has the vectors.
    #[inline(always)]
    unsafe fn convolve<V: Vector>(&self) {
        let whole = self.channels / V::LANES * V::LANES;
        // SAFETY: the function's contract; positions and channels stay below their counts.
        unsafe {
            let mut p = 0;
            while p < self.count {
                if p + STRIP <= self.count {
                    self.strip::<V, STRIP>(p, 0, whole);
                    self.strip::<f32, STRIP>(p, whole, self.channels);
                    p += STRIP;
                } else {
                    self.strip::<V, 1>(p, 0, whole);
                    self.strip::<f32, 1>(p, whole, self.channels);
                    p += 1;
                }
            }
        }
    }

    /// # Safety
    /// As `run`; positions `p..p + N` and channels `from..to` (whole vectors) are there.
    #[inline(always)]
    unsafe fn strip<V: Vector, const N: usize>(&self, p: usize, from: usize, to: usize) {
        let mut ch = from;
        while ch < to {
            // SAFETY: the function's contract.
            unsafe {
                let read = self.read.add(p * self.read_step + ch);
                let mut sums = [V::splat(0.0); N];
                for &(offset, tap) in self.taps {
                    let k = V::load(self.kernel.add(tap * self.channels + ch));
                    for (i, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(read.add(offset + i * self.read_step)).mul_add(k, *sum);
                    }
                }
                for (i, sum) in sums.iter().enumerate() {
                    sum.store(self.out.add((p + i) * self.out_step + ch));
                }
            }
            ch += V::LANES;
        }
    }

    /// # Safety
    /// As `run_gradient`, on a machine that has the vectors.
    #[inline(always)]
    unsafe fn correlate<V: Vector>(&self) {
        let whole = self.channels / V::LANES * V::LANES;
        // SAFETY: the function's contract.
        unsafe {
            for taps in self.taps.chunks(TAPS) {
                if let Ok(taps) = <&[(usize, usize); TAPS]>::try_from(taps) {
                    self.sums::<V, TAPS>(taps, 0, whole);
                    self.sums::<f32, TAPS>(taps, whole, self.channels);
                } else {
                    for tap in taps {
                        self.sums::<V, 1>(std::array::from_ref(tap), 0, whole);
                        self.sums::<f32, 1>(std::array::from_ref(tap), whole, self.channels);
                    }
                }
            }
        }
    }

    /// # Safety
    /// As `run_gradient`; channels `from..to` (whole vectors) are there.
    #[inline(always)]
    unsafe fn sums<V: Vector, const N: usize>(
        &self,
        taps: &[(usize, usize); N],
        from: usize,
        to: usize,
    ) {
        let mut ch = from;
        while ch < to {
            // SAFETY: the function's contract.
            unsafe {
                let mut sums = [V::splat(0.0); N];
                for p in 0..self.count {
                    let read = self.read.add(p * self.read_step + ch);
                    let gradient = V::load(self.kernel.add(p * self.channels + ch));
                    for (sum, &(offset, _)) in sums.iter_mut().zip(taps) {
                        *sum = V::load(read.add(offset)).mul_add(gradient, *sum);
                    }
                }
                for (sum, &(_, tap)) in sums.iter().zip(taps) {
                    let out = self.out.add(tap * self.channels + ch);
                    sum.mul_add(V::splat(1.0), V::load(out)).store(out);
                }
            }
            ch += V::LANES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv::ConvPlan;
    use crate::kernels::conv_kernel::KernelGradientPlan;
    use crate::kernels::testing::{assert_close, pools, random};

    /// Against the grouped convolution, which has its own test against plain loops.
    fn check(s: &Conv2dShape) {
        let (xl, wl, yl) = (s.x_len().unwrap(), s.w_len().unwrap(), s.y_len().unwrap());
        let (x, w, dy) = (random(xl, 1), random(wl, 2), random(yl, 3));
        let single = Pool::with_level(1, SimdLevel::Portable);
        let (mut y, mut dx, mut dw) = (vec![0.0; yl], vec![0.0; xl], vec![0.0; wl]);
        let plan = ConvPlan::forward(s).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        plan.run(&single, &x, &w, &mut y, &mut scratch, None)
            .unwrap();
        let plan = ConvPlan::input_gradient(s).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        plan.run(&single, &dy, &w, &mut dx, &mut scratch, None)
            .unwrap();
        let plan = KernelGradientPlan::new(s).unwrap();
        let mut scratch = vec![0.0; plan.scratch_len()];
        plan.run(&single, &x, &dy, &mut dw, &mut scratch).unwrap();
        let passes = [
            (ConvPass::Forward, &x, &w, &y),
            (ConvPass::InputGradient, &dy, &w, &dx),
            (ConvPass::KernelGradient, &x, &dy, &dw),
        ];
        for (pass, a, b, expected) in passes {
            let plan = DepthwisePlan::new(s, pass).unwrap();
            for group in pools() {
                let results = group.each_ref().map(|pool| {
                    let mut out = vec![f32::NAN; expected.len()];
                    let mut scratch = vec![f32::NAN; plan.scratch_len()];
                    plan.run(pool, a, b, &mut out, &mut scratch).unwrap();
                    assert_close(&out, expected, 3e-5);
                    out
                });
                assert!(
                    results.windows(2).all(|r| r[0] == r[1]),
                    "{s:?} depends on threads"
                );
            }
        }
    }

    #[test]
    fn as_grouped_convolutions() {
        for (c, multiplier) in [(1, 1), (3, 2), (16, 1), (35, 1), (8, 3)] {
            for (stride, pad, k, dilation) in [
                (1, 1, 3, 1),
                (2, 1, 3, 1),
                (2, 0, 2, 1),
                (1, 2, 5, 1),
                (1, 2, 3, 2),
                (3, 0, 1, 1),
            ] {
                let size = |n: usize| (n + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
                check(&Conv2dShape {
                    n: 3,
                    h: 9,
                    w: 7,
                    c,
                    kh: k,
                    kw: k,
                    o: c * multiplier,
                    stride_h: stride,
                    stride_w: stride,
                    dilation_h: dilation,
                    dilation_w: dilation,
                    pad_top: pad as isize,
                    pad_left: pad as isize,
                    groups: c,
                    oh: size(9),
                    ow: size(7),
                });
            }
        }
    }
}
