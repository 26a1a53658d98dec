//! Normalization over the features of each sample.

use super::moments::{
    AxisList, at_least_f32, broadcastable, inverse_deviation, known_sizes, moments,
};
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_methods, weighted_options};
use crate::ops::prim;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

weighted_options! {
    /// Normalization of each sample by the mean and variance along some of its axes.
    ///
    /// `y = (x - mean) / sqrt(variance + epsilon) · gamma + beta`. Input and output of any one shape. Weights: `gamma`,
    /// `beta`, each of the normalized axes' sizes.
    ///
    /// ```
    /// use refrain::layers::LayerNormalization;
    /// use refrain::input;
    /// let layer = LayerNormalization::new().epsilon(1e-6);
    /// let y = layer.call(&input([None, Some(64)]))?;
    /// assert_eq!(y.shape().to_string(), "(None, None, 64)");
    /// assert_eq!(layer.count_params(), 128);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/normalization/layer_normalization.py`.
    LayerNormalization, LayerNormalizationOptions {
        /// Axis or axes that are normalized, typically those of the features.
        axis: AxisList = AxisList::from(-1),
        /// Small number added to the variance to avoid division by zero.
        epsilon: f64 = 1e-3,
        /// Whether the offset `beta` is added to the normalized values.
        center: bool = true,
        /// Whether the normalized values are multiplied by `gamma`.
        scale: bool = true,
        /// Keras's old option: scales by the deviation without taking the mean away, and has no `beta`.
        rms_scaling: bool = false,
    }
    weights {
        beta, "the offset `beta`": beta_initializer = Zeros, beta_regularizer, beta_constraint;
        gamma, "the factor `gamma`": gamma_initializer = Ones, gamma_regularizer, gamma_constraint;
    }
}

impl LayerNormalization {
    /// A layer over the last axis.
    pub fn new() -> Self {
        LayerNormalizationOptions::default().into_layer()
    }
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for LayerNormalizationOptions {
    type Output = Tensor;

    layer_methods!("LayerNormalization");

    fn build(&self, cx: &mut Build) -> Result<()> {
        let shape = cx.spec()?.shape;
        let axes = self.axis.resolve(shape.rank())?;
        let sizes = known_sizes(&shape, &axes)?;
        if self.scale || self.rms_scaling {
            cx.add_weight(Weight::new("gamma", sizes.clone()).rules(self.gamma()))?;
        }
        if self.center && !self.rms_scaling {
            cx.add_weight(Weight::new("beta", sizes.clone()).rules(self.beta()))?;
        }
        let spec = InputSpec::new().ndim(shape.rank());
        let sized = axes.iter().zip(&sizes);
        cx.set_input_spec(sized.fold(spec, |spec, (&axis, &size)| spec.axis(axis as i64, size)));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let original = cx.floats(inputs.one()?)?;
        let x = at_least_f32(&original)?;
        let axes = self.axis.resolve(x.rank())?;
        let (mean, variance) = moments(&x, &axes)?;
        let factor = inverse_deviation(&variance, self.epsilon)?;
        let mut y = match self.rms_scaling {
            true => &x * factor,
            false => (&x - mean) * factor,
        };
        let weight = |weight: Tensor| {
            let weight = prim::convert(&weight, x.dtype())?;
            broadcastable(&weight, &axes, x.rank())
        };
        if let Some(gamma) = cx.optional_weight("gamma")? {
            y = y * weight(gamma)?;
        }
        if let Some(beta) = cx.optional_weight("beta")? {
            y = y + weight(beta)?;
        }
        prim::convert(&y.checked()?, original.dtype())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
