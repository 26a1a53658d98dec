//! Transcendental functions in `f32` without branches, so that loops over them become vector code.
//!
//! The bounds stated here, in units in the last place (ULP) of the result, are checked against `f64` by the tests below.

use crate::simd::Lanes;

/// 1.5 * 2^23: adding it rounds a small `f32` to the nearest integer and leaves that integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// The high part of ln 2, with enough trailing zeros that products with exponents are exact.
const LN2_HIGH: f32 = 0.693_359_4;
/// ln 2 minus [`LN2_HIGH`].
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Beyond this `exp` overflows; clamped a little above.
const EXP_MAX: f32 = 89.0;
/// Below this `exp` is zero; clamped a little below.
const EXP_MIN: f32 = -104.5;
/// The exponent field's bias.
const BIAS: i32 = 127;
/// Bits of the fraction field.
const FRACTION: i32 = 23;

#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + BIAS) << FRACTION) as u32)
}

/// `coefficients[0] + x * (coefficients[1] + …)`.
#[inline(always)]
fn polynomial<L: Lanes, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = L::mul_add(sum, x, coefficients[i]);
    }
    sum
}

/// e to the `x`; 2 ULP, gradual underflow included.
#[inline(always)]
pub fn exp<L: Lanes>(x: f32) -> f32 {
    let clamped = if x > EXP_MAX { EXP_MAX } else { x };
    let clamped = if clamped < EXP_MIN { EXP_MIN } else { clamped };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let r = L::mul_add(n, -LN2_HIGH, clamped);
    let r = L::mul_add(n, -LN2_LOW, r);
    // Taylor's series: the first term left out is below 6e-9 for |r| <= ln(2) / 2.
    let tail = polynomial::<L, 6>(
        r,
        [
            0.5,
            1.0 / 6.0,
            1.0 / 24.0,
            1.0 / 120.0,
            1.0 / 720.0,
            1.0 / 5040.0,
        ],
    );
    let y = L::mul_add(r * r, tail, r) + 1.0;
    // Two factors, since 2^128 and the subnormal powers are not normal numbers.
    let half = exponent >> 1;
    let y = y * power_of_two(half) * power_of_two(exponent.wrapping_sub(half));
    if x.is_nan() { x } else { y }
}

/// e to the `x`, minus 1; 3 ULP.
#[inline(always)]
pub fn exp_m1<L: Lanes>(x: f32) -> f32 {
    /// Where the series is as good as the difference.
    const SMALL: f32 = 0.5;
    let tail = polynomial::<L, 7>(
        x,
        [
            0.5,
            1.0 / 6.0,
            1.0 / 24.0,
            1.0 / 120.0,
            1.0 / 720.0,
            1.0 / 5040.0,
            1.0 / 40320.0,
        ],
    );
    let series = L::mul_add(x * x, tail, x);
    let difference = exp::<L>(x) - 1.0;
    if x.abs() < SMALL { series } else { difference }
}

/// Natural logarithm; 2 ULP. Negative: NaN, zero: minus infinity.
#[inline(always)]
pub fn log<L: Lanes>(x: f32) -> f32 {
    /// Brings subnormal numbers into the normal range.
    const SCALE: f32 = 8_388_608.0;
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * SCALE } else { x };
    // Subtracting the bits of sqrt(1/2) puts the fraction into [sqrt(1/2), sqrt(2)).
    let bits = (scaled.to_bits() as i32).wrapping_sub(0x3f35_04f3);
    let exponent = bits >> FRACTION;
    let fraction = f32::from_bits(((bits & 0x007f_ffff) + 0x3f35_04f3) as u32);
    let exponent = if subnormal {
        exponent - FRACTION
    } else {
        exponent
    } as f32;
    let f = fraction - 1.0;
    // ln(1 + f) = 2 artanh(s) with s = f / (2 + f), arranged so that the large terms cancel exactly.
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * polynomial::<L, 5>(z, [2.0 / 3.0, 0.4, 2.0 / 7.0, 2.0 / 9.0, 2.0 / 11.0]);
    let half_square = 0.5 * f * f;
    let low = L::mul_add(s, half_square + r, exponent * LN2_LOW);
    let y = L::mul_add(exponent, LN2_HIGH, f - (half_square - low));
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// ln(1 + x); 4 ULP.
#[inline(always)]
pub fn log_1p<L: Lanes>(x: f32) -> f32 {
    let u = 1.0 + x;
    let rounded = u - 1.0;
    // Where 1 + x was rounded, the quotient takes the error out again (Kahan).
    let y = log::<L>(u) * (x / rounded);
    let y = if rounded == 0.0 { x } else { y };
    let y = if u == 0.0 { f32::NEG_INFINITY } else { y };
    if u == f32::INFINITY { u } else { y }
}

/// 1 / (1 + e^-x); 4 ULP.
#[inline(always)]
pub fn logistic<L: Lanes>(x: f32) -> f32 {
    let e = exp::<L>(-x.abs());
    let top = if x < 0.0 { e } else { 1.0 };
    let y = top / (1.0 + e);
    if x.is_nan() { x } else { y }
}

/// Hyperbolic tangent; 4 ULP.
#[inline(always)]
pub fn tanh<L: Lanes>(x: f32) -> f32 {
    /// From here on the result is 1.
    const SATURATED: f32 = 9.1;
    let size = x.abs();
    let size = if size > SATURATED { SATURATED } else { size };
    let e = exp_m1::<L>(2.0 * size);
    let y = (e / (e + 2.0)).copysign(x);
    if x.is_nan() { x } else { y }
}

/// The error function; 4 ULP.
#[inline(always)]
pub fn erf<L: Lanes>(x: f32) -> f32 {
    /// From here on the result is 1.
    const SATURATED: f32 = 4.0;
    let z = x * x;
    // Maclaurin's series for |x| < 1: (-1)^n / (n! (2n + 1)).
    let series = polynomial::<L, 11>(
        z,
        [
            1.0,
            -1.0 / 3.0,
            1.0 / 10.0,
            -1.0 / 42.0,
            1.0 / 216.0,
            -1.0 / 1320.0,
            1.0 / 9360.0,
            -1.0 / 75600.0,
            1.0 / 685_440.0,
            -1.0 / 6_894_720.0,
            1.0 / 76_204_800.0,
        ],
    );
    let small = x * std::f32::consts::FRAC_2_SQRT_PI * series;
    let size = x.abs();
    let size = if size > SATURATED { SATURATED } else { size };
    // e^(x^2) erfc(x) as a Chebyshev fit in 1 / (1 + x), good to 1e-7 on [1, 4].
    let u = 1.0 / (1.0 + size);
    let scaled = polynomial::<L, 8>(u, ERFCX);
    let large = (1.0 - exp::<L>(-size * size) * scaled).copysign(x);
    let y = if x.abs() < 1.0 { small } else { large };
    if x.is_nan() { x } else { y }
}

/// Coefficients of [`erf`]'s fit, fitted by `numpy.polynomial.chebyshev.chebfit` with 200 nodes.
const ERFCX: [f32; 8] = [
    -1.300_531_8e-4,
    0.567_246_5,
    0.534_618,
    0.428_758_2,
    -0.633_706_4,
    -0.612_809_7,
    1.299_274_3,
    -0.601_999_3,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Avx512, Portable};

    /// Distance in units in the last place of the exact result.
    fn ulps(got: f32, exact: f64) -> f64 {
        let rounded = exact as f32;
        if got == rounded || (got.is_nan() && exact.is_nan()) {
            return 0.0;
        }
        if !got.is_finite() || !rounded.is_finite() {
            return f64::INFINITY;
        }
        let bits = rounded.abs().to_bits();
        let unit = f32::from_bits(bits + 1) as f64 - f32::from_bits(bits) as f64;
        (got as f64 - exact).abs() / unit
    }

    /// Numbers of every size and sign, and the special ones.
    fn samples() -> impl Iterator<Item = f32> {
        const STRIDE: usize = 9_973;
        let special = [
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MIN_POSITIVE,
            f32::MAX,
            -f32::MAX,
            f32::from_bits(1),
            -f32::from_bits(1),
            88.722_84,
            88.73,
            -87.4,
            -103.98,
        ];
        let everything = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits);
        special.into_iter().chain(everything)
    }

    fn check(name: &str, bound: f64, f: fn(f32) -> f32, exact: fn(f64) -> f64) {
        let mut worst = (0.0, 0.0f32);
        for x in samples() {
            let d = ulps(f(x), exact(x as f64));
            if d > worst.0 {
                worst = (d, x);
            }
        }
        assert!(worst.0 <= bound, "{name}: {} ULP at {:e}", worst.0, worst.1);
    }

    /// The error function in `f64` by its series and its continued fraction.
    fn erf_f64(x: f64) -> f64 {
        let a = x.abs();
        if a > 6.0 || a.is_nan() {
            return if a.is_nan() { a } else { x.signum() };
        }
        if a < 2.5 {
            let (mut sum, mut term) = (x, x);
            for n in 1..80 {
                term *= -x * x / n as f64;
                sum += term / (2 * n + 1) as f64;
            }
            return sum * std::f64::consts::FRAC_2_SQRT_PI;
        }
        let tail = (1..200).rev().fold(0.0, |t, k| k as f64 / 2.0 / (a + t));
        let erfc = (-a * a).exp() / (std::f64::consts::PI.sqrt() * (a + tail));
        (1.0 - erfc) * x.signum()
    }

    #[test]
    fn bounds_hold_without_fused_multiply_add() {
        check("exp", 2.0, exp::<Portable>, f64::exp);
        check("exp_m1", 3.0, exp_m1::<Portable>, f64::exp_m1);
        check("log", 2.0, log::<Portable>, f64::ln);
        check("log_1p", 4.0, log_1p::<Portable>, f64::ln_1p);
        check("logistic", 4.0, logistic::<Portable>, |x| {
            1.0 / (1.0 + (-x).exp())
        });
        check("tanh", 4.0, tanh::<Portable>, f64::tanh);
        check("erf", 4.0, erf::<Portable>, erf_f64);
    }

    #[test]
    fn bounds_hold_with_fused_multiply_add() {
        check("exp", 2.0, exp::<Avx512>, f64::exp);
        check("exp_m1", 3.0, exp_m1::<Avx512>, f64::exp_m1);
        check("log", 2.0, log::<Avx512>, f64::ln);
        check("log_1p", 4.0, log_1p::<Avx512>, f64::ln_1p);
        check("logistic", 4.0, logistic::<Avx512>, |x| {
            1.0 / (1.0 + (-x).exp())
        });
        check("tanh", 4.0, tanh::<Avx512>, f64::tanh);
        check("erf", 4.0, erf::<Avx512>, erf_f64);
    }
}
