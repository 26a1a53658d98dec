//! Elementwise primitives on floats, computed in f64.

use super::special::{erf, erf_inv};
use crate::{BinaryOp, UnaryOp};

/// `None` where the primitive is not defined for floats.
pub(super) fn unary(op: UnaryOp, x: f64) -> Option<f64> {
    Some(match op {
        UnaryOp::Abs => x.abs(),
        UnaryOp::Negate => -x,
        UnaryOp::Sign if x == 0.0 || x.is_nan() => x,
        UnaryOp::Sign => x.signum(),
        UnaryOp::Exponential => x.exp(),
        UnaryOp::ExponentialMinusOne => x.exp_m1(),
        UnaryOp::Log => x.ln(),
        UnaryOp::LogPlusOne => x.ln_1p(),
        UnaryOp::Logistic => logistic(x),
        UnaryOp::Tanh => x.tanh(),
        UnaryOp::Sqrt => x.sqrt(),
        UnaryOp::Rsqrt => 1.0 / x.sqrt(),
        UnaryOp::Cbrt => x.cbrt(),
        UnaryOp::Sine => x.sin(),
        UnaryOp::Cosine => x.cos(),
        UnaryOp::Tan => x.tan(),
        UnaryOp::Asin => x.asin(),
        UnaryOp::Acos => x.acos(),
        UnaryOp::Atan => x.atan(),
        UnaryOp::Sinh => x.sinh(),
        UnaryOp::Cosh => x.cosh(),
        UnaryOp::Asinh => asinh(x),
        UnaryOp::Acosh => acosh(x),
        UnaryOp::Atanh => atanh(x),
        UnaryOp::Erf => erf(x),
        UnaryOp::ErfInv => erf_inv(x),
        UnaryOp::Floor => x.floor(),
        UnaryOp::Ceil => x.ceil(),
        UnaryOp::RoundNearestEven => x.round_ties_even(),
        UnaryOp::Not | UnaryOp::IsFinite => return None,
    })
}

/// `None` where the primitive is not defined for floats.
pub(super) fn binary(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    match op {
        BinaryOp::Add => Some(a + b),
        BinaryOp::Subtract => Some(a - b),
        BinaryOp::Multiply => Some(a * b),
        BinaryOp::Divide => Some(a / b),
        BinaryOp::Maximum => Some(if a.is_nan() || a > b { a } else { b }),
        BinaryOp::Minimum => Some(if a.is_nan() || a < b { a } else { b }),
        BinaryOp::Power => Some(a.powf(b)),
        BinaryOp::Remainder => Some(a % b),
        BinaryOp::Atan2 => Some(a.atan2(b)),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRightArithmetic
        | BinaryOp::ShiftRightLogical => None,
    }
}

/// `1 / (1 + e^-x)`; for negative `x` in the form whose exponential cannot overflow.
fn logistic(x: f64) -> f64 {
    if x < 0.0 {
        let e = x.exp();
        e / (1.0 + e)
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

/// From here on the root of `x^2 + 1` or `x^2 - 1` is `x` to the last bit: 2^28. The standard library's sum with it overflows.
const LARGE: f64 = (1u32 << 28) as f64;

fn asinh(x: f64) -> f64 {
    match x.abs() {
        a if a > LARGE => (a.ln() + std::f64::consts::LN_2).copysign(x),
        _ => x.asinh(),
    }
}

/// Through `ln_1p`, which keeps the digits of results near 0.
fn acosh(x: f64) -> f64 {
    if x > LARGE {
        return x.ln() + std::f64::consts::LN_2;
    }
    if x < 1.0 {
        return f64::NAN;
    }
    let t = x - 1.0;
    (t + (t * (x + 1.0)).sqrt()).ln_1p()
}

/// Odd, through `ln_1p` of a non-negative number.
fn atanh(x: f64) -> f64 {
    let a = x.abs();
    (0.5 * (2.0 * a / (1.0 - a)).ln_1p()).copysign(x)
}
