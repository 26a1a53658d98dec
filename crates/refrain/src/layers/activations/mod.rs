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

crate::layers::registry::rows! {
    "Activation" => ActivationOptions,
    "ELU" => EluOptions,
    "LeakyReLU" => LeakyReluOptions,
    "PReLU" => PReluOptions,
    "ReLU" => ReluOptions,
    "Softmax" => SoftmaxOptions,
}
