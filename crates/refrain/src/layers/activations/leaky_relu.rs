//! The leaky rectified linear unit.

use crate::activations;
use crate::config::not_negative;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::ops;
use crate::tensor::Tensor;

layer_options! {
    /// The leaky rectified linear unit: `x` where it is not negative, else `negative_slope · x`.
    ///
    /// Input and output of any one shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::LeakyRelu};
    /// let y = LeakyRelu::new().negative_slope(0.1).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/leaky_relu.py`.
    LeakyRelu, LeakyReluOptions {
        /// Slope of the negative part, at least 0.
        negative_slope: f64 = 0.3,
    }
}

impl LeakyRelu {
    /// A layer with slope 0.3 below 0.
    pub fn new() -> Self {
        LeakyReluOptions::default().into_layer()
    }
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self::new()
    }
}

impl From<LeakyRelu> for activations::Activation {
    /// The function of the layer, for `Dense::new(4).activation(layer)`.
    fn from(layer: LeakyRelu) -> Self {
        let function = activations::LeakyRelu::new(layer.options().negative_slope);
        function
            .name(layer.get_name().to_owned())
            .dtype(layer.any().dtype())
            .into()
    }
}

impl Layer for LeakyReluOptions {
    type Output = Tensor;

    layer_methods!("LeakyReLU");

    fn validate(&self) -> Result<()> {
        not_negative("negative_slope", self.negative_slope)
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(ops::leaky_relu(inputs.one()?, self.negative_slope))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
