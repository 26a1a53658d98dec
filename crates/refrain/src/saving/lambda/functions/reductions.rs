//! Functions along axes that give fewer or as many elements.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::tensor::Tensor;

fn reduce(a: &Arguments, function: fn(Tensor, Axes, bool) -> Tensor) -> Result<Value> {
    Ok(function(a.tensor(0)?, a.axes(1)?, a.flag(2)?).into())
}

/// TensorFlow's means of integers are integers, which `ops` has not.
fn reduce_floats(a: &Arguments, function: fn(Tensor, Axes, bool) -> Tensor) -> Result<Value> {
    match a.tensor(0)?.dtype().is_float() {
        true => reduce(a, function),
        false => Err(a.unfit(0, "a tensor of floats")),
    }
}

functions! { TABLE {
    [
        "sum(x, axis=None, keepdims=False)", "K.sum(x, axis=None, keepdims=False)",
        "tf.reduce_sum(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::sum);
    [
        "prod(x, axis=None, keepdims=False)", "K.prod(x, axis=None, keepdims=False)",
        "tf.reduce_prod(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::prod);
    [
        "max(x, axis=None, keepdims=False)", "amax(x, axis=None, keepdims=False)",
        "K.max(x, axis=None, keepdims=False)", "tf.reduce_max(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::max);
    [
        "min(x, axis=None, keepdims=False)", "amin(x, axis=None, keepdims=False)",
        "K.min(x, axis=None, keepdims=False)", "tf.reduce_min(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::min);
    [
        "all(x, axis=None, keepdims=False)", "K.all(x, axis=None, keepdims=False)",
        "tf.reduce_all(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::all);
    [
        "any(x, axis=None, keepdims=False)", "K.any(x, axis=None, keepdims=False)",
        "tf.reduce_any(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::any);
    ["mean(x, axis=None, keepdims=False)"] => |a| reduce(a, ops::mean);
    [
        "K.mean(x, axis=None, keepdims=False)", "tf.reduce_mean(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::mean);
    ["var(x, axis=None, keepdims=False)"] => |a| reduce(a, ops::var);
    [
        "K.var(x, axis=None, keepdims=False)", "tf.reduce_variance(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::var);
    ["std(x, axis=None, keepdims=False)"] => |a| reduce(a, ops::std);
    [
        "K.std(x, axis=None, keepdims=False)", "tf.reduce_std(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce_floats(a, ops::std);
    [
        "logsumexp(x, axis=None, keepdims=False)",
        "tf.reduce_logsumexp(input_tensor, axis=None, keepdims=False)",
    ] => |a| reduce(a, ops::logsumexp);
    ["argmax(x, axis=None, keepdims=False)"] => |a| {
        Ok(ops::argmax(&a.tensor(0)?, a.optional_axis(1)?, a.flag(2)?).into())
    };
    ["argmin(x, axis=None, keepdims=False)"] => |a| {
        Ok(ops::argmin(&a.tensor(0)?, a.optional_axis(1)?, a.flag(2)?).into())
    };
    ["K.argmax(x, axis=-1)", "tf.argmax(input, axis=0)"] => |a| {
        Ok(ops::argmax(&a.tensor(0)?, a.axis(1)?, false).into())
    };
    ["K.argmin(x, axis=-1)", "tf.argmin(input, axis=0)"] => |a| {
        Ok(ops::argmin(&a.tensor(0)?, a.axis(1)?, false).into())
    };
    ["cumsum(x, axis=None)"] => |a| Ok(ops::cumsum(&a.tensor(0)?, a.optional_axis(1)?).into());
    ["cumprod(x, axis=None)"] => |a| Ok(ops::cumprod(&a.tensor(0)?, a.optional_axis(1)?).into());
    ["K.cumsum(x, axis=0)", "tf.cumsum(x, axis=0)"] => |a| {
        Ok(ops::cumsum(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["K.cumprod(x, axis=0)", "tf.cumprod(x, axis=0)"] => |a| {
        Ok(ops::cumprod(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["softmax(x, axis=-1)"] => |a| Ok(ops::softmax(&a.tensor(0)?, a.axes(1)?).into());
    ["K.softmax(x, axis=-1)", "tf.softmax(logits, axis=-1)"] => |a| {
        Ok(ops::softmax(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["log_softmax(x, axis=-1)", "tf.log_softmax(logits, axis=-1)"] => |a| {
        Ok(ops::log_softmax(&a.tensor(0)?, a.axis(1)?).into())
    };
    ["l2_normalize(x, axis=None, epsilon=1e-12)", "tf.l2_normalize(x, axis=None, epsilon=1e-12)"] => |a| {
        l2_normalize(&a.tensor(0)?, a.axes(1)?, a.number(2)?)
    };
    ["K.l2_normalize(x, axis=None)"] => |a| {
        l2_normalize(&a.tensor(0)?, a.axes(1)?, SMALLEST_SQUARE)
    };
    ["normalize(x, axis=-1, order=2, epsilon=None)"] => |a| {
        let order = u32::try_from(a.count(2)?).map_err(|_| a.unfit(2, "an order"))?;
        let epsilon = a.optional_number(3)?;
        Ok(ops::normalize(&a.tensor(0)?, a.axes(1)?, order, epsilon).into())
    };
    ["norm(x, ord=None, axis=None, keepdims=False)"] => |a| {
        let x = a.tensor(0)?;
        norm(a, &x, x.rank() == 1)
    };
    // TensorFlow takes the elements for one vector where no axis is given.
    ["tf.norm(tensor, ord='euclidean', axis=None, keepdims=False)"] => |a| norm(a, &a.tensor(0)?, true);
}}

/// What TensorFlow's `l2_normalize` takes a sum of squares at least for.
const SMALLEST_SQUARE: f64 = 1e-12;

fn l2_normalize(x: &Tensor, axes: Axes, epsilon: f64) -> Result<Value> {
    let squares = ops::sum(&ops::square(x), axes, true);
    Ok(ops::multiply(x, ops::rsqrt(&ops::maximum(&squares, epsilon))).into())
}

/// `vector`: all elements make a vector where no axis is given. Orders of matrices are only the default.
fn norm(a: &Arguments, x: &Tensor, vector: bool) -> Result<Value> {
    let (axes, keepdims) = (a.axes(2)?, a.flag(3)?);
    let vectors = match &axes {
        Axes::All => vector,
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
