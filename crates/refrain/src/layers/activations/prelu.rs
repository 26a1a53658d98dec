//! The rectified linear unit with learned slopes.

use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_methods, weighted_options};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

weighted_options! {
    /// The rectified linear unit with a learned slope below 0 for each element: `x` above 0, else `alpha · x`.
    ///
    /// Input and output of any one shape whose sizes are known, but for the batch and shared axes. Weights: `alpha`, of the
    /// shape of a sample, with size 1 along shared axes. Masks pass.
    ///
    /// ```
    /// use refrain::{input, layers::PRelu};
    /// let layer = PRelu::new().shared_axes(vec![1, 2]);
    /// let y = layer.call(&input([28, 28, 16]))?;
    /// assert_eq!(layer.count_params(), 16);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/activations/prelu.py`.
    PRelu, PReluOptions {
    }
    weights { alpha, "the slopes `alpha`": alpha_initializer = Zeros, alpha_regularizer, alpha_constraint; }
    then {
        /// Axes along which one slope is shared, 1 being the first after the batch: `[1, 2]` gives images one for each channel.
        /// By default each element has its own.
        shared_axes: Option<Vec<usize>> = None,
    }
}

impl PRelu {
    /// A layer with a slope for each element, 0 at first.
    pub fn new() -> Self {
        PReluOptions::default().into_layer()
    }
}

impl Default for PRelu {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for PReluOptions {
    type Output = Tensor;

    layer_methods!("PReLU");

    fn build(&self, cx: &mut Build) -> Result<()> {
        let spec = cx.spec()?;
        let rank = spec.shape.rank();
        let shared = self.shared_axes.clone().unwrap_or_default();
        if let Some(axis) = shared.iter().find(|&&a| a == 0 || a >= rank) {
            let expected = format!("shared axes between 1 and {}", rank.saturating_sub(1));
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                axis.to_string(),
            ));
        }
        let mut input_spec = InputSpec::new().ndim(rank);
        let mut sizes = Vec::new();
        for axis in 1..rank {
            if shared.contains(&axis) {
                sizes.push(1);
                continue;
            }
            let size = cx.dim(axis as i64)?;
            sizes.push(size);
            if !shared.is_empty() {
                input_spec = input_spec.axis(axis as i64, size);
            }
        }
        cx.add_weight(Weight::new("alpha", sizes).rules(self.alpha()))?;
        cx.set_input_spec(input_spec);
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = &cx.floats(inputs.one()?)?;
        Ok(ops::relu(x) - cx.weight("alpha")? * ops::relu(&-x))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
