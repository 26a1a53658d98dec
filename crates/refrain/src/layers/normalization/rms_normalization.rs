//! Normalization by the root of the mean square.

use super::moments::{AxisList, at_least_f32, broadcastable, inverse_deviation, known_sizes};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, Layer, Weight, layer_methods, layer_options};
use crate::ops::{mean_of, prim};
use crate::tensor::Tensor;

layer_options! {
    /// Division of each sample by the root of its mean square along some axes: `x / sqrt(mean(x²) + epsilon) · scale`.
    ///
    /// Input and output of any one shape. Weights: `scale`, of the normalized axes' sizes.
    ///
    /// ```
    /// use refrain::layers::RmsNormalization;
    /// use refrain::input;
    /// let y = RmsNormalization::new().epsilon(1e-5).call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/normalization/rms_normalization.py`.
    RmsNormalization, RmsNormalizationOptions {
        /// Axis or axes that are normalized, typically those of the features.
        axis: AxisList = AxisList::from(-1),
        /// Small number added to the mean square to avoid division by zero.
        epsilon: f64 = 1e-6,
    }
}

impl RmsNormalization {
    /// A layer over the last axis.
    pub fn new() -> Self {
        RmsNormalizationOptions::default().into_layer()
    }
}

impl Default for RmsNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for RmsNormalizationOptions {
    type Output = Tensor;

    layer_methods!("RMSNormalization");

    fn build(&self, cx: &mut Build) -> Result<()> {
        let shape = cx.spec()?.shape;
        let axes = self.axis.resolve(shape.rank())?;
        cx.add_weight(Weight::new("scale", known_sizes(&shape, &axes)?).ones())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let original = cx.floats(inputs.one()?)?;
        let x = at_least_f32(&original)?;
        let axes = self.axis.resolve(x.rank())?;
        let mean_square = mean_of(&(&x * &x).checked()?, &axes, true)?;
        let scale = prim::convert(&cx.weight("scale")?, x.dtype())?;
        let scale = broadcastable(&scale, &axes, x.rank())?;
        let y = &x * inverse_deviation(&mean_square, self.epsilon)? * scale;
        prim::convert(&y.checked()?, original.dtype())
    }
}
