//! Functions along axes that give fewer or as many elements.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::tensor::Tensor;

/// TensorFlow's means of integers are integers, which `ops` has not.
fn reduce_floats(a: &Arguments, function: fn(Tensor, Axes, bool) -> Tensor) -> Result<Value> {
    match a.tensor(0)?.dtype().is_float() {
        true => Ok(function(a.tensor(0)?, a.axes(1)?, a.flag(2)?).into()),
        false => Err(a.unfit(0, "a tensor of floats")),
    }
}

functions! { TABLE {
    [
        "K.mean(x, axis=None, keepdims=False)", "tf.reduce_mean(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::mean);
    [
        "K.var(x, axis=None, keepdims=False)", "tf.reduce_variance(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::var);
    [
        "K.std(x, axis=None, keepdims=False)", "tf.reduce_std(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::std);
    ["K.argmax(x, axis=-1)", "tf.argmax(input, axis=0)"] => |a| {
        Ok(ops::argmax(&a.tensor(0)?, a.axis(1)?, false).into())
    };
    ["K.argmin(x, axis=-1)", "tf.argmin(input, axis=0)"] => |a| {
        Ok(ops::argmin(&a.tensor(0)?, a.axis(1)?, false).into())
    };
    ["K.cumsum(x, axis=0)", "tf.cumsum(x, axis=0)"] => |a| {
        Ok(ops::cumsum(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["K.cumprod(x, axis=0)", "tf.cumprod(x, axis=0)"] => |a| {
        Ok(ops::cumprod(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["K.softmax(x, axis=-1)", "tf.softmax(logits, axis=-1)"] => |a| {
        Ok(ops::softmax(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["l2_normalize(x, axis=None, epsilon=1e-12)", "tf.l2_normalize(x, axis=None, epsilon=1e-12)"] => |a| {
        l2_normalize(&a.tensor(0)?, a.axes(1)?, a.number(2)?)
    };
    ["K.l2_normalize(x, axis=None)"] => |a| {
        l2_normalize(&a.tensor(0)?, a.axes(1)?, SMALLEST_SQUARE)
    };
    ["tf.norm(tensor, ord='euclidean', axis=None, keepdims=False)"] => norm;
}}

/// What TensorFlow's `l2_normalize` takes a sum of squares at least for.
const SMALLEST_SQUARE: f64 = 1e-12;

fn l2_normalize(x: &Tensor, axes: Axes, epsilon: f64) -> Result<Value> {
    let squares = ops::sum(&ops::square(x), axes, true);
    Ok(ops::multiply(x, ops::rsqrt(&ops::maximum(&squares, epsilon))).into())
}

/// All elements make a vector where no axis is given. Orders of matrices are only the default.
fn norm(a: &Arguments) -> Result<Value> {
    let (x, axes, keepdims) = (&a.tensor(0)?, a.axes(2)?, a.flag(3)?);
    let vectors = match &axes {
        Axes::All => true,
        Axes::Only(axes) => axes.len() == 1,
    };
    let order = match a.value(1) {
        Value::None => None,
        Value::Text(text) if text == "euclidean" => None,
        order => order.number(),
    };
    if order.is_none() && a.optional_number(1).is_err() && a.text(1)? != "euclidean" {
        return Err(a.unfit(1, "a number or 'euclidean'"));
    }
    let absolute = ops::abs(x);
    Ok(match order {
        None => ops::sqrt(&ops::sum(&ops::square(x), axes, keepdims)),
        Some(_) if !vectors => {
            let message = "orders of matrix norms are not supported";
            return Err(Error::new(ErrorKind::Unsupported, message).hint("Give one axis"));
        }
        Some(2.0) => ops::sqrt(&ops::sum(&ops::square(x), axes, keepdims)),
        Some(1.0) => ops::sum(&absolute, axes, keepdims),
        Some(p) if p == f64::INFINITY => ops::max(&absolute, axes, keepdims),
        Some(p) if p > 0.0 => {
            let powers = ops::sum(&ops::power(&absolute, p), axes, keepdims);
            ops::power(&powers, 1.0 / p)
        }
        Some(_) => return Err(a.unfit(1, "a positive order")),
    }
    .into())
}
