//! Elementwise activation functions.
//!
//! Where a function has a kink, the form decides the gradient there: `select` follows one branch, `maximum` and
//! `minimum` halve it between equals. Each form gives Keras's gradient.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use refrain_graph::{BinaryOp, Comparison, UnaryOp};

use super::arithmetic::{as_float, counted, float_input};
use super::definition::{OpResult, operations, unary_functions};
use super::{maximum, minimum, option, prim, where_};
use crate::error::Result;
use crate::tensor::{Logits, Tensor};

pub(super) fn compare(op: Comparison, x: &Tensor, limit: f64) -> Result<Tensor> {
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

unary_functions! { PLAIN in plain {
    /// `max(x, 0)`; the gradient at 0 is 0.
    relu = "ops.nn" / "Relu" as "relu(x)", "tf.relu(features)" => |i, _| Ok(relu_traced(&counted(i.one()?)?)?.into());
    /// `min(max(x, 0), 6)`.
    relu6 = "ops.nn" / "Relu6" as "relu6(x)", "tf.relu6(features)" => |i, _| Ok(relu6_traced(&float_input(i)?)?.into());
    /// `1 / (1 + exp(-x))`; the result remembers its logits.
    sigmoid = "ops.nn" / "Sigmoid" as "sigmoid(x)", "K.sigmoid(x)", "tf.sigmoid(x)" => |i, _| {
        let x = float_input(i)?;
        let logits = Logits::Sigmoid(x.expect_traced()?.value);
        Ok(sigmoid_traced(&x)?.with_logits(logits).into())
    };
    /// `x · sigmoid(x)`.
    silu = "ops.nn" / "Silu" as "silu(x)", "swish(x)", "tf.silu(features)", "tf.swish(features)" => |i, _| {
        let x = float_input(i)?;
        Ok((&x * sigmoid_traced(&x)?).into())
    };
    /// `x · tanh(softplus(x))`.
    mish = "activations.activations" / "Mish" as "mish(x)" => |i, _| {
        let x = float_input(i)?;
        Ok((&x * softplus_traced(&x)?.tanh()).into())
    };
    /// `log(1 + exp(x))`.
    softplus = "ops.nn" / "Softplus" as "softplus(x)", "K.softplus(x)", "tf.softplus(features)" => |i, _| Ok(softplus_traced(&float_input(i)?)?.into());
    /// `x / (1 + |x|)`.
    softsign = "ops.nn" / "Softsign" as "softsign(x)", "K.softsign(x)", "tf.softsign(features)" => |i, _| {
        let x = float_input(i)?;
        Ok((&x / (x.abs() + 1)).into())
    };
    /// `log(sigmoid(x))`. Keras negates unsigned integers as such: of 1 it is that of -255.
    log_sigmoid = "ops.nn" / "LogSigmoid" as "log_sigmoid(x)", "tf.log_sigmoid(x)" => |i, _| {
        Ok((-softplus_traced(&as_float(&-counted(i.one()?)?)?)?).into())
    };
    /// `relu6(x + 3) / 6`.
    hard_sigmoid = "ops.nn" / "HardSigmoid" as "hard_sigmoid(x)" => |i, _| Ok(hard_sigmoid_traced(&float_input(i)?)?.into());
    /// `x · hard_sigmoid(x)`.
    hard_silu = "ops.nn" / "HardSilu" as "hard_silu(x)" => |i, _| {
        let x = float_input(i)?;
        Ok((&x * hard_sigmoid_traced(&x)?).into())
    };
    /// `x` cut to -1 … 1; -1 as an unsigned integer is the largest one, as in Keras.
    hard_tanh = "ops.nn" / "HardTanh" as "hard_tanh(x)" => |i, _| {
        let x = counted(i.one()?)?;
        let high = prim::constant_like(&x, 1.0)?;
        let low = (-&high).checked()?;
        let inner = prim::select(&prim::compare(Comparison::Lt, &x, &low)?, &low, &x)?;
        Ok(prim::select(&prim::compare(Comparison::Gt, &x, &high)?, &high, &inner)?.into())
    };
    /// `x - tanh(x)`.
    tanh_shrink = "ops.nn" / "TanhShrink" as "tanh_shrink(x)" => |i, _| {
        let x = float_input(i)?;
        Ok((&x - x.tanh()).into())
    };
    /// `scale · elu(x, alpha)` with the constants that keep mean 0 and variance 1.
    selu = "ops.nn" / "Selu" as "selu(x)", "tf.selu(features)" => |i, _| Ok((elu_traced(&float_input(i)?, SELU_ALPHA)? * SELU_SCALE).into());
    /// 0 up to -1, `x` from 1 on, `(x + 1)² / 4` between.
    sparse_plus = "ops.nn" / "SparsePlus" as "sparse_plus(x)" => |i, _| {
        let x = float_input(i)?;
        let between = (&x + 1).square() / 4;
        let upper = where_(&compare(Comparison::Ge, &x, 1.0)?, &x, &between);
        Ok(where_(&compare(Comparison::Le, &x, -1.0)?, 0, &upper).into())
    };
    /// `(x + 1) / 2` cut to 0 … 1.
    sparse_sigmoid = "ops.nn" / "SparseSigmoid" as "sparse_sigmoid(x)" => |i, _| {
        let x = float_input(i)?;
        Ok((minimum(maximum(x + 1, 0), 2) * 0.5).into())
    };
}}

operations! { TABLE in table {
    /// `x` where it is not negative, else `negative_slope · x`.
    ///
    /// In the shape of `x`; integers become floats. Keras's slope is 0.2 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let y = ops::leaky_relu(input([3]), 0.2);
    /// assert_eq!(y.shape().to_string(), "(None, 3)");
    /// ```
    pub fn leaky_relu(x: impl AsRef<Tensor>, negative_slope: f64) -> Tensor { [x.as_ref(), negative_slope] }
    "ops.nn" / "LeakyRelu" as "leaky_relu(x, negative_slope=0.2)" [Tensor, Number], "activations.leaky_relu(x, negative_slope=0.2)",
    "tf.leaky_relu(features, alpha=0.2)" => |inputs, config| {
        let x = float_input(inputs)?;
        let below = &x * option::<f64>(config, "negative_slope")?;
        Ok(prim::select(&compare(Comparison::Ge, &x, 0.0)?, &x, &below)?.into())
    };
    /// `x` above 0, else `alpha · (exp(x) - 1)`.
    ///
    /// In the shape of `x`; integers become floats. Keras's `alpha` is 1 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::elu(input([3]), 1.0).shape().to_string(), "(None, 3)");
    /// ```
    pub fn elu(x: impl AsRef<Tensor>, alpha: f64) -> Tensor { [x.as_ref(), alpha] }
    "ops.nn" / "Elu" as "elu(x, alpha=1.0)" [Tensor, Number], "activations.elu(x, alpha=1.0)", "K.elu(x, alpha=1.0)", "tf.elu(features)" => |inputs, config| {
        Ok(elu_traced(&float_input(inputs)?, option(config, "alpha")?)?.into())
    };
    /// `max(x, 0) + alpha · (exp(min(x, 0) / alpha) - 1)`.
    ///
    /// In the shape of `x`; integers become floats. Keras's `alpha` is 1 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::celu(input([3]), 1.0).shape().to_string(), "(None, 3)");
    /// ```
    pub fn celu(x: impl AsRef<Tensor>, alpha: f64) -> Tensor { [x.as_ref(), alpha] }
    "ops.nn" / "Celu" as "celu(x, alpha=1.0)" [Tensor, Number], "activations.celu(x, alpha=1.0)" => |inputs, config| {
        let (x, alpha) = (float_input(inputs)?, option::<f64>(config, "alpha")?);
        let below = (minimum(&x, 0) / alpha).expm1() * alpha;
        Ok((maximum(&x, 0) + below).into())
    };
    /// `x` times the normal distribution's probability below it; `approximate`: by a tanh.
    ///
    /// In the shape of `x`; integers become floats. Keras's function approximates by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::gelu(input([3]), false).shape().to_string(), "(None, 3)");
    /// ```
    pub fn gelu(x: impl AsRef<Tensor>, approximate: bool) -> Tensor { [x.as_ref(), approximate] }
    "ops.nn" / "Gelu" as "gelu(x, approximate=True)" [Tensor, Flag], "activations.gelu(x, approximate=False)",
    "tf.gelu(features, approximate=False)" => |inputs, config| {
        gelu_traced(&float_input(inputs)?, option(config, "approximate")?)
    };
    /// `(x + sqrt(x² + b)) / 2`.
    ///
    /// In the shape of `x`; integers become floats. Keras's `b` is 4 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::squareplus(input([3]), 4.0).shape().to_string(), "(None, 3)");
    /// ```
    pub fn squareplus(x: impl AsRef<Tensor>, b: f64) -> Tensor { [x.as_ref(), b] }
    "ops.nn" / "Squareplus" as "squareplus(x, b=4)" [Tensor, Number], "activations.squareplus(x, b=4)" => |inputs, config| {
        // Squares of integers are integers.
        let square = as_float(&inputs.one()?.square())?;
        let root = (square + option::<f64>(config, "b")?).sqrt();
        Ok(((float_input(inputs)? + root) / 2).into())
    };
    /// `x` where `|x| > threshold`, else 0.
    ///
    /// In the shape of `x`; integers become floats. Keras's threshold is 0.5 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::hard_shrink(input([3]), 0.5).shape().to_string(), "(None, 3)");
    /// ```
    pub fn hard_shrink(x: impl AsRef<Tensor>, threshold: f64) -> Tensor { [x.as_ref(), threshold] }
    "ops.nn" / "HardShrink" as "hard_shrink(x, threshold=0.5)" [Tensor, Number], "activations.hard_shrink(x, threshold=0.5)" => |inputs, config| {
        let (x, limit) = (float_input(inputs)?, option(config, "threshold")?);
        Ok(where_(&compare(Comparison::Gt, &x.abs(), limit)?, &x, 0).into())
    };
    /// `x` moved towards 0 by the threshold, 0 within it.
    ///
    /// In the shape of `x`; integers become floats. Keras's threshold is 0.5 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::soft_shrink(input([3]), 0.5).shape().to_string(), "(None, 3)");
    /// ```
    pub fn soft_shrink(x: impl AsRef<Tensor>, threshold: f64) -> Tensor { [x.as_ref(), threshold] }
    "ops.nn" / "SoftShrink" as "soft_shrink(x, threshold=0.5)" [Tensor, Number], "activations.soft_shrink(x, threshold=0.5)" => |inputs, config| {
        let (x, limit) = (float_input(inputs)?, option::<f64>(config, "threshold")?);
        let lower = where_(&compare(Comparison::Lt, &x, -limit)?, &x + limit, 0);
        Ok(where_(&compare(Comparison::Gt, &x, limit)?, &x - limit, &lower).into())
    };
    /// `x` where it is above the threshold, else `default_value`.
    ///
    /// In the shape of `x`; integers become floats.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::threshold(input([3]), 0.5, -1.0).shape().to_string(), "(None, 3)");
    /// ```
    pub fn threshold(x: impl AsRef<Tensor>, threshold: f64, default_value: f64) -> Tensor {
        [x.as_ref(), threshold, default_value]
    }
    "ops.nn" / "Threshold" as "threshold(x, threshold, default_value)" [Tensor, Number, Number], "activations.threshold(x, threshold, default_value)" => |inputs, config| {
        let x = float_input(inputs)?;
        let (limit, default) = (option(config, "threshold")?, option::<f64>(config, "default_value")?);
        Ok(where_(&compare(Comparison::Gt, &x, limit)?, &x, default).into())
    };
    /// Keras's `activations.relu`: `x` above a threshold, `negative_slope · (x - threshold)` below it, at most `max_value`.
    ///
    /// In the shape of `x`; integers become floats. Keras has 0, `None` and 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let y = ops::relu_with(input([3]), 0.1, Some(6.0), 0.0);
    /// assert_eq!(y.shape().to_string(), "(None, 3)");
    /// ```
    pub fn relu_with(
        x: impl AsRef<Tensor>,
        negative_slope: f64,
        max_value: Option<f64>,
        threshold: f64,
    ) -> Tensor {
        [x.as_ref(), negative_slope, max_value, threshold]
    }
    "activations.activations" / "ReLU" as "activations.relu(x, negative_slope=0.0, max_value=None, threshold=0.0)"
    [Tensor, Number, OptionalNumber, Number], "K.relu(x, alpha=0.0, max_value=None, threshold=0.0)" => |inputs, config| {
        let (slope, ceiling) = (option(config, "negative_slope")?, option(config, "max_value")?);
        let limit = option(config, "threshold")?;
        Ok(relu_with_traced(&float_input(inputs)?, slope, ceiling, limit)?.into())
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

fn gelu_traced(x: &Tensor, approximate: bool) -> OpResult {
    const CUBIC: f64 = 0.044715;
    let doubled = match approximate {
        // sqrt(2 / pi) = (2 / sqrt(pi)) / sqrt(2)
        true => ((x + x * x * x * CUBIC) * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2)).tanh() + 1,
        false => (x * FRAC_1_SQRT_2).erf() + 1,
    };
    Ok((x * (doubled * 0.5)).into())
}
