//! Gradients of elementwise primitives. `x`, `a`, `b`: inputs; `y`: output; `g`: its cotangent.

use std::f64::consts::{FRAC_2_SQRT_PI, PI};

use super::{Call, Cotangents, Term};
use crate::{BinaryOp, Comparison, UnaryOp};

pub(super) fn unary<'b>(op: UnaryOp, call: &Call<'b>) -> Option<Term<'b>> {
    let (x, y, g) = (call.inputs[0], call.outputs[0], call.cotangent());
    Some(match op {
        UnaryOp::Abs => g * x.unary(UnaryOp::Sign),
        UnaryOp::Negate => -g,
        UnaryOp::Exponential => g * y,
        UnaryOp::ExponentialMinusOne => g * (y + 1.0),
        UnaryOp::Log => g / x,
        UnaryOp::LogPlusOne => g / (x + 1.0),
        UnaryOp::Logistic => g * (y * (1.0 - y)),
        UnaryOp::Tanh => g * (1.0 - y * y),
        UnaryOp::Sqrt => g * 0.5 / y,
        UnaryOp::Rsqrt => g * -0.5 * (y / x),
        UnaryOp::Cbrt => g * (y / (x * 3.0)),
        UnaryOp::Sine => g * x.unary(UnaryOp::Cosine),
        UnaryOp::Cosine => -(g * x.unary(UnaryOp::Sine)),
        UnaryOp::Tan => g * (y * y + 1.0),
        UnaryOp::Asin => g * (1.0 - x * x).rsqrt(),
        UnaryOp::Acos => -(g * (1.0 - x * x).rsqrt()),
        UnaryOp::Atan => g / (x * x + 1.0),
        UnaryOp::Sinh => g * x.unary(UnaryOp::Cosh),
        UnaryOp::Cosh => g * x.unary(UnaryOp::Sinh),
        UnaryOp::Asinh => g * (x * x + 1.0).rsqrt(),
        UnaryOp::Acosh => g * ((x - 1.0) * (x + 1.0)).rsqrt(),
        UnaryOp::Atanh => g / (1.0 - x * x),
        UnaryOp::Erf => g * (-(x * x)).exp() * FRAC_2_SQRT_PI,
        UnaryOp::ErfInv => g * (y * y).exp() * (PI.sqrt() / 2.0),
        UnaryOp::Sign
        | UnaryOp::Floor
        | UnaryOp::Ceil
        | UnaryOp::RoundNearestEven
        | UnaryOp::Not
        | UnaryOp::IsFinite => return None,
    })
}

pub(super) fn binary<'b>(op: BinaryOp, call: &Call<'b>) -> Cotangents<'b> {
    let (a, b, y, g) = (
        call.inputs[0],
        call.inputs[1],
        call.outputs[0],
        call.cotangent(),
    );
    match op {
        BinaryOp::Add => call.both(|| g, || g),
        BinaryOp::Subtract => call.both(|| g, || -g),
        BinaryOp::Multiply => call.both(|| g * b, || g * a),
        BinaryOp::Divide => call.both(|| g / b, || -(g * y) / b),
        BinaryOp::Maximum => call.both(
            || winner(Comparison::Gt, a, b, g),
            || winner(Comparison::Gt, b, a, g),
        ),
        BinaryOp::Minimum => call.both(
            || winner(Comparison::Lt, a, b, g),
            || winner(Comparison::Lt, b, a, g),
        ),
        BinaryOp::Power => call.both(
            || g * power_base(a, b),
            || g * y * nonzero(a).unary(UnaryOp::Log),
        ),
        BinaryOp::Remainder => call.both(|| g, || -(g * towards_zero(a / b))),
        BinaryOp::Atan2 => call.both(
            || g * (b / (a * a + b * b)),
            || -(g * (a / (a * a + b * b))),
        ),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRightArithmetic
        | BinaryOp::ShiftRightLogical => vec![None, None],
    }
}

pub(super) fn select<'b>(call: &Call<'b>) -> Cotangents<'b> {
    let (predicate, g) = (call.inputs[0], call.cotangent());
    let on_true = call.wanted[1].then(|| predicate.select(g, g.like(0.0)));
    let on_false = call.wanted[2].then(|| predicate.select(g.like(0.0), g));
    vec![None, on_true, on_false]
}

/// `g` where `this` wins, half of it where both are equal.
fn winner<'b>(wins: Comparison, this: Term<'b>, other: Term<'b>, g: Term<'b>) -> Term<'b> {
    let shared = this
        .compare(Comparison::Eq, other)
        .select(g * 0.5, g.like(0.0));
    this.compare(wins, other).select(g, shared)
}

/// `b·a^(b-1)`, and 0 where `b` is 0, also for `a` = 0.
fn power_base<'b>(a: Term<'b>, b: Term<'b>) -> Term<'b> {
    let constant = b.compare(Comparison::Eq, b.like(0.0));
    let base = constant.select(a.like(1.0), a);
    b * base.binary(BinaryOp::Power, b - 1.0)
}

/// 1 in place of 0, so that its logarithm is 0.
fn nonzero(x: Term<'_>) -> Term<'_> {
    x.compare(Comparison::Eq, x.like(0.0))
        .select(x.like(1.0), x)
}

fn towards_zero(x: Term<'_>) -> Term<'_> {
    x.unary(UnaryOp::Sign) * x.unary(UnaryOp::Abs).unary(UnaryOp::Floor)
}
