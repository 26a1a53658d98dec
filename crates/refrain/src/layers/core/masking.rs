//! Masking.

use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, layer_methods, layer_options};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

layer_options! {
    /// Masks the steps whose features all have one value, and makes them zero.
    ///
    /// Input and output `(batch, steps, features)`. No weights. The output carries a mask `(batch, steps)`, true where a step
    /// counts.
    ///
    /// ```
    /// use refrain::{input, layers::Masking};
    /// let y = Masking::new().mask_value(-1.0).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/masking.py`.
    Masking, MaskingOptions {
        /// Steps whose features all equal this value are masked.
        mask_value: f64 = 0.0,
    }
}

impl Masking {
    /// A layer that masks steps of zeros.
    pub fn new() -> Self {
        MaskingOptions::default().into_layer()
    }
}

impl Default for Masking {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for MaskingOptions {
    type Output = Tensor;

    layer_methods!("Masking");

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let kept = self.kept(x, true);
        prim::select(&kept.checked()?, x, &prim::constant_like(x, 0.0)?)
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        _outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(self.kept(inputs.one()?, false).checked()?)])
    }

    fn supports_masking(&self) -> bool {
        true
    }
}

impl MaskingOptions {
    /// Whether any feature of a step differs from the value.
    fn kept(&self, x: &Tensor, keepdims: bool) -> Tensor {
        ops::any(&ops::not_equal(x, self.mask_value), -1, keepdims)
    }
}
