//! The error function and its inverse in f64.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// From here on the continued fraction is used, below it the series.
const SERIES_END: f64 = 1.5;
/// Terms of the continued fraction: enough for full precision at [`SERIES_END`], where it converges slowest.
const FRACTION_TERMS: u32 = 120;
/// Terms of the series: more than full precision needs at [`SERIES_END`].
const SERIES_TERMS: u32 = 60;
/// Halley's steps from a start that is right to three digits; each triples the digits.
const HALLEY_STEPS: u32 = 4;

/// `2/√π ∫₀ˣ e^(-t²) dt`.
pub(super) fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() < SERIES_END {
        return erf_series(x);
    }
    (1.0 - erfc_fraction(x.abs())).copysign(x)
}

/// `1 - erf(x)` for `x >= 0`, without cancellation where it is small.
fn erfc(x: f64) -> f64 {
    if x < SERIES_END {
        1.0 - erf_series(x)
    } else {
        erfc_fraction(x)
    }
}

/// `2/√π e^(-x²) Σ 2ⁿ x^(2n+1) / (1·3·5·…·(2n+1))`: all terms have one sign, so nothing cancels.
fn erf_series(x: f64) -> f64 {
    let mut term = x;
    let mut sum = 0.0;
    for n in 0..SERIES_TERMS {
        sum += term;
        term *= 2.0 * x * x / f64::from(2 * n + 3);
    }
    FRAC_2_SQRT_PI * exp_minus_square(x) * sum
}

/// `e^(-x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …))))`.
fn erfc_fraction(x: f64) -> f64 {
    let tail = (1..=FRACTION_TERMS)
        .rev()
        .fold(x, |tail, n| x + 0.5 * f64::from(n) / tail);
    exp_minus_square(x) / (PI.sqrt() * tail)
}

/// `e^(-x²)`, with the square's rounding error put back (it would cost `x²` units in the last place).
fn exp_minus_square(x: f64) -> f64 {
    let square = x * x;
    if !square.is_finite() {
        return 0.0;
    }
    let lost = x.mul_add(x, -square);
    (-square).exp() * (1.0 - lost)
}

/// The `x` with `erf(x) = y`: ±∞ at ±1, NaN beyond.
pub(super) fn erf_inv(y: f64) -> f64 {
    let a = y.abs();
    if a == 0.0 || a.is_nan() {
        return y;
    }
    if a >= 1.0 {
        return if a == 1.0 {
            y * f64::INFINITY
        } else {
            f64::NAN
        };
    }
    let mut x = erf_inv_start(a);
    for _ in 0..HALLEY_STEPS {
        // 1 - a is exact for a >= 1/2, so the difference of the complements has all its digits there.
        let residual = if a < 0.5 {
            erf(x) - a
        } else {
            (1.0 - a) - erfc(x)
        };
        let step = residual / (FRAC_2_SQRT_PI * exp_minus_square(x));
        x -= step / (1.0 + x * step);
    }
    x.copysign(y)
}

/// Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), right to 0.2%.
fn erf_inv_start(a: f64) -> f64 {
    /// Winitzki's constant that makes the error smallest over all arguments.
    const A: f64 = 0.147;
    let log = (-a * a).ln_1p();
    let half = 2.0 / (PI * A) + 0.5 * log;
    // √(half² - log/A) - half without cancellation for small `a`.
    let product = -log / A;
    let difference = product / ((half * half + product).sqrt() + half);
    difference.sqrt()
}
