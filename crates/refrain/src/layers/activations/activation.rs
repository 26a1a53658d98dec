//! An activation function as a layer.

use crate::activations;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// An activation function as a layer of its own.
    ///
    /// Input and output of any one shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{activations, input, layers::Activation};
    /// let y = Activation::new(activations::Activation::Gelu).call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/activation.py`.
    Activation, ActivationOptions {
        /// Activation function, applied element by element or, like softmax, along an axis.
        activation: activations::Activation = activations::Activation::Linear,
    }
}

impl Activation {
    /// A layer that applies this function.
    pub fn new(activation: activations::Activation) -> Self {
        ActivationOptions { activation }.into_layer()
    }
}

impl Layer for ActivationOptions {
    type Output = Tensor;

    layer_methods!("Activation");

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(self.activation.apply(inputs.one()?))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
