//! Which vector instructions to use, chosen at run time, and how to compile one loop for each choice.
//!
//! On Linux the code of each level has a section of its own. The system maps code in pieces of 64 KB around what runs, so
//! code of a level that the machine does not use would take memory if it lay between what it uses.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A set of vector instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimdLevel {
    /// What every processor of the target has.
    Portable,
    /// x86-64 with 256-bit registers and fused multiply-add.
    Avx2,
    /// x86-64 with 512-bit registers (F, BW, DQ, VL).
    Avx512,
    /// AArch64's 128-bit registers.
    Neon,
}

impl SimdLevel {
    /// Every level.
    pub const ALL: [SimdLevel; 4] = [
        SimdLevel::Portable,
        SimdLevel::Avx2,
        SimdLevel::Avx512,
        SimdLevel::Neon,
    ];

    /// The name that `REFRAIN_SIMD` takes.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Portable => "portable",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
            SimdLevel::Neon => "neon",
        }
    }

    /// Whether this machine has these instructions.
    pub fn is_available(self) -> bool {
        match self {
            SimdLevel::Portable => true,
            SimdLevel::Avx2 => has_avx2(),
            SimdLevel::Avx512 => has_avx512(),
            SimdLevel::Neon => cfg!(target_arch = "aarch64"),
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SimdLevel {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        SimdLevel::ALL
            .into_iter()
            .find(|l| l.name().eq_ignore_ascii_case(s.trim()))
            .ok_or(())
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// A level that this machine is known to have: the proof that kernels compiled for it may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Simd(SimdLevel);

impl Simd {
    /// The best level of this machine, or the one named by `REFRAIN_SIMD` if the machine has it. Found once.
    pub fn native() -> Simd {
        static NATIVE: OnceLock<Simd> = OnceLock::new();
        *NATIVE.get_or_init(|| {
            std::env::var("REFRAIN_SIMD")
                .ok()
                .and_then(|name| name.parse().ok())
                .map_or_else(Simd::best, Simd::at_most)
        })
    }

    /// This level, or the best that the machine has in its place.
    pub fn at_most(level: SimdLevel) -> Simd {
        if level.is_available() {
            Simd(level)
        } else {
            Simd::best()
        }
    }

    /// Every level of this machine.
    pub fn available() -> impl Iterator<Item = Simd> {
        SimdLevel::ALL
            .into_iter()
            .filter(|l| l.is_available())
            .map(Simd)
    }

    /// The level.
    pub fn level(self) -> SimdLevel {
        self.0
    }

    fn best() -> Simd {
        [SimdLevel::Avx512, SimdLevel::Avx2, SimdLevel::Neon]
            .into_iter()
            .find(|l| l.is_available())
            .map_or(Simd(SimdLevel::Portable), Simd)
    }
}

/// What a loop compiled for a level may know of it.
pub trait Lanes: Copy + 'static {
    /// The level.
    const LEVEL: SimdLevel;
    /// `f32` lanes of a register.
    const F32: usize;
    /// `a * b + c`, fused where the level has it in one instruction.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

macro_rules! lanes {
    ($(#[$attr:meta])* $name:ident, $lanes:literal, $fused:literal) => {
        $(#[$attr])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Lanes for $name {
            const LEVEL: SimdLevel = SimdLevel::$name;
            const F32: usize = $lanes;
            #[inline(always)]
            fn mul_add(a: f32, b: f32, c: f32) -> f32 {
                if $fused { a.mul_add(b, c) } else { a * b + c }
            }
        }
    };
}

lanes!(/// [`SimdLevel::Portable`] as a type.
    Portable, 4, false);
#[cfg(target_arch = "x86_64")]
lanes!(/// [`SimdLevel::Avx2`] as a type.
    Avx2, 8, true);
#[cfg(target_arch = "x86_64")]
lanes!(/// [`SimdLevel::Avx512`] as a type.
    Avx512, 16, true);
#[cfg(target_arch = "aarch64")]
lanes!(/// [`SimdLevel::Neon`] as a type.
    Neon, 4, true);

/// Compiles a function's body once per level and calls the one that its first argument, a [`Simd`], names.
///
/// The body sees the level as the type `S` (any name; see [`Lanes`]). Whatever the body calls must be
/// `#[inline(always)]` to be compiled for the level too. To be used where `unsafe` is allowed.
///
/// ```text
/// simd_fn! {
///     /// `y += a * x`.
///     pub fn axpy<S>(y: &mut [f32], x: &[f32], a: f32) {
///         for (y, &x) in y.iter_mut().zip(x) {
///             *y = S::mul_add(a, x, *y);
///         }
///     }
/// }
/// axpy(Simd::native(), &mut y, &x, 2.0);
/// ```
macro_rules! simd_fn {
    ($($(#[$attr:meta])* $vis:vis fn $name:ident<$level:ident $(, $g:ident : $bound:path)*>(
        $($arg:ident : $ty:ty),* $(,)?
    ) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$attr])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$($g: $bound),*>(simd: $crate::simd::Simd, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, clippy::extra_unused_type_parameters)]
            fn body<$level: $crate::simd::Lanes $(, $g: $bound)*>($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx512"))]
            #[allow(clippy::too_many_arguments)]
            fn avx512<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::simd::Avx512 $(, $g)*>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c")]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx2"))]
            #[allow(clippy::too_many_arguments)]
            fn avx2<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::simd::Avx2 $(, $g)*>($($arg),*)
            }
            match simd.level() {
                // SAFETY: a `Simd` names only a level whose instructions this machine has.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::SimdLevel::Avx512 => unsafe { avx512::<$($g),*>($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::SimdLevel::Avx2 => unsafe { avx2::<$($g),*>($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                $crate::simd::SimdLevel::Neon => body::<$crate::simd::Neon $(, $g)*>($($arg),*),
                _ => body::<$crate::simd::Portable $(, $g)*>($($arg),*),
            }
        }
    )*};
}
#[allow(unused_imports)]
pub(crate) use simd_fn;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for level in SimdLevel::ALL {
            assert_eq!(level.name().parse(), Ok(level));
        }
        assert_eq!(" AVX2 ".parse(), Ok(SimdLevel::Avx2));
        assert!("sse".parse::<SimdLevel>().is_err());
    }

    #[test]
    fn a_level_the_machine_lacks_is_replaced() {
        for level in SimdLevel::ALL {
            assert!(Simd::at_most(level).level().is_available());
        }
        assert_eq!(Simd::available().next(), Some(Simd(SimdLevel::Portable)));
    }
}
