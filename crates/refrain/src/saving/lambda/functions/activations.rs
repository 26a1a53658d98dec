//! Keras's activation functions, which differ from the functions of `ops` in their arguments and defaults.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::activations::Activation;
use crate::error::{Error, ErrorKind, Result};
use crate::ops;

/// A function without further arguments.
fn plain(a: &Arguments) -> Result<Value> {
    let (_, name) = a.name().rsplit_once('.').unwrap_or_default();
    let activation = Activation::from_name(name).ok_or_else(|| {
        let message = format!("no activation function `{name}`");
        Error::new(ErrorKind::Internal, message)
    })?;
    Ok(activation.apply(&a.tensor(0)?).into())
}

functions! { TABLE {
    [
        "activations.exponential(x)", "activations.hard_sigmoid(x)", "activations.hard_silu(x)",
        "activations.hard_swish(x)", "activations.hard_tanh(x)", "activations.linear(x)", "activations.log_sigmoid(x)",
        "activations.mish(x)", "activations.relu6(x)", "activations.selu(x)", "activations.sigmoid(x)",
        "activations.silu(x)", "activations.softplus(x)", "activations.softsign(x)", "activations.sparse_plus(x)",
        "activations.sparse_sigmoid(x)", "activations.swish(x)", "activations.tanh(x)", "activations.tanh_shrink(x)",
    ] => plain;
    ["activations.celu(x, alpha=1.0)"] => |a| Ok(ops::celu(&a.tensor(0)?, a.number(1)?).into());
    ["activations.elu(x, alpha=1.0)"] => |a| Ok(ops::elu(&a.tensor(0)?, a.number(1)?).into());
    ["activations.gelu(x, approximate=False)"] => |a| Ok(ops::gelu(&a.tensor(0)?, a.flag(1)?).into());
    ["activations.glu(x, axis=-1)"] => |a| Ok(ops::glu(&a.tensor(0)?, a.axis(1)?).into());
    ["activations.hard_shrink(x, threshold=0.5)"] => |a| {
        Ok(ops::hard_shrink(&a.tensor(0)?, a.number(1)?).into())
    };
    ["activations.leaky_relu(x, negative_slope=0.2)"] => |a| {
        Ok(ops::leaky_relu(&a.tensor(0)?, a.number(1)?).into())
    };
    ["activations.log_softmax(x, axis=-1)"] => |a| Ok(ops::log_softmax(&a.tensor(0)?, a.axis(1)?).into());
    ["activations.relu(x, negative_slope=0.0, max_value=None, threshold=0.0)"] => |a| {
        Ok(ops::relu_with(&a.tensor(0)?, a.number(1)?, a.optional_number(2)?, a.number(3)?).into())
    };
    ["activations.soft_shrink(x, threshold=0.5)"] => |a| {
        Ok(ops::soft_shrink(&a.tensor(0)?, a.number(1)?).into())
    };
    ["activations.softmax(x, axis=-1)"] => |a| Ok(ops::softmax(&a.tensor(0)?, a.axes(1)?).into());
    ["activations.sparsemax(x, axis=-1)"] => |a| Ok(ops::sparsemax(&a.tensor(0)?, a.axis(1)?).into());
    ["activations.squareplus(x, b=4)"] => |a| Ok(ops::squareplus(&a.tensor(0)?, a.number(1)?).into());
    ["activations.threshold(x, threshold, default_value)"] => |a| {
        Ok(ops::threshold(&a.tensor(0)?, a.number(1)?, a.number(2)?).into())
    };
}}
