//! Functions of single elements.

use super::super::value::Value;
use super::functions;
use crate::config::EPSILON;
use crate::ops;
use refrain_graph::DType;

functions! { TABLE {
    // Keras 2's backend takes negative numbers for 0.
    ["K.sqrt(x)"] => |a| Ok(ops::sqrt(&ops::maximum(&a.tensor(0)?, 0)).into());
    ["K.hard_sigmoid(x)"] => |a| {
        let line = ops::add(ops::multiply(&a.tensor(0)?, 0.2), 0.5);
        Ok(ops::clip(&line, 0.0, 1.0).into())
    };
    ["tf.identity(input)"] => |a| Ok(a.tensor(0)?.into());
    ["tf.squared_difference(x, y)"] => |a| {
        let (x, y) = a.operands()?;
        Ok(ops::square(&ops::subtract(x, y)).into())
    };
    ["K.clip(x, min_value, max_value)"] => |a| {
        let low = a.optional_number(1)?.unwrap_or(f64::NEG_INFINITY);
        let high = a.optional_number(2)?.unwrap_or(f64::INFINITY);
        Ok(ops::clip(&a.tensor(0)?, low, high.max(low)).into())
    };
    ["tf.add_n(inputs)"] => |a| {
        let total = a.tensors(0)?.into_iter().reduce(ops::add);
        total.map(Value::Tensor).ok_or_else(|| a.unfit(0, "tensors"))
    };
    ["K.epsilon()"] => |_| Ok(Value::Float(EPSILON));
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
