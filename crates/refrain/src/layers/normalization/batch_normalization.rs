//! Normalization over the batch.

use super::moments::{at_least_f32, broadcastable, inverse_deviation, masked_moments, moments};
use crate::config::Config;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Layer, Properties, Weight, weighted_options};
use crate::ops::prim;
use crate::regularizers::Regularizer;
use crate::tensor::{Tensor, resolve_axis};

weighted_options! {
    /// Normalization of each feature by its mean and variance over the batch.
    ///
    /// `y = (x - mean) / sqrt(variance + epsilon) · gamma + beta`. While fitting, mean and variance are those of the
    /// batch (of the elements that the mask keeps), and the moving statistics follow them:
    /// `moving = moving · momentum + batch · (1 - momentum)`. Otherwise, and in a frozen layer, the moving statistics
    /// take their place.
    ///
    /// Input and output of any one shape. Weights: `gamma`, `beta`, `moving_mean`, `moving_variance`, each
    /// `(features,)`; the last two are not trained.
    ///
    /// ```
    /// use refrain::layers::BatchNormalization;
    /// use refrain::input;
    /// let layer = BatchNormalization::new().momentum(0.9).epsilon(1e-5);
    /// let y = layer.call(&input([28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 8)");
    /// assert_eq!(layer.any().trainable_weights().len(), 2);
    /// assert_eq!(layer.any().non_trainable_weights().len(), 2);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/normalization/batch_normalization.py`.
    BatchNormalization, BatchNormalizationOptions {
        /// Axis of the features, which keep a mean and a variance each; 1 with channels first.
        axis: i64 = -1,
        /// Momentum of the moving mean and variance: `moving · momentum + batch · (1 - momentum)` after each training step.
        momentum: f64 = 0.99,
        /// Small number added to the variance to avoid division by zero.
        epsilon: f64 = 1e-3,
        /// Whether the offset `beta` is added to the normalized values.
        center: bool = true,
        /// Whether the normalized values are multiplied by `gamma`.
        scale: bool = true,
    }
    weights {
        beta, "the offset `beta`": beta_initializer = Zeros, beta_regularizer, beta_constraint;
        gamma, "the factor `gamma`": gamma_initializer = Ones, gamma_regularizer, gamma_constraint;
        moving_mean, "the moving mean": moving_mean_initializer = Zeros;
        moving_variance, "the moving variance": moving_variance_initializer = Ones;
    }
    then {
        /// Whether statistics are taken over all devices; on one device it changes nothing.
        synchronized: bool = false,
        /// Keras's batch renormalization, which is not supported.
        renorm: bool = false,
        /// Momentum of batch renormalization.
        renorm_momentum: f64 = 0.99,
    }
}

impl BatchNormalization {
    /// A layer over the last axis.
    pub fn new() -> Self {
        BatchNormalizationOptions::default().into_layer()
    }
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchNormalizationOptions {
    /// The batch's mean and variance, over all axes but the features'.
    fn batch_moments(
        &self,
        x: &Tensor,
        mask: Option<Tensor>,
        axis: usize,
    ) -> Result<(Tensor, Tensor)> {
        let others: Vec<usize> = (0..x.rank()).filter(|&a| a != axis).collect();
        let Some(mask) = mask else {
            return moments(x, &others);
        };
        if mask.rank() + 1 != x.rank() {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("a mask of rank {}, one less than the input", x.rank() - 1),
                format!("shape {}", mask.shape()),
            ));
        }
        let mut shape = mask.shape().dims().to_vec();
        shape.push(Some(1));
        let mask = prim::broadcast_to(&prim::reshape(&mask, shape)?, &x.shape())?;
        masked_moments(x, &mask, &others)
    }

    fn follow(&self, cx: &Call, name: &str, batch: &Tensor) -> Result<()> {
        let old = cx.weight(name)?;
        let batch = prim::convert(&prim::reshape(batch, old.shape())?, old.dtype())?;
        cx.assign(name, &(old * self.momentum + batch * (1.0 - self.momentum)))
    }
}

impl Layer for BatchNormalizationOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "BatchNormalization"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "training", "mask"],
            uses_sample_masks: true,
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        config.insert("renorm_clipping".to_owned(), serde_json::Value::Null);
        config
    }

    fn validate(&self) -> Result<()> {
        match self.renorm {
            false => Ok(()),
            true => Err(Error::new(
                ErrorKind::Unsupported,
                "batch renormalization (option `renorm`) is not supported",
            )),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let features = cx.dim(self.axis)?;
        if self.scale {
            cx.add_weight(Weight::new("gamma", [features]).rules(self.gamma()))?;
        }
        if self.center {
            cx.add_weight(Weight::new("beta", [features]).rules(self.beta()))?;
        }
        let statistics = [
            ("moving_mean", &self.moving_mean_initializer),
            ("moving_variance", &self.moving_variance_initializer),
        ];
        for (name, initializer) in statistics {
            let weight = Weight::new(name, [features]).initializer(initializer);
            cx.add_weight(weight.trainable(false))?;
        }
        let rank = cx.spec()?.shape.rank();
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(self.axis, features));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        /// Where Keras has the argument `mask`, after `training`.
        const MASK_POSITION: usize = 2;
        let (original, mask) = (inputs.one()?, inputs.mask_at(MASK_POSITION));
        let x = at_least_f32(original)?;
        let axis = resolve_axis(self.axis, x.rank())?;
        let weight = |name: &str| -> Result<Option<Tensor>> {
            let Some(weight) = cx.optional_weight(name)? else {
                return Ok(None);
            };
            let weight = prim::convert(&weight, x.dtype())?;
            broadcastable(&weight, &[axis], x.rank()).map(Some)
        };
        let statistic = |name: &str| -> Result<Tensor> {
            let weight = prim::convert(&cx.weight(name)?, x.dtype())?;
            broadcastable(&weight, &[axis], x.rank())
        };
        let (mean, variance) = if cx.training() && cx.trainable() {
            let (mean, variance) = self.batch_moments(&x, mask, axis)?;
            self.follow(cx, "moving_mean", &mean)?;
            self.follow(cx, "moving_variance", &variance)?;
            (mean, variance)
        } else {
            (statistic("moving_mean")?, statistic("moving_variance")?)
        };
        let mut factor = inverse_deviation(&variance, self.epsilon)?;
        if let Some(gamma) = weight("gamma")? {
            factor = factor * gamma;
        }
        let mut offset = -(mean * &factor);
        if let Some(beta) = weight("beta")? {
            offset = offset + beta;
        }
        let dtype = match original.dtype() {
            dtype if dtype.is_float() => dtype,
            _ => cx.layer.dtype(),
        };
        prim::convert(&(x * factor + offset).checked()?, dtype)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
