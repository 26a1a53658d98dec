use refrain_graph::{DType, UnaryOp};

use crate::kernels::elementwise::{self, ERROR_BOUNDS, Ptrs};
use crate::simd::Simd;

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

/// Numbers of every size and sign, and those around the points where functions change their ways.
fn samples() -> Vec<f32> {
    const STRIDE: usize = 9_973;
    const NEIGHBOURS: i32 = 200;
    let special = [
        0.0,
        f32::INFINITY,
        f32::NAN,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::from_bits(1),
        1e-8,
        std::f32::consts::LN_2 / 2.0,
        0.5,
        std::f32::consts::FRAC_1_SQRT_2,
        1.0,
        std::f32::consts::SQRT_2,
        // Where erf, tanh, e^x - 1 and the logistic function saturate.
        3.83,
        3.92,
        4.0,
        9.01,
        9.1,
        17.33,
        18.0,
        60.0,
        // Where e^x becomes subnormal, infinite, and zero.
        87.336_55,
        88.722_84,
        89.0,
        103.28,
        103.972_08,
        104.5,
    ];
    let around = special.into_iter().flat_map(|x: f32| {
        (-NEIGHBOURS..=NEIGHBOURS).map(move |i| f32::from_bits(x.to_bits().wrapping_add_signed(i)))
    });
    let everything = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits);
    around.flat_map(|x| [x, -x]).chain(everything).collect()
}

/// The error function in `f64` by its series and its continued fraction.
fn erf(x: f64) -> f64 {
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

fn exact(op: UnaryOp) -> fn(f64) -> f64 {
    match op {
        UnaryOp::Exponential => f64::exp,
        UnaryOp::ExponentialMinusOne => f64::exp_m1,
        UnaryOp::Log => f64::ln,
        UnaryOp::LogPlusOne => f64::ln_1p,
        UnaryOp::Logistic => |x| 1.0 / (1.0 + (-x).exp()),
        UnaryOp::Tanh => f64::tanh,
        UnaryOp::Erf => erf,
        _ => unreachable!("no bound is stated for {op:?}"),
    }
}

/// What the kernel of a level makes of the numbers.
fn run(op: UnaryOp, simd: Simd, x: &[f32]) -> Vec<f32> {
    let kernel = elementwise::unary(op, DType::F32, simd).unwrap();
    let mut y = vec![0f32; x.len()];
    let src = x.as_ptr().cast();
    let p = Ptrs {
        dst: y.as_mut_ptr().cast(),
        src: [src; 3],
        step: [x.len(); 3],
    };
    // SAFETY: operand and result have as many elements as the one row has, and the machine has the level.
    unsafe { kernel(&p, 1, x.len()) };
    y
}

#[test]
fn errors_stay_within_the_stated_bounds_at_every_level() {
    let x = samples();
    for (op, bound) in ERROR_BOUNDS {
        let expected: Vec<f64> = x.iter().map(|&x| exact(op)(x as f64)).collect();
        for simd in Simd::available() {
            let errors = run(op, simd, &x);
            let errors = errors.iter().zip(&expected).map(|(&y, &e)| ulps(y, e));
            let worst =
                errors.zip(&x).fold(
                    (0.0, 0.0),
                    |worst, (error, &x)| {
                        if error > worst.0 { (error, x) } else { worst }
                    },
                );
            let level = simd.level();
            assert!(
                worst.0 <= bound,
                "{op:?}, {level}: {} ULP at {:e}",
                worst.0,
                worst.1
            );
        }
    }
}

#[test]
fn saturated_results_and_signs_of_zero_are_exact() {
    let x = [
        f32::INFINITY,
        f32::MAX,
        9.2,
        4.0,
        0.0,
        f32::from_bits(1),
        f32::NAN,
    ];
    let odd = [UnaryOp::Tanh, UnaryOp::Erf];
    for (op, simd) in odd
        .into_iter()
        .flat_map(|op| Simd::available().map(move |s| (op, s)))
    {
        let y = run(op, simd, &x);
        let level = simd.level();
        assert_eq!(y[..3], [1.0; 3], "{op:?}, {level}");
        assert!(y[6].is_nan(), "{op:?}, {level}");
        assert!(op == UnaryOp::Tanh || y[3] == 1.0, "{op:?}, {level}");
        let negative: Vec<f32> = x.iter().map(|x| -x).collect();
        for (y, mirrored) in y.iter().zip(run(op, simd, &negative)).take(6) {
            assert_eq!(y.to_bits(), (-mirrored).to_bits(), "{op:?}, {level}");
        }
    }
    for op in [UnaryOp::ExponentialMinusOne, UnaryOp::LogPlusOne] {
        for simd in Simd::available() {
            let y = run(op, simd, &[-0.0, -f32::INFINITY, f32::from_bits(1)]);
            assert!(y[0] == 0.0 && y[0].is_sign_negative(), "{op:?}");
            assert_eq!(y[2], f32::from_bits(1), "{op:?}");
        }
    }
}
