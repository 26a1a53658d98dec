//! Keras's activation functions without further arguments.

use super::super::arguments::Arguments;
use super::super::value::Value;
use super::functions;
use crate::activations::Activation;
use crate::error::Result;

fn plain(a: &Arguments) -> Result<Value> {
    let (_, name) = a.name().rsplit_once('.').unwrap_or_default();
    let activation = Activation::from_config(&name.into())?;
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
}}
