//! Transcendental functions in `f32` without branches, so that loops over them become vector code.
//!
//! How far each may be from the exact result is stated by [`super::elementwise::ERROR_BOUNDS`] and tested at every SIMD level.
//! Loops over them take as long as they have instructions: one division costs no more than two of the others, and chains of
//! dependent ones do not count, since iterations overlap.

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
/// The fraction field.
const FRACTION_MASK: i32 = (1 << FRACTION) - 1;
/// The bits of sqrt(1/2).
const SQRT_HALF: i32 = 0x3f35_04f3;
/// Below this, e^x - 1 and ln(1 + x) are `x`.
const TINY: f32 = 1e-8;

/// (e^r - 1 - r) / r^2 for `|r|` up to half of ln 2: the minimax polynomial, good to 3e-9 of e^r.
const EXP_TAIL: [f32; 5] = [
    0.499_999_94,
    0.166_665_18,
    0.041_668_423,
    0.008_369_063,
    0.001_381_388,
];
/// (ln(1 + f) - f + f^2 / 2) / f^3 for 1 + f from sqrt(1/2) to sqrt(2): the minimax polynomial, good to 6e-9 of ln(1 + f).
const LOG_TAIL: [f32; 8] = [
    0.333_333_3,
    -0.250_008_2,
    0.200_012_27,
    -0.166_233_57,
    0.142_017_59,
    -0.131_601_83,
    0.127_615_75,
    -0.076_344_93,
];

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

/// `x` within bounds; NaN stays.
#[inline(always)]
fn clamp(x: f32, least: f32, most: f32) -> f32 {
    let x = if x > most { most } else { x };
    if x < least { least } else { x }
}

/// `x` as `n ln 2 + r` with a whole `n` and `|r|` up to half of ln 2: `r`, and bits whose lowest nine are those of `n + bias`.
#[inline(always)]
fn reduce<L: Lanes>(x: f32, bias: i32) -> (f32, u32) {
    let rounder = ROUNDER + bias as f32;
    let shifted = L::mul_add(x, std::f32::consts::LOG2_E, rounder);
    let n = shifted - rounder;
    let r = L::mul_add(n, -LN2_HIGH, x);
    (L::mul_add(n, -LN2_LOW, r), shifted.to_bits())
}

/// e^r for a reduced `r`.
#[inline(always)]
fn exp_reduced<L: Lanes>(r: f32) -> f32 {
    let slope = L::mul_add(polynomial::<L, 5>(r, EXP_TAIL), r, 1.0);
    L::mul_add(slope, r, 1.0)
}

/// e to the `x`, gradual underflow included.
#[inline(always)]
pub fn exp<L: Lanes>(x: f32) -> f32 {
    let (r, bits) = reduce::<L>(clamp(x, EXP_MIN, EXP_MAX), 2 * BIAS);
    // Two factors, since 2^128 and the subnormal powers are not normal numbers.
    let half = bits >> 1;
    let rest = bits.wrapping_sub(half);
    exp_reduced::<L>(r) * f32::from_bits(half << FRACTION) * f32::from_bits(rest << FRACTION)
}

/// e to the `x`, minus 1.
#[inline(always)]
pub fn exp_m1<L: Lanes>(x: f32) -> f32 {
    /// From here down the result is -1.
    const LEAST: f32 = -18.0;
    // Half of the power, since 2^128 is not a number.
    let (r, bits) = reduce::<L>(clamp(x, LEAST, EXP_MAX), BIAS - 1);
    let half = f32::from_bits(bits << FRACTION);
    let reduced = L::mul_add(polynomial::<L, 5>(r, EXP_TAIL), r * r, r);
    let y = 2.0 * L::mul_add(half, reduced, half - 0.5);
    if x.abs() < TINY { x } else { y }
}

/// The exponent and the fraction of a positive normal number, the fraction from sqrt(1/2) to sqrt(2).
#[inline(always)]
fn parts(x: f32) -> (i32, f32) {
    let bits = (x.to_bits() as i32).wrapping_sub(SQRT_HALF);
    let fraction = f32::from_bits(((bits & FRACTION_MASK) + SQRT_HALF) as u32);
    (bits >> FRACTION, fraction)
}

/// `exponent ln 2 + ln(1 + f)`.
#[inline(always)]
fn log_of_parts<L: Lanes>(exponent: f32, f: f32) -> f32 {
    let square = f * f;
    let tail = square * f * polynomial::<L, 8>(f, LOG_TAIL);
    let tail = L::mul_add(exponent, LN2_LOW, tail);
    let y = L::mul_add(square, -0.5, tail) + f;
    L::mul_add(exponent, LN2_HIGH, y)
}

/// `y` where the logarithm of `x` is a finite number, what it is elsewhere.
#[inline(always)]
fn log_or_special(x: f32, y: f32) -> f32 {
    // One comparison of integers: compilers make five of two comparisons of floats.
    let finite = x.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits() - 1;
    let special = if x == 0.0 {
        f32::NEG_INFINITY
    } else {
        f32::NAN
    };
    let special = if x > 0.0 { x } else { special };
    if finite { y } else { special }
}

/// Natural logarithm. Negative: NaN, zero: minus infinity.
#[inline(always)]
pub fn log<L: Lanes>(x: f32) -> f32 {
    /// 2^23 brings subnormal numbers into the normal range.
    const SCALE: f32 = 8_388_608.0;
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * SCALE } else { x };
    let offset = if subnormal { FRACTION as f32 } else { 0.0 };
    let (exponent, fraction) = parts(scaled);
    let y = log_of_parts::<L>(exponent as f32 - offset, fraction - 1.0);
    log_or_special(x, y)
}

/// ln(1 + x).
#[inline(always)]
pub fn log_1p<L: Lanes>(x: f32) -> f32 {
    /// The last exponent whose negative is one of a normal number; from there on nothing is lost that counts.
    const LAST: i32 = 126;
    let u = 1.0 + x;
    let lost = x - (u - 1.0);
    let (exponent, fraction) = parts(u);
    let last = if exponent > LAST { LAST } else { exponent };
    let power = f32::from_bits(((BIAS - last) << FRACTION) as u32);
    let f = L::mul_add(lost, power, fraction - 1.0);
    let y = log_or_special(u, log_of_parts::<L>(exponent as f32, f));
    if x.abs() < TINY { x } else { y }
}

/// 1 / (1 + e^-x), gradual underflow included.
#[inline(always)]
pub fn logistic<L: Lanes>(x: f32) -> f32 {
    /// Numerator and denominator are multiplied by 2 to this, so that no e^-x overflows.
    const SCALE: i32 = -30;
    /// Before this the result is 1, and 2^SCALE e^-x is a normal number until then.
    const MOST: f32 = 60.0;
    let scale = f32::from_bits(((BIAS + SCALE) << FRACTION) as u32);
    let (r, bits) = reduce::<L>(-clamp(x, EXP_MIN, MOST), BIAS + SCALE);
    let power = f32::from_bits(bits << FRACTION);
    scale / L::mul_add(exp_reduced::<L>(r), power, scale)
}

/// `x (share + p(x^2) / q(x^2))` between -1 and 1, for an odd function that is 1 from `saturated` on; NaN stays.
///
/// `share` is a power of two near 1 / `saturated`: where the result comes close to 1, the rounding errors of the quotient count little.
#[inline(always)]
fn odd_rational<L: Lanes, const P: usize, const Q: usize>(
    x: f32,
    saturated: f32,
    share: f32,
    p: [f32; P],
    q: [f32; Q],
) -> f32 {
    let x = clamp(x, -saturated, saturated);
    let square = x * x;
    let quotient = polynomial::<L, P>(square, p) / polynomial::<L, Q>(square, q);
    clamp(L::mul_add(x, quotient, share * x), -1.0, 1.0)
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh<L: Lanes>(x: f32) -> f32 {
    /// From a little before this on the result is 1.
    const SATURATED: f32 = 9.1;
    const SHARE: f32 = 0.125;
    // tanh(x) / x - SHARE: the minimax quotient up to SATURATED, good to 2.3e-8 of tanh(x).
    const P: [f32; 5] = [
        0.875,
        0.075_36,
        2.568_864e-4,
        -2.043_030_5e-5,
        -8.312_288e-8,
    ];
    const Q: [f32; 5] = [1.0, 0.467_077_88, 0.025_847_38, 3.272_917e-4, 7.704_029e-7];
    odd_rational::<L, 5, 5>(x, SATURATED, SHARE, P, Q)
}

/// The error function.
#[inline(always)]
pub fn erf<L: Lanes>(x: f32) -> f32 {
    /// From a little before this on the result is 1.
    const SATURATED: f32 = 4.0;
    const SHARE: f32 = 0.25;
    // erf(x) / x - SHARE: the minimax quotient up to SATURATED, good to 2.5e-8 of erf(x).
    const P: [f32; 6] = [
        0.878_379_17,
        0.067_331_314,
        0.024_264_272,
        8.154_946e-5,
        -1.182_802_9e-5,
        -7.368_277e-6,
    ];
    const Q: [f32; 6] = [
        1.0,
        0.504_858_1,
        0.115_350_33,
        0.015_207_321,
        0.001_185_580_7,
        3.742_023_5e-5,
    ];
    odd_rational::<L, 6, 6>(x, SATURATED, SHARE, P, Q)
}

/// From here on the root of `x^2 + 1` or `x^2 - 1` is `x` to the last bit: 2^28. The standard library's sum with it overflows.
const LARGE: f64 = (1u32 << 28) as f64;

/// The inverse of the hyperbolic sine.
pub fn asinh(x: f64) -> f64 {
    match x.abs() {
        a if a > LARGE => (a.ln() + std::f64::consts::LN_2).copysign(x),
        _ => x.asinh(),
    }
}

/// The inverse of the hyperbolic cosine.
pub fn acosh(x: f64) -> f64 {
    match x {
        x if x > LARGE => x.ln() + std::f64::consts::LN_2,
        _ => x.acosh(),
    }
}

#[cfg(test)]
#[path = "math_tests.rs"]
mod tests;
