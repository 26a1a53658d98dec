//! Activation functions.

use serde_json::Value as Json;

use crate::error::Result;
use crate::layers::{ConfigValue, unexpected};
use crate::ops;
use crate::tensor::Tensor;

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// `x`.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// Applies it.
    pub fn apply(self, x: &Tensor) -> Tensor {
        match self {
            Activation::Linear => x.clone(),
            Activation::Relu => ops::maximum(x, 0.0),
            Activation::Tanh => ops::tanh(x),
        }
    }

    /// Keras's name.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
        }
    }
}

impl ConfigValue for Activation {
    fn to_json(&self) -> Json {
        self.name().into()
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json.as_str() {
            None if json.is_null() => Ok(Activation::Linear),
            Some("linear") => Ok(Activation::Linear),
            Some("relu") => Ok(Activation::Relu),
            Some("tanh") => Ok(Activation::Tanh),
            _ => Err(unexpected("an activation function", json)),
        }
    }
}
