//! Activation functions that Keras writes as layers: `Dense(8, activation=LeakyReLU(0.1))`.

use refrain_graph::DType;
use serde_json::Value as Json;

use super::{Activation, ActivationClass};
use crate::config::{ConfigValue, dtype_from_json, dtype_policy, not_negative};
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

/// Declares a function with the options that all layers have, and says which of its own must not be negative.
macro_rules! layer_function {
    (
        $(#[$meta:meta])*
        $name:ident as $class:literal [$($arguments:tt)*] { $($fields:tt)* }
        $(at least 0: $($least:ident),*;)?
        |$layer:ident, $x:ident| $value:expr
    ) => {
        options! {
            $(#[$meta])*
            pub struct $name as $class: Activation [$($arguments)*] {
                $($fields)*
                /// Name of the layer in files; Keras's own by default.
                name: Option<String> = None,
                /// Whether the layer trains. It has nothing to train.
                trainable: bool = true,
                /// The type that numbers are converted to.
                dtype: DTypePolicy = DTypePolicy(DType::F32),
            }
        }

        impl ActivationClass for $name {
            fn call(&self, x: &Tensor) -> Tensor {
                $($(if let Err(e) = not_negative(stringify!($least), self.$least) {
                    return Tensor::invalid(e);
                })*)?
                let ($layer, $x) = (self, ops::cast_floats(x, self.dtype.0));
                $value
            }
        }
    };
}

layer_function! {
    /// The exponential linear unit: `x` above 0, else `alpha · (exp(x) - 1)`.
    ///
    /// ```
    /// use refrain::{activations::Elu, layers::Dense};
    /// let layer = Dense::new(4).activation(Elu::new(0.5));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/elu.py`.
    Elu as "ELU" [
        /// Slope of the negative part, `alpha · (exp(x) - 1)`, which tends to `-alpha`.
        alpha: f64 = 1.0,
    ] {}
    |elu, x| ops::elu(x, elu.alpha)
}

layer_function! {
    /// The leaky rectified linear unit: `x` where it is not negative, else `negative_slope · x`.
    ///
    /// ```
    /// use refrain::{activations::LeakyRelu, layers::Dense};
    /// let layer = Dense::new(4).activation(LeakyRelu::new(0.1));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/leaky_relu.py`.
    LeakyRelu as "LeakyReLU" [
        /// Slope of the negative part, at least 0.
        negative_slope: f64 = 0.3,
    ] {}
    at least 0: negative_slope;
    |leaky, x| ops::leaky_relu(x, leaky.negative_slope)
}

layer_function! {
    /// The rectified linear unit: `x` above the threshold and at most `max_value`, `negative_slope · (x - threshold)` below.
    ///
    /// ```
    /// use refrain::{activations::Relu, layers::Dense};
    /// let layer = Dense::new(4).activation(Relu::new().max_value(2.0));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/relu.py`.
    Relu as "ReLU" [] {
        /// Largest output, at least 0; unlimited by default.
        max_value: Option<f64> = None,
        /// Slope below the threshold, at least 0.
        negative_slope: f64 = 0.0,
        /// Input above which the output is the input, at least 0.
        threshold: f64 = 0.0,
    }
    at least 0: max_value, negative_slope, threshold;
    |relu, x| ops::relu_with(x, relu.negative_slope, relu.max_value, relu.threshold)
}

layer_function! {
    /// Softmax over one axis or several.
    ///
    /// ```
    /// use refrain::{activations::Softmax, layers::Dense};
    /// let layer = Dense::new(4).activation(Softmax::new(1));
    /// ```
    ///
    /// Source: `keras/src/layers/activations/softmax.py`.
    Softmax as "Softmax" [
        /// Axis or axes along which the outputs are normalized to sum to 1.
        axis: Axes = Axes::from(-1),
    ] {}
    |softmax, x| ops::softmax(x, softmax.axis.clone())
}
