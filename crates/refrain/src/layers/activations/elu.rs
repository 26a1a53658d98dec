//! The exponential linear unit.

use crate::activations;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::ops;
use crate::tensor::Tensor;

layer_options! {
    /// The exponential linear unit: `x` above 0, else `alpha · (exp(x) - 1)`.
    ///
    /// Input and output of any one shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::Elu};
    /// let y = Elu::new().alpha(0.5).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/elu.py`.
    Elu, EluOptions {
        /// Slope of the negative part, `alpha · (exp(x) - 1)`, which tends to `-alpha`.
        alpha: f64 = 1.0,
    }
}

impl Elu {
    /// A layer with `alpha` 1.
    pub fn new() -> Self {
        EluOptions::default().into_layer()
    }
}

impl Default for Elu {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Elu> for activations::Activation {
    /// The function of the layer, for `Dense::new(4).activation(layer)`.
    fn from(layer: Elu) -> Self {
        let function = activations::Elu::new(layer.options().alpha);
        function
            .name(layer.get_name().to_owned())
            .dtype(layer.any().dtype())
            .into()
    }
}

impl Layer for EluOptions {
    type Output = Tensor;

    layer_methods!("ELU");

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(ops::elu(inputs.one()?, self.alpha))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
