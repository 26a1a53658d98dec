//! Conversions between `f32` and floats of 16 bits: rounded to the nearest, ties to even; NaN stays NaN.
//!
//! Without branches, so that loops over them become vector code. `f16` has instructions of its own from AVX2 (F16C) on; the
//! loops with those are here too.

use refrain_graph::{DType, bf16, f16};

use super::elementwise::BlockLoop;
#[cfg(target_arch = "x86_64")]
use crate::simd::SimdLevel;
use crate::simd::{Simd, simd_fn};

/// Bits of a `bf16` that an `f32` has more.
const BF16_SHIFT: u32 = 16;
/// Bits of an `f16`'s fraction that an `f32` has more.
const F16_SHIFT: u32 = 13;
/// The bit that makes a NaN quiet, which also keeps it a NaN when its other bits are cut off.
const QUIET: u32 = 0x0040_0000;
/// Everything but the sign.
const MAGNITUDE: u32 = 0x7fff_ffff;
const F32_INFINITY: u32 = 0x7f80_0000;
/// `f16`'s infinity, its fraction shifted to where `f32` has it.
const F16_INFINITY: u32 = 0x7c00 << F16_SHIFT;
/// From here on the nearest `f16` is infinite: 65520.
const F16_OVERFLOW: u32 = 0x477f_f000;
/// The smallest normal `f16`, 2^-14, as `f32`.
const F16_NORMAL: u32 = 0x3880_0000;
/// What the exponents of `f32` and `f16` differ by, in place.
const F16_EXPONENT: u32 = (127 - 15) << 23;
/// 2^112, which scales a fraction and exponent of `f16` read as `f32`.
const F16_SCALE: f32 = f32::from_bits((127 + 112) << 23);
/// A number whose last bit is worth 2^-24, the smallest `f16`: adding it rounds there.
const F16_ROUNDER: f32 = 0.5;

/// The bits of the nearest `bf16`.
#[inline(always)]
pub(super) fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let odd = (bits >> BF16_SHIFT) & 1;
    let rounded = bits.wrapping_add(0x7fff + odd);
    let bits = if x.is_nan() { bits | QUIET } else { rounded };
    (bits >> BF16_SHIFT) as u16
}

/// The value of a `bf16`.
#[inline(always)]
pub(super) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << BF16_SHIFT)
}

/// The bits of the nearest `f16`.
#[inline(always)]
pub(super) fn to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let (sign, size) = (bits & !MAGNITUDE, bits & MAGNITUDE);
    let odd = (size >> F16_SHIFT) & 1;
    let half_unit = (1 << (F16_SHIFT - 1)) - 1;
    let normal = size
        .wrapping_sub(F16_EXPONENT)
        .wrapping_add(half_unit + odd)
        >> F16_SHIFT;
    let small = (f32::from_bits(size) + F16_ROUNDER).to_bits();
    let small = small.wrapping_sub(F16_ROUNDER.to_bits());
    let nan = (size | QUIET) >> F16_SHIFT & 0x7fff | F16_INFINITY >> F16_SHIFT;
    let rounded = if size < F16_NORMAL { small } else { normal };
    let finite = size < F16_OVERFLOW;
    let rounded = if finite {
        rounded
    } else {
        F16_INFINITY >> F16_SHIFT
    };
    let rounded = if size > F32_INFINITY { nan } else { rounded };
    (rounded | sign >> 16) as u16
}

/// The value of an `f16`.
#[inline(always)]
pub(super) fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let shifted = u32::from(bits & 0x7fff) << F16_SHIFT;
    let finite = (f32::from_bits(shifted) * F16_SCALE).to_bits();
    let quiet = if shifted > F16_INFINITY { QUIET } else { 0 };
    let special = shifted | F32_INFINITY | quiet;
    let size = if shifted < F16_INFINITY {
        finite
    } else {
        special
    };
    f32::from_bits(size | sign)
}

simd_fn! {
    /// `f16` as `f32`.
    pub fn widened_f16<S>(x: &[f16]) -> Vec<f32> {
        x.iter().map(|x| from_f16(x.to_bits())).collect()
    }
    /// `bf16` as `f32`.
    pub fn widened_bf16<S>(x: &[bf16]) -> Vec<f32> {
        x.iter().map(|x| from_bf16(x.to_bits())).collect()
    }
}

/// The kernel that converts between `f32` and `f16` with the processor's own instructions, if it has some.
pub(super) fn f16_kernel(from: DType, to: DType, simd: Simd) -> Option<BlockLoop> {
    match (from, to, simd.level()) {
        #[cfg(target_arch = "x86_64")]
        (DType::F32, DType::F16, SimdLevel::Avx2 | SimdLevel::Avx512) => Some(x86::narrow),
        #[cfg(target_arch = "x86_64")]
        (DType::F16, DType::F32, SimdLevel::Avx2 | SimdLevel::Avx512) => Some(x86::widen),
        _ => None,
    }
}

/// The kernel that rounds to `f16` with the processor's own instructions, if it has some.
pub(super) fn f16_rounding(simd: Simd) -> Option<BlockLoop> {
    match simd.level() {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 | SimdLevel::Avx512 => Some(x86::round),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _MM_FROUND_TO_NEAREST_INT, _mm_loadu_si128, _mm_storeu_si128, _mm256_cvtph_ps,
        _mm256_cvtps_ph, _mm256_loadu_ps, _mm256_storeu_ps,
    };

    use crate::kernels::elementwise::Ptrs;

    /// Elements of a register of `f32`.
    const LANES: usize = 8;

    /// # Safety
    /// As [`BlockLoop`](super::BlockLoop)'s; the machine has F16C.
    #[target_feature(enable = "avx2,f16c")]
    pub(super) unsafe fn narrow(p: &Ptrs, rows: usize, cols: usize) {
        // SAFETY: pointers to whole registers lie inside the rows that the caller vouches for.
        unsafe {
            let eight = |src: *const f32, dst: *mut u16| {
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(src));
                _mm_storeu_si128(dst.cast::<__m128i>(), halves);
            };
            each_row(p, rows, cols, eight);
        }
    }

    /// # Safety
    /// As [`BlockLoop`](super::BlockLoop)'s; the machine has F16C.
    #[target_feature(enable = "avx2,f16c")]
    pub(super) unsafe fn widen(p: &Ptrs, rows: usize, cols: usize) {
        // SAFETY: as above.
        unsafe {
            let eight = |src: *const u16, dst: *mut f32| {
                let halves = _mm_loadu_si128(src.cast::<__m128i>());
                _mm256_storeu_ps(dst, _mm256_cvtph_ps(halves));
            };
            each_row(p, rows, cols, eight);
        }
    }

    /// # Safety
    /// As [`BlockLoop`](super::BlockLoop)'s; the machine has F16C.
    #[target_feature(enable = "avx2,f16c")]
    pub(super) unsafe fn round(p: &Ptrs, rows: usize, cols: usize) {
        // SAFETY: as above.
        unsafe {
            let eight = |src: *const f32, dst: *mut f32| {
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(src));
                _mm256_storeu_ps(dst, _mm256_cvtph_ps(halves));
            };
            each_row(p, rows, cols, eight);
        }
    }

    /// Calls `eight` for all elements of each row, eight at a time; the last ones by way of a copy.
    #[inline(always)]
    unsafe fn each_row<T: Copy + Default, U: Copy + Default>(
        p: &Ptrs,
        rows: usize,
        cols: usize,
        eight: impl Fn(*const T, *mut U),
    ) {
        let whole = cols / LANES * LANES;
        for r in 0..rows {
            // SAFETY: the kernel's contract; the copies have a whole register's elements.
            unsafe {
                let src = p.src[0].cast::<T>().add(r * p.step[0]);
                let dst = p.dst.cast::<U>().add(r * cols);
                for i in (0..whole).step_by(LANES) {
                    eight(src.add(i), dst.add(i));
                }
                let left = cols - whole;
                if left > 0 {
                    let (mut from, mut to) = ([T::default(); LANES], [U::default(); LANES]);
                    std::ptr::copy_nonoverlapping(src.add(whole), from.as_mut_ptr(), left);
                    eight(from.as_ptr(), to.as_mut_ptr());
                    std::ptr::copy_nonoverlapping(to.as_ptr(), dst.add(whole), left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::elementwise::Ptrs;

    fn convert<T: Copy, U: Copy + Default>(x: &[T], from: DType, to: DType, simd: Simd) -> Vec<U> {
        let mut out = vec![U::default(); x.len()];
        let kernel = super::super::convert::convert(from, to, simd).expect("a kernel");
        let ptrs = Ptrs {
            dst: out.as_mut_ptr().cast(),
            src: [x.as_ptr().cast(), std::ptr::null(), std::ptr::null()],
            step: [x.len(), 0, 0],
        };
        // SAFETY: both arrays have as many elements as are asked for, of the kernel's types.
        unsafe { kernel(&ptrs, 1, x.len()) };
        out
    }

    /// Around everything that 16 bits can say, and numbers of all sizes.
    fn samples() -> Vec<f32> {
        const STRIDE: usize = 4_999;
        let halves = 0..=u16::MAX;
        let exact = halves.flat_map(|h| [f16::from_bits(h).to_f32(), bf16::from_bits(h).to_f32()]);
        let near = exact.flat_map(|x| {
            // Ties lie half a unit above, in either type.
            [0u32, 1 << 15, 1 << 12].into_iter().flat_map(move |half| {
                [-1, 0, 1]
                    .map(|d| f32::from_bits(x.to_bits().wrapping_add(half).wrapping_add_signed(d)))
            })
        });
        // Ties of subnormal f16.
        let small = (0..2100).map(|i| i as f32 * 2f32.powi(-25));
        let all = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits);
        near.chain(small.clone())
            .chain(small.map(|x| -x))
            .chain(all)
            .collect()
    }

    #[test]
    fn every_level_rounds_as_the_crate_half() {
        let x = samples();
        for simd in Simd::available() {
            let check = |to: DType, nearest: fn(f32) -> u16, is_nan: fn(u16) -> bool| {
                let got: Vec<u16> = convert(&x, DType::F32, to, simd);
                for (&x, got) in x.iter().zip(got) {
                    let want = nearest(x);
                    let same = want == got || x.is_nan() && is_nan(got);
                    assert!(same, "{simd:?}: {x:e} became {to} {got:#x}, not {want:#x}");
                }
            };
            let f16_is_nan = |bits| f16::from_bits(bits).is_nan();
            check(DType::F16, |x| f16::from_f32(x).to_bits(), f16_is_nan);
            let bf16_is_nan = |bits| bf16::from_bits(bits).is_nan();
            check(DType::BF16, |x| bf16::from_f32(x).to_bits(), bf16_is_nan);
        }
    }

    #[test]
    fn every_level_widens_exactly() {
        let halves: Vec<u16> = (0..=u16::MAX).collect();
        for simd in Simd::available() {
            let got: Vec<f32> = convert(&halves, DType::F16, DType::F32, simd);
            for (&h, got) in halves.iter().zip(got) {
                let want = f16::from_bits(h).to_f32();
                assert!(got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan());
            }
            let got: Vec<f32> = convert(&halves, DType::BF16, DType::F32, simd);
            for (&h, got) in halves.iter().zip(got) {
                assert_eq!(got.to_bits(), u32::from(h) << 16);
            }
        }
    }

    #[test]
    fn other_numbers_round_once() {
        // Just above the middle of 1 and the next number of the type: rounded to f32 first, a tie.
        let x: Vec<f64> = [8, 11].map(|n| 1.0 + 2f64.powi(-n) + 2f64.powi(-40)).into();
        let big: Vec<i32> = vec![(1 << 30) + (1 << 22) + 1, -(1 << 30) - (1 << 22) - 1];
        for simd in Simd::available() {
            let got: Vec<u16> = convert(&x, DType::F64, DType::BF16, simd);
            assert_eq!(bf16::from_bits(got[0]).to_f64(), 1.0 + 2f64.powi(-7));
            let got: Vec<u16> = convert(&x, DType::F64, DType::F16, simd);
            assert_eq!(f16::from_bits(got[1]).to_f64(), 1.0 + 2f64.powi(-10));
            let got: Vec<u16> = convert(&big, DType::I32, DType::BF16, simd);
            let want = f64::from((1 << 30) + (1 << 23));
            assert_eq!(bf16::from_bits(got[0]).to_f64(), want);
            assert_eq!(bf16::from_bits(got[1]).to_f64(), -want);
        }
    }
}
