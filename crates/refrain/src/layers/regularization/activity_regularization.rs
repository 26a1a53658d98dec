//! A penalty on a layer's output.

use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

layer_options! {
    /// Adds `l1·Σ|x| + l2·Σx²`, per sample of the batch, to the model's loss and hands its input on.
    ///
    /// Input and output of any one shape. No weights.
    ///
    /// ```
    /// use refrain::layers::ActivityRegularization;
    /// use refrain::input;
    /// let y = ActivityRegularization::new(0.0, 0.01).call(&input([10]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/activity_regularization.py`.
    ActivityRegularization, ActivityRegularizationOptions {
        /// L1 factor: the sum of absolute values is multiplied by it.
        l1: f64 = 0.0,
        /// L2 factor: the sum of squares is multiplied by it.
        l2: f64 = 0.0,
    }
}

impl ActivityRegularization {
    /// A layer with these factors.
    pub fn new(l1: f64, l2: f64) -> Self {
        ActivityRegularizationOptions { l1, l2 }.into_layer()
    }
}

impl Layer for ActivityRegularizationOptions {
    type Output = Tensor;

    layer_methods!("ActivityRegularization");

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(inputs.one()?.clone())
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        Some(Regularizer::l1_l2(self.l1, self.l2))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
