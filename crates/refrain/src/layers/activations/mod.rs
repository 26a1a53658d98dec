//! Activation functions as layers.

#[allow(clippy::module_inception)]
mod activation;
mod elu;
mod leaky_relu;
mod prelu;
mod relu;
mod softmax;

pub use activation::{Activation, ActivationOptions};
pub use elu::{Elu, EluOptions};
pub use leaky_relu::{LeakyRelu, LeakyReluOptions};
pub use prelu::{PRelu, PReluOptions};
pub use relu::{Relu, ReluOptions};
pub use softmax::{Softmax, SoftmaxOptions};

use crate::error::{Error, ErrorKind, Result};

/// Refuses a negative option.
fn not_negative(option: &str, value: f64) -> Result<()> {
    match value >= 0.0 {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Config,
            format!("`{option}` of at least 0"),
            value.to_string(),
        )),
    }
}

crate::layers::registry::rows! {
    "Activation" => ActivationOptions,
    "ELU" => EluOptions,
    "LeakyReLU" => LeakyReluOptions,
    "PReLU" => PReluOptions,
    "ReLU" => ReluOptions,
    "Softmax" => SoftmaxOptions,
}
