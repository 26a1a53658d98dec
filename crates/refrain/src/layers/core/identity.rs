//! The input itself.

use crate::error::Result;
use crate::inputs::{Inputs, MaskRule};
use crate::layers::{Call, Layer, Properties, layer_methods, layer_options};
use crate::tensor::Tensor;

layer_options! {
    /// Its input, unchanged.
    ///
    /// Input and output of any one shape. No weights. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::Identity};
    /// let y = Identity::new().call(&input([4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/identity.py`.
    Identity, IdentityOptions {
    }
}

impl Identity {
    /// The layer.
    pub fn new() -> Self {
        IdentityOptions::default().into_layer()
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for IdentityOptions {
    type Output = Tensor;

    layer_methods!("Identity");

    fn properties(&self) -> Properties {
        Properties {
            keras2_masks: MaskRule::Lost,
            ..Properties::default()
        }
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(inputs.one()?.clone())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
