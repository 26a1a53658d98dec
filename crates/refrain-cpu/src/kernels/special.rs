//! The inverse error function.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Halley's steps at most. Each triples the digits of a start that is right to three.
const HALLEY_STEPS: u32 = 5;
/// Relative size of a step after which there is none left to go.
const LAST_STEP: f64 = 1e-6;

/// The `x` with `erf(x) = y`: ±∞ at ±1, NaN beyond.
pub fn erf_inv(y: f64) -> f64 {
    let a = y.abs();
    if a == 0.0 || a.is_nan() {
        return y;
    }
    if a >= 1.0 {
        return match a == 1.0 {
            true => y * f64::INFINITY,
            false => f64::NAN,
        };
    }
    let mut x = start(a);
    for _ in 0..HALLEY_STEPS {
        // 1 - a is exact for a >= 1/2, so the difference of the complements has all its digits there.
        let residual = match a < 0.5 {
            true => libm::erf(x) - a,
            false => (1.0 - a) - libm::erfc(x),
        };
        let step = residual / (FRAC_2_SQRT_PI * (-x * x).exp());
        let step = step / (1.0 + x * step);
        x -= step;
        if step.abs() <= LAST_STEP * x {
            break;
        }
    }
    x.copysign(y)
}

/// Winitzki's approximation ("A handy approximation for the error function and its inverse", 2008), right to 0.2%.
fn start(a: f64) -> f64 {
    /// Winitzki's constant that makes the error smallest over all arguments.
    const A: f64 = 0.147;
    let log = (-a * a).ln_1p();
    let half = 2.0 / (PI * A) + 0.5 * log;
    // √(half² - log/A) - half without cancellation for small `a`.
    let product = -log / A;
    let difference = product / ((half * half + product).sqrt() + half);
    difference.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_undoes_the_error_function() {
        let near = |got: f64, want: f64| (got - want).abs() <= 1e-15 * want.abs();
        for i in -5900..=5900 {
            let x = f64::from(i) * 1e-3;
            let y = libm::erf(x);
            let back = erf_inv(y);
            // What rounding has made of `y` counts as much as the slope says.
            let slope = FRAC_2_SQRT_PI * (-x * x).exp();
            let rounding = f64::EPSILON * y.abs() / slope;
            assert!(near(back, x) || (back - x).abs() <= rounding, "{x}: {back}");
        }
        let half = 0.476_936_276_204_469_9;
        assert!(near(erf_inv(0.5), half) && near(erf_inv(-0.5), -half));
        assert_eq!(
            [-1.0, 0.0, 1.0].map(erf_inv),
            [f64::NEG_INFINITY, 0.0, f64::INFINITY]
        );
        assert!(
            [1.5, -2.0, f64::NAN]
                .map(erf_inv)
                .iter()
                .all(|x| x.is_nan())
        );
    }
}
