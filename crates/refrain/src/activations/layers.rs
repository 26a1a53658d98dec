//! Activation functions that Keras writes as layers: `Dense(8, activation=LeakyReLU(0.1))`.

use refrain_graph::DType;
use serde_json::Value as Json;

use super::{Activation, ActivationClass};
use crate::config::{ConfigValue, dtype_from_json, dtype_policy};
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

/// The type of a layer, which files write as Keras's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DTypePolicy(pub DType);

impl From<DType> for DTypePolicy {
    fn from(dtype: DType) -> Self {
        DTypePolicy(dtype)
    }
}

impl ConfigValue for DTypePolicy {
    fn to_json(&self) -> Json {
        dtype_policy(self.0)
    }

    fn from_json(json: &Json) -> Result<Self> {
        dtype_from_json(json).map(DTypePolicy)
    }
}

/// Floats in the type of a layer, as layers convert their inputs.
fn converted(x: &Tensor, policy: DTypePolicy) -> Tensor {
    match x.dtype().is_float() {
        true => ops::cast(x, policy.0),
        false => x.clone(),
    }
}

options! {
    /// The exponential linear unit: `x` above 0, else `alpha · (exp(x) - 1)`.
    ///
    /// ```
    /// use refrain::{activations::Elu, layers::Dense};
    /// let layer = Dense::new(4).activation(Elu::new(0.5));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/elu.py`.
    pub struct Elu as "ELU": Activation [
        /// Slope of the negative part, `alpha · (exp(x) - 1)`, which tends to `-alpha`.
        alpha: f64 = 1.0,
    ] {
        /// Name of the layer in files; Keras's own by default.
        name: Option<String> = None,
        /// Whether the layer trains. It has nothing to train.
        trainable: bool = true,
        /// The type that numbers are converted to.
        dtype: DTypePolicy = DTypePolicy(DType::F32),
    }
}

impl ActivationClass for Elu {
    fn call(&self, x: &Tensor) -> Tensor {
        ops::elu(converted(x, self.dtype), self.alpha)
    }
}

options! {
    /// The leaky rectified linear unit: `x` where it is not negative, else `negative_slope · x`.
    ///
    /// ```
    /// use refrain::{activations::LeakyRelu, layers::Dense};
    /// let layer = Dense::new(4).activation(LeakyRelu::new(0.1));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/leaky_relu.py`.
    pub struct LeakyRelu as "LeakyReLU": Activation [
        /// Slope of the negative part.
        negative_slope: f64 = 0.3,
    ] {
        /// Name of the layer in files; Keras's own by default.
        name: Option<String> = None,
        /// Whether the layer trains. It has nothing to train.
        trainable: bool = true,
        /// The type that numbers are converted to.
        dtype: DTypePolicy = DTypePolicy(DType::F32),
    }
}

impl ActivationClass for LeakyRelu {
    fn call(&self, x: &Tensor) -> Tensor {
        ops::leaky_relu(converted(x, self.dtype), self.negative_slope)
    }
}

options! {
    /// The rectified linear unit: `x` above the threshold and at most `max_value`, `negative_slope · (x - threshold)` below.
    ///
    /// ```
    /// use refrain::{activations::Relu, layers::Dense};
    /// let layer = Dense::new(4).activation(Relu::new().max_value(2.0));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/relu.py`.
    pub struct Relu as "ReLU": Activation {
        /// Largest output; unlimited by default.
        max_value: Option<f64> = None,
        /// Slope below the threshold.
        negative_slope: f64 = 0.0,
        /// Input above which the output is the input.
        threshold: f64 = 0.0,
        /// Name of the layer in files; Keras's own by default.
        name: Option<String> = None,
        /// Whether the layer trains. It has nothing to train.
        trainable: bool = true,
        /// The type that numbers are converted to.
        dtype: DTypePolicy = DTypePolicy(DType::F32),
    }
}

impl ActivationClass for Relu {
    fn call(&self, x: &Tensor) -> Tensor {
        let x = converted(x, self.dtype);
        ops::relu_with(x, self.negative_slope, self.max_value, self.threshold)
    }
}

options! {
    /// Softmax over one axis or several.
    ///
    /// ```
    /// use refrain::{activations::Softmax, layers::Dense};
    /// let layer = Dense::new(4).activation(Softmax::new(1));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/softmax.py`.
    pub struct Softmax: Activation [
        /// Axis or axes along which the outputs are normalized to sum to 1.
        axis: Axes = Axes::from(-1),
    ] {
        /// Name of the layer in files; Keras's own by default.
        name: Option<String> = None,
        /// Whether the layer trains. It has nothing to train.
        trainable: bool = true,
        /// The type that numbers are converted to.
        dtype: DTypePolicy = DTypePolicy(DType::F32),
    }
}

impl ActivationClass for Softmax {
    fn call(&self, x: &Tensor) -> Tensor {
        ops::softmax(converted(x, self.dtype), self.axis.clone())
    }
}
