//! The rectified linear unit.

use crate::activations;
use crate::config::not_negative;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::ops;
use crate::tensor::Tensor;

layer_options! {
    /// The rectified linear unit: `x` above the threshold and at most `max_value`, `negative_slope · (x - threshold)` below.
    ///
    /// Input and output of any one shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::Relu};
    /// let y = Relu::new().max_value(6.0).negative_slope(0.1).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/relu.py`.
    Relu, ReluOptions {
        /// Largest output, at least 0; unlimited by default.
        max_value: Option<f64> = None,
        /// Slope below the threshold, at least 0.
        negative_slope: f64 = 0.0,
        /// Input above which the output is the input, at least 0; below it, `negative_slope · (x - threshold)`.
        threshold: f64 = 0.0,
    }
}

impl Relu {
    /// A layer with no slope below 0 and no largest output.
    pub fn new() -> Self {
        ReluOptions::default().into_layer()
    }
}

impl Default for Relu {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Relu> for activations::Activation {
    /// The function of the layer, for `Dense::new(4).activation(layer)`.
    fn from(layer: Relu) -> Self {
        let options = layer.options();
        let function = activations::Relu::new().negative_slope(options.negative_slope);
        let function = function
            .threshold(options.threshold)
            .max_value(options.max_value);
        function
            .name(layer.get_name().to_owned())
            .dtype(layer.any().dtype())
            .into()
    }
}

impl Layer for ReluOptions {
    type Output = Tensor;

    layer_methods!("ReLU");

    fn validate(&self) -> Result<()> {
        not_negative("max_value", self.max_value)?;
        not_negative("negative_slope", self.negative_slope)?;
        not_negative("threshold", self.threshold)
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        Ok(ops::relu_with(
            x,
            self.negative_slope,
            self.max_value,
            self.threshold,
        ))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
