//! One register of `f32` lanes per SIMD level, for the kernels that name registers themselves.

/// A register of `f32` lanes.
///
/// # Safety
/// Every function is to be called only from code compiled for the register's level, on a machine that has it.
/// `load` and `store` need `LANES` readable or writable elements.
pub(crate) trait Vector: Copy {
    const LANES: usize;
    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(p: *const f32) -> Self;
    unsafe fn store(self, p: *mut f32);
    /// `self * b + c`.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
}

/// Four lanes that any compiler can map to a 128-bit register.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; 4]);

impl Vector for Plain {
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Plain([x; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller has four readable elements at `p`.
        Plain(unsafe { p.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller has four writable elements at `p`.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] * b.0[i] + c.0[i]))
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Plain(std::array::from_fn(|i| self.0[i] - b.0[i]))
    }
}

/// Implements [`Vector`] with an architecture's intrinsics.
#[allow(unused_macros)]
macro_rules! vector {
    ($name:ident, $register:ty, $lanes:literal, $splat:path, $load:path, $store:path, |$a:ident, $b:ident, $c:ident| $fma:expr, $mul:path, $add:path, $sub:path) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);
        // SAFETY (all blocks): the trait's contract is that the machine has the instructions and that memory fits.
        impl Vector for $name {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn splat(x: f32) -> Self {
                $name(unsafe { $splat(x) })
            }
            #[inline(always)]
            unsafe fn load(p: *const f32) -> Self {
                $name(unsafe { $load(p) })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut f32) {
                unsafe { $store(p, self.0) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                let ($a, $b, $c) = (self.0, b.0, c.0);
                $name(unsafe { $fma })
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                $name(unsafe { $mul(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                $name(unsafe { $add(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                $name(unsafe { $sub(self.0, b.0) })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64 as arch;
    vector!(
        Ymm,
        arch::__m256,
        8,
        arch::_mm256_set1_ps,
        arch::_mm256_loadu_ps,
        arch::_mm256_storeu_ps,
        |a, b, c| arch::_mm256_fmadd_ps(a, b, c),
        arch::_mm256_mul_ps,
        arch::_mm256_add_ps,
        arch::_mm256_sub_ps
    );
    vector!(
        Zmm,
        arch::__m512,
        16,
        arch::_mm512_set1_ps,
        arch::_mm512_loadu_ps,
        arch::_mm512_storeu_ps,
        |a, b, c| arch::_mm512_fmadd_ps(a, b, c),
        arch::_mm512_mul_ps,
        arch::_mm512_add_ps,
        arch::_mm512_sub_ps
    );
}
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Ymm, Zmm};

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::Vector;
    use std::arch::aarch64 as arch;
    vector!(
        Quad,
        arch::float32x4_t,
        4,
        arch::vdupq_n_f32,
        arch::vld1q_f32,
        arch::vst1q_f32,
        |a, b, c| arch::vfmaq_f32(c, a, b),
        arch::vmulq_f32,
        arch::vaddq_f32,
        arch::vsubq_f32
    );
}
#[cfg(target_arch = "aarch64")]
pub(crate) use arm::Quad;

/// One lane, for what is left over after whole vectors.
impl Vector for f32 {
    const LANES: usize = 1;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        x
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller has a readable element at `p`.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller has a writable element at `p`.
        unsafe { *p = self }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        self * b
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        self + b
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        self - b
    }
}

/// Declares `$name(simd, …)`, which runs the generic function `$body` with the vectors of a level, compiled for it.
///
/// The function is as unsafe as its body; whatever that calls must be `#[inline(always)]` to be compiled for the level.
macro_rules! vector_fn {
    ($(#[$attr:meta])* $vis:vis unsafe fn $name:ident = $body:ident($($arg:ident : $ty:ty),* $(,)?)) => {
        $(#[$attr])*
        $vis unsafe fn $name(simd: $crate::simd::Simd, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx512"))]
            unsafe fn avx512($($arg: $ty),*) {
                // SAFETY: the caller's contract; the level is this function's.
                unsafe { $body::<$crate::kernels::vector::Zmm>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx2"))]
            unsafe fn avx2($($arg: $ty),*) {
                // SAFETY: as above.
                unsafe { $body::<$crate::kernels::vector::Ymm>($($arg),*) }
            }
            // SAFETY: as above; a `Simd` names only a level whose instructions this machine has.
            unsafe {
                match simd.level() {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::SimdLevel::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::SimdLevel::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::simd::SimdLevel::Neon => $body::<$crate::kernels::vector::Quad>($($arg),*),
                    _ => $body::<$crate::kernels::vector::Plain>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use vector_fn;
