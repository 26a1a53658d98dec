//! Elementwise activation functions.
//!
//! Where a function has a kink, the form decides the gradient there: `select` follows one branch, `maximum` and
//! `minimum` halve it between equals. Each form gives Keras's gradient.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use refrain_graph::{BinaryOp, Comparison, UnaryOp};
use serde_json::Value as Json;

use super::arithmetic::{float_input, to_json, to_number, unary_functions};
use super::{OpDef, apply, config, definitions, maximum, minimum, option, prim, where_};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Config, unexpected};
use crate::structure::Structure;
use crate::tensor::{Logits, Tensor};

type Traced = Result<Structure<Tensor>>;

fn compare(op: Comparison, x: &Tensor, limit: f64) -> Result<Tensor> {
    prim::compare(op, x, &prim::constant_like(x, limit)?)
}

/// Gradient 0 at 0, and NaN stays NaN.
fn relu_traced(x: &Tensor) -> Result<Tensor> {
    let zero = prim::constant_like(x, 0.0)?;
    prim::select(&prim::compare(Comparison::Le, x, &zero)?, &zero, x)
}

/// Gradient 0 at 0 and at 6.
fn relu6_traced(x: &Tensor) -> Result<Tensor> {
    let six = prim::constant_like(x, 6.0)?;
    let full = prim::compare(Comparison::Ge, x, &six)?;
    prim::select(&full, &six, &relu_traced(x)?)
}

fn sigmoid_traced(x: &Tensor) -> Result<Tensor> {
    prim::unary(UnaryOp::Logistic, x)
}

/// `log(1 + exp(x))` without overflow.
fn softplus_traced(x: &Tensor) -> Result<Tensor> {
    let zero = prim::constant_like(x, 0.0)?;
    let tail = (-x.abs()).exp().log1p();
    prim::binary(
        BinaryOp::Add,
        &prim::binary(BinaryOp::Maximum, x, &zero)?,
        &tail,
    )
}

fn elu_traced(x: &Tensor, alpha: f64) -> Result<Tensor> {
    let positive = compare(Comparison::Gt, x, 0.0)?;
    let below = where_(&positive, 0, x).expm1() * alpha;
    prim::select(&positive, x, &below)
}

fn hard_sigmoid_traced(x: &Tensor) -> Result<Tensor> {
    Ok(relu6_traced(&(x + 3))? / 6)
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

unary_functions! { PLAIN in plain_defs {
    /// `max(x, 0)`; the gradient at 0 is 0.
    relu, "Relu", "nn", |i, _| Ok(relu_traced(i.one()?)?.into());
    /// `min(max(x, 0), 6)`.
    relu6, "Relu6", "nn", |i, _| Ok(relu6_traced(i.one()?)?.into());
    /// `1 / (1 + exp(-x))`; the result remembers its logits.
    sigmoid, "Sigmoid", "nn", |i, _| {
        let x = float_input(i)?;
        let logits = Logits::Sigmoid(x.expect_traced()?.value);
        Ok(sigmoid_traced(&x)?.with_logits(logits).into())
    };
    /// `x · sigmoid(x)`.
    silu, "Silu", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((&x * sigmoid_traced(&x)?).into())
    };
    /// `x · tanh(softplus(x))`.
    mish, "Mish", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((&x * softplus_traced(&x)?.tanh()).into())
    };
    /// `log(1 + exp(x))`.
    softplus, "Softplus", "nn", |i, _| Ok(softplus_traced(&float_input(i)?)?.into());
    /// `x / (1 + |x|)`.
    softsign, "Softsign", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((&x / (x.abs() + 1)).into())
    };
    /// `log(sigmoid(x))`.
    log_sigmoid, "LogSigmoid", "nn", |i, _| Ok((-softplus_traced(&-float_input(i)?)?).into());
    /// `relu6(x + 3) / 6`.
    hard_sigmoid, "HardSigmoid", "nn", |i, _| Ok(hard_sigmoid_traced(&float_input(i)?)?.into());
    /// `x · hard_sigmoid(x)`.
    hard_silu, "HardSilu", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((&x * hard_sigmoid_traced(&x)?).into())
    };
    /// `x` cut to -1 … 1.
    hard_tanh, "HardTanh", "nn", |i, _| {
        let x = i.one()?;
        let inner = where_(&compare(Comparison::Lt, x, -1.0)?, -1, x);
        Ok(where_(&compare(Comparison::Gt, x, 1.0)?, 1, &inner).into())
    };
    /// `x - tanh(x)`.
    tanh_shrink, "TanhShrink", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((&x - x.tanh()).into())
    };
    /// `scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1.
    selu, "Selu", "nn", |i, _| Ok((elu_traced(&float_input(i)?, SELU_ALPHA)? * SELU_SCALE).into());
    /// 0 up to -1, `x` from 1 on, `(x + 1)² / 4` between.
    sparse_plus, "SparsePlus", "nn", |i, _| {
        let x = float_input(i)?;
        let between = (&x + 1).square() / 4;
        let upper = where_(&compare(Comparison::Ge, &x, 1.0)?, &x, &between);
        Ok(where_(&compare(Comparison::Le, &x, -1.0)?, 0, &upper).into())
    };
    /// `(x + 1) / 2` cut to 0 … 1.
    sparse_sigmoid, "SparseSigmoid", "nn", |i, _| {
        let x = float_input(i)?;
        Ok((minimum(maximum(x + 1, 0), 2) * 0.5).into())
    };
}}

definitions! { DEFS {
    LEAKY_RELU = "nn" / "LeakyRelu" => |inputs, config| {
        let x = float_input(inputs)?;
        let below = &x * number(config, "negative_slope", 0.2)?;
        Ok(prim::select(&compare(Comparison::Ge, &x, 0.0)?, &x, &below)?.into())
    };
    ELU = "nn" / "Elu" => |inputs, config| {
        Ok(elu_traced(&float_input(inputs)?, number(config, "alpha", 1.0)?)?.into())
    };
    CELU = "nn" / "Celu" => |inputs, config| {
        let (x, alpha) = (float_input(inputs)?, number(config, "alpha", 1.0)?);
        let below = (minimum(&x, 0) / alpha).expm1() * alpha;
        Ok((maximum(&x, 0) + below).into())
    };
    GELU = "nn" / "Gelu" => |inputs, config| {
        let approximate = option::<Option<bool>>(config, "approximate")?.unwrap_or(true);
        gelu_traced(&float_input(inputs)?, approximate)
    };
    SQUAREPLUS = "nn" / "Squareplus" => |inputs, config| {
        let x = float_input(inputs)?;
        let root = (x.square() + number(config, "b", 4.0)?).sqrt();
        Ok(((&x + root) / 2).into())
    };
    HARD_SHRINK = "nn" / "HardShrink" => |inputs, config| {
        let (x, limit) = (float_input(inputs)?, number(config, "threshold", 0.5)?);
        Ok(where_(&compare(Comparison::Gt, &x.abs(), limit)?, &x, 0).into())
    };
    SOFT_SHRINK = "nn" / "SoftShrink" => |inputs, config| {
        let (x, limit) = (float_input(inputs)?, number(config, "threshold", 0.5)?);
        let lower = where_(&compare(Comparison::Lt, &x, -limit)?, &x + limit, 0);
        Ok(where_(&compare(Comparison::Gt, &x, limit)?, &x - limit, &lower).into())
    };
    THRESHOLD = "nn" / "Threshold" => |inputs, config| {
        let x = float_input(inputs)?;
        let (limit, default) = (number(config, "threshold", 0.0)?, number(config, "default_value", 0.0)?);
        Ok(where_(&compare(Comparison::Gt, &x, limit)?, &x, default).into())
    };
    RELU_WITH = "activations" / "ReLU" => |inputs, config| {
        let slope = number(config, "negative_slope", 0.0)?;
        let ceiling = config.get("max_value").and_then(to_number);
        let threshold = number(config, "threshold", 0.0)?;
        Ok(relu_with_traced(&float_input(inputs)?, slope, ceiling, threshold)?.into())
    };
}}

/// Keras's general Relu: `slope · (x - threshold)` below the threshold, `x` above it, at most `ceiling`.
fn relu_with_traced(
    x: &Tensor,
    slope: f64,
    ceiling: Option<f64>,
    threshold: f64,
) -> Result<Tensor> {
    if slope != 0.0 && ceiling.is_none() && threshold == 0.0 {
        let above = compare(Comparison::Ge, x, 0.0)?;
        return prim::select(&above, x, &(x * slope));
    }
    let negative = match slope != 0.0 {
        true => Some(relu_traced(&(threshold - x))? * slope),
        false => None,
    };
    let mut y = match (threshold != 0.0, ceiling) {
        (true, _) => where_(&compare(Comparison::Gt, x, threshold)?, x, 0),
        (false, Some(6.0)) => relu6_traced(x)?,
        (false, _) => relu_traced(x)?,
    };
    let cut_already = threshold == 0.0 && ceiling == Some(6.0);
    if let Some(ceiling) = ceiling.filter(|_| !cut_already) {
        y = minimum(maximum(y, 0), ceiling);
    }
    Ok(match negative {
        Some(n) => y - n,
        None => y,
    })
}

fn gelu_traced(x: &Tensor, approximate: bool) -> Traced {
    const CUBIC: f64 = 0.044715;
    let doubled = match approximate {
        // sqrt(2 / pi) = (2 / sqrt(pi)) / sqrt(2)
        true => ((x + x * x * x * CUBIC) * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2)).tanh() + 1,
        false => (x * FRAC_1_SQRT_2).erf() + 1,
    };
    Ok((x * (doubled * 0.5)).into())
}

fn number(config: &Config, name: &str, default: f64) -> Result<f64> {
    match config.get(name) {
        None | Some(Json::Null) => Ok(default),
        Some(json) => to_number(json).ok_or_else(|| unexpected("a number", json)),
    }
}

fn with_number(def: &'static OpDef, x: impl AsRef<Tensor>, name: &str, value: f64) -> Tensor {
    apply(
        def,
        Inputs::new(x.as_ref()),
        config([(name, to_json(value))]),
    )
}

/// `x` where it is not negative, else `negative_slope · x` (Keras's function has 0.2 by default).
pub fn leaky_relu(x: impl AsRef<Tensor>, negative_slope: f64) -> Tensor {
    with_number(&LEAKY_RELU, x, "negative_slope", negative_slope)
}

/// `x` above 0, else `alpha · (exp(x) - 1)`.
pub fn elu(x: impl AsRef<Tensor>, alpha: f64) -> Tensor {
    with_number(&ELU, x, "alpha", alpha)
}

/// `max(x, 0) + alpha · (exp(min(x, 0) / alpha) - 1)`.
pub fn celu(x: impl AsRef<Tensor>, alpha: f64) -> Tensor {
    with_number(&CELU, x, "alpha", alpha)
}

/// `x` times the normal distribution's probability below it; `approximate`: by a tanh.
pub fn gelu(x: impl AsRef<Tensor>, approximate: bool) -> Tensor {
    let config = config([("approximate", approximate.into())]);
    apply(&GELU, Inputs::new(x.as_ref()), config)
}

/// `(x + sqrt(x² + b)) / 2` (Keras has 4 by default).
pub fn squareplus(x: impl AsRef<Tensor>, b: f64) -> Tensor {
    with_number(&SQUAREPLUS, x, "b", b)
}

/// `x` where `|x| > threshold`, else 0 (Keras has 0.5 by default).
pub fn hard_shrink(x: impl AsRef<Tensor>, threshold: f64) -> Tensor {
    with_number(&HARD_SHRINK, x, "threshold", threshold)
}

/// `x` moved towards 0 by the threshold, 0 within it (Keras has 0.5 by default).
pub fn soft_shrink(x: impl AsRef<Tensor>, threshold: f64) -> Tensor {
    with_number(&SOFT_SHRINK, x, "threshold", threshold)
}

/// `x` where it is above the threshold, else `default_value`.
pub fn threshold(x: impl AsRef<Tensor>, threshold: f64, default_value: f64) -> Tensor {
    let config = config([
        ("threshold", to_json(threshold)),
        ("default_value", to_json(default_value)),
    ]);
    apply(&THRESHOLD, Inputs::new(x.as_ref()), config)
}

/// Keras's Relu with a slope below the threshold, a ceiling and a threshold.
pub fn relu_with(
    x: impl AsRef<Tensor>,
    negative_slope: f64,
    max_value: Option<f64>,
    threshold: f64,
) -> Tensor {
    let config = config([
        ("negative_slope", to_json(negative_slope)),
        ("max_value", max_value.map_or(Json::Null, to_json)),
        ("threshold", to_json(threshold)),
    ]);
    apply(&RELU_WITH, Inputs::new(x.as_ref()), config)
}
