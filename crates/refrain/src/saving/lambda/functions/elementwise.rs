//! Functions of single elements.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::error::Result;
use crate::ops::{self, Operand};
use crate::tensor::Tensor;
use refrain_graph::DType;

fn unary(a: &Arguments, function: fn(&Tensor) -> Tensor) -> Result<Value> {
    Ok(function(&a.tensor(0)?).into())
}

fn binary(a: &Arguments, function: fn(Operand, Operand) -> Tensor) -> Result<Value> {
    let (x, y) = a.operands()?;
    Ok(function(x, y).into())
}

functions! { UNARY {
    ["abs(x)", "absolute(x)", "K.abs(x)", "tf.abs(x)"] => |a| unary(a, ops::abs);
    ["negative(x)", "tf.negative(x)"] => |a| unary(a, ops::negative);
    ["sign(x)", "K.sign(x)", "tf.sign(x)"] => |a| unary(a, ops::sign);
    ["square(x)", "K.square(x)", "tf.square(x)"] => |a| unary(a, ops::square);
    ["sqrt(x)", "tf.sqrt(x)"] => |a| unary(a, ops::sqrt);
    // Keras 2's backend takes negative numbers for 0.
    ["K.sqrt(x)"] => |a| Ok(ops::sqrt(&ops::maximum(&a.tensor(0)?, 0)).into());
    ["rsqrt(x)", "tf.rsqrt(x)"] => |a| unary(a, ops::rsqrt);
    ["exp(x)", "K.exp(x)", "tf.exp(x)"] => |a| unary(a, ops::exp);
    ["expm1(x)", "tf.expm1(x)"] => |a| unary(a, ops::expm1);
    ["log(x)", "K.log(x)", "tf.log(x)"] => |a| unary(a, ops::log);
    ["log1p(x)", "tf.log1p(x)"] => |a| unary(a, ops::log1p);
    ["log2(x)"] => |a| unary(a, ops::log2);
    ["log10(x)"] => |a| unary(a, ops::log10);
    ["sin(x)", "K.sin(x)", "tf.sin(x)"] => |a| unary(a, ops::sin);
    ["cos(x)", "K.cos(x)", "tf.cos(x)"] => |a| unary(a, ops::cos);
    ["tan(x)", "tf.tan(x)"] => |a| unary(a, ops::tan);
    ["arcsin(x)", "tf.asin(x)"] => |a| unary(a, ops::arcsin);
    ["arccos(x)", "tf.acos(x)"] => |a| unary(a, ops::arccos);
    ["arctan(x)", "tf.atan(x)"] => |a| unary(a, ops::arctan);
    ["sinh(x)", "tf.sinh(x)"] => |a| unary(a, ops::sinh);
    ["cosh(x)", "tf.cosh(x)"] => |a| unary(a, ops::cosh);
    ["tanh(x)", "K.tanh(x)", "tf.tanh(x)"] => |a| unary(a, ops::tanh);
    ["arcsinh(x)", "tf.asinh(x)"] => |a| unary(a, ops::arcsinh);
    ["arccosh(x)", "tf.acosh(x)"] => |a| unary(a, ops::arccosh);
    ["arctanh(x)", "tf.atanh(x)"] => |a| unary(a, ops::arctanh);
    ["erf(x)", "tf.erf(x)"] => |a| unary(a, ops::erf);
    ["floor(x)", "tf.floor(x)"] => |a| unary(a, ops::floor);
    ["ceil(x)", "tf.ceil(x)"] => |a| unary(a, ops::ceil);
    ["K.round(x)", "tf.round(x)"] => |a| Ok(ops::round(&a.tensor(0)?, 0).into());
    ["reciprocal(x)", "tf.reciprocal(x)"] => |a| unary(a, ops::reciprocal);
    ["isnan(x)", "tf.is_nan(x)"] => |a| unary(a, ops::isnan);
    ["isinf(x)", "tf.is_inf(x)"] => |a| unary(a, ops::isinf);
    ["isfinite(x)", "tf.is_finite(x)"] => |a| unary(a, ops::isfinite);
    ["logical_not(x)", "tf.logical_not(x)"] => |a| unary(a, ops::logical_not);
    ["sigmoid(x)", "K.sigmoid(x)", "tf.sigmoid(x)"] => |a| unary(a, ops::sigmoid);
    ["softplus(x)", "K.softplus(x)", "tf.softplus(features)"] => |a| unary(a, ops::softplus);
    ["softsign(x)", "K.softsign(x)", "tf.softsign(features)"] => |a| unary(a, ops::softsign);
    ["log_sigmoid(x)", "tf.log_sigmoid(x)"] => |a| unary(a, ops::log_sigmoid);
    ["silu(x)", "swish(x)", "tf.silu(features)", "tf.swish(features)"] => |a| unary(a, ops::silu);
    ["mish(x)"] => |a| unary(a, ops::mish);
    ["selu(x)", "tf.selu(features)"] => |a| unary(a, ops::selu);
    ["relu6(x)", "tf.relu6(features)"] => |a| unary(a, ops::relu6);
    ["relu(x)", "tf.relu(features)"] => |a| unary(a, ops::relu);
    ["hard_sigmoid(x)"] => |a| unary(a, ops::hard_sigmoid);
    ["K.hard_sigmoid(x)"] => |a| {
        let line = ops::add(ops::multiply(&a.tensor(0)?, 0.2), 0.5);
        Ok(ops::clip(&line, 0.0, 1.0).into())
    };
    ["stop_gradient(variable)", "K.stop_gradient(variables)", "tf.stop_gradient(input)"] => |a| unary(a, ops::stop_gradient);
    ["tf.identity(input)"] => |a| Ok(a.tensor(0)?.into());
}}

functions! { BINARY {
    ["add(x1, x2)", "tf.add(x, y)"] => |a| binary(a, ops::add);
    ["subtract(x1, x2)", "tf.subtract(x, y)"] => |a| binary(a, ops::subtract);
    ["multiply(x1, x2)", "tf.multiply(x, y)"] => |a| binary(a, ops::multiply);
    ["divide(x1, x2)", "true_divide(x1, x2)", "tf.divide(x, y)", "tf.truediv(x, y)"] => |a| binary(a, ops::divide);
    ["floor_divide(x1, x2)", "tf.floordiv(x, y)"] => |a| binary(a, ops::floor_divide);
    ["mod(x1, x2)", "tf.mod(x, y)", "tf.floormod(x, y)"] => |a| binary(a, ops::modulo);
    ["power(x1, x2)", "K.pow(x, a)", "tf.pow(x, y)"] => |a| binary(a, ops::power);
    ["maximum(x1, x2)", "K.maximum(x, y)", "tf.maximum(x, y)"] => |a| binary(a, ops::maximum);
    ["minimum(x1, x2)", "K.minimum(x, y)", "tf.minimum(x, y)"] => |a| binary(a, ops::minimum);
    ["arctan2(x1, x2)", "tf.atan2(y, x)"] => |a| binary(a, ops::arctan2);
    ["equal(x1, x2)", "K.equal(x, y)", "tf.equal(x, y)"] => |a| binary(a, ops::equal);
    ["not_equal(x1, x2)", "K.not_equal(x, y)", "tf.not_equal(x, y)"] => |a| binary(a, ops::not_equal);
    ["less(x1, x2)", "K.less(x, y)", "tf.less(x, y)"] => |a| binary(a, ops::less);
    ["less_equal(x1, x2)", "K.less_equal(x, y)", "tf.less_equal(x, y)"] => |a| binary(a, ops::less_equal);
    ["greater(x1, x2)", "K.greater(x, y)", "tf.greater(x, y)"] => |a| binary(a, ops::greater);
    ["greater_equal(x1, x2)", "K.greater_equal(x, y)", "tf.greater_equal(x, y)"] => |a| binary(a, ops::greater_equal);
    ["logical_and(x1, x2)", "tf.logical_and(x, y)"] => |a| binary(a, ops::logical_and);
    ["logical_or(x1, x2)", "tf.logical_or(x, y)"] => |a| binary(a, ops::logical_or);
    ["logical_xor(x1, x2)", "tf.logical_xor(x, y)"] => |a| binary(a, ops::logical_xor);
    ["tf.squared_difference(x, y)"] => |a| {
        let (x, y) = a.operands()?;
        Ok(ops::square(&ops::subtract(x, y)).into())
    };
    ["tf.divide_no_nan(x, y)"] => |a| {
        let (x, y) = (a.tensor(0)?, a.tensor(1)?);
        Ok(ops::where_(&ops::equal(&y, 0), 0, ops::divide(&x, &y)).into())
    };
}}

functions! { OTHERS {
    ["clip(x, x_min, x_max)", "tf.clip_by_value(t, clip_value_min, clip_value_max)"] => |a| {
        Ok(ops::clip(&a.tensor(0)?, a.number(1)?, a.number(2)?).into())
    };
    ["K.clip(x, min_value, max_value)"] => |a| {
        let low = a.optional_number(1)?.unwrap_or(f64::NEG_INFINITY);
        let high = a.optional_number(2)?.unwrap_or(f64::INFINITY);
        Ok(ops::clip(&a.tensor(0)?, low, high.max(low)).into())
    };
    ["K.relu(x, alpha=0.0, max_value=None, threshold=0.0)"] => |a| {
        Ok(ops::relu_with(&a.tensor(0)?, a.number(1)?, a.optional_number(2)?, a.number(3)?).into())
    };
    ["leaky_relu(x, negative_slope=0.2)", "tf.leaky_relu(features, alpha=0.2)"] => |a| {
        Ok(ops::leaky_relu(&a.tensor(0)?, a.number(1)?).into())
    };
    ["elu(x, alpha=1.0)", "K.elu(x, alpha=1.0)"] => |a| Ok(ops::elu(&a.tensor(0)?, a.number(1)?).into());
    ["tf.elu(features)"] => |a| Ok(ops::elu(&a.tensor(0)?, 1.0).into());
    ["gelu(x, approximate=True)", "tf.gelu(features, approximate=False)"] => |a| {
        Ok(ops::gelu(&a.tensor(0)?, a.flag(1)?).into())
    };
    ["round(x, decimals=0)"] => |a| Ok(ops::round(&a.tensor(0)?, a.axis(1)?).into());
    ["cast(x, dtype)", "K.cast(x, dtype)", "tf.cast(x, dtype)"] => |a| {
        Ok(ops::cast(&a.tensor(0)?, a.dtype(1)?).into())
    };
    ["where(condition, x1, x2)", "tf.where(condition, x, y)"] => |a| {
        Ok(ops::where_(&a.tensor(0)?, a.operand(1)?, a.operand(2)?).into())
    };
    ["zeros_like(x, dtype=None)", "K.zeros_like(x, dtype=None)", "tf.zeros_like(input, dtype=None)"] => |a| {
        Ok(ops::zeros_like(&a.tensor(0)?, a.optional_dtype(1)?).into())
    };
    ["ones_like(x, dtype=None)", "K.ones_like(x, dtype=None)", "tf.ones_like(input, dtype=None)"] => |a| {
        Ok(ops::ones_like(&a.tensor(0)?, a.optional_dtype(1)?).into())
    };
    ["full_like(x, fill_value, dtype=None)"] => |a| {
        Ok(ops::full_like(&a.tensor(0)?, a.operand(1)?, a.optional_dtype(2)?).into())
    };
    ["tf.add_n(inputs)"] => |a| {
        let total = a.tensors(0)?.into_iter().reduce(ops::add);
        total.map(Value::Tensor).ok_or_else(|| a.unfit(0, "tensors"))
    };
    ["K.epsilon()"] => |_| Ok(Value::Float(KERAS_EPSILON));
    ["K.floatx()"] => |_| Ok(Value::Text("float32".to_owned()));
    [
        "K.constant(value, dtype=None)", "tf.constant(value, dtype=None)", "tf.convert_to_tensor(value, dtype=None)",
    ] => |a| match (a.value(0), a.optional_dtype(1)?) {
        (number @ (Value::Int(_) | Value::Float(_)), None) => Ok(number.clone()),
        (_, None) if a.name() == "K.constant" => Ok(a.array(0, Some(DType::F32))?.into()),
        (_, dtype) => Ok(a.array(0, dtype)?.into()),
    };
    ["array(x, dtype=None)", "convert_to_tensor(x, dtype=None)"] => |a| {
        Ok(a.array(0, a.optional_dtype(1)?)?.into())
    };
}}

/// Keras's `backend.epsilon()` as it is unless a program sets another.
const KERAS_EPSILON: f64 = 1e-7;
