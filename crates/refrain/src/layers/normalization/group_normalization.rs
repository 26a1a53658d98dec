//! Normalization over groups of channels.

use refrain_graph::Dim;

use super::moments::{at_least_f32, inverse_deviation, moments};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_methods, weighted_options};
use crate::ops::prim;
use crate::regularizers::Regularizer;
use crate::tensor::{Tensor, resolve_axis};

weighted_options! {
    /// Normalization of each sample by the mean and variance of groups of its channels.
    ///
    /// Input and output of any one shape. Weights: `gamma`, `beta`, each `(channels,)`.
    ///
    /// ```
    /// use refrain::layers::GroupNormalization;
    /// use refrain::input;
    /// let layer = GroupNormalization::new(4).epsilon(1e-5);
    /// let y = layer.call(&input([28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 8)");
    /// assert!(GroupNormalization::new(3).call(&input([28, 28, 8])).is_err());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/normalization/group_normalization.py`.
    GroupNormalization, GroupNormalizationOptions {
        /// Number of groups that the channels are split into; divides them. -1: a group for each channel, which is instance
        /// normalization.
        groups: i64 = 32,
        /// Axis of the channels.
        axis: i64 = -1,
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
    }
}

impl GroupNormalization {
    /// A layer of this many groups over the last axis; -1 makes each channel its own group.
    pub fn new(groups: i64) -> Self {
        GroupNormalizationOptions {
            groups,
            ..GroupNormalizationOptions::default()
        }
        .into_layer()
    }
}

impl GroupNormalizationOptions {
    /// The number of groups of so many channels.
    fn groups_of(&self, channels: usize) -> Result<usize> {
        let groups = match self.groups {
            -1 => Some(channels),
            groups => usize::try_from(groups).ok(),
        };
        let fits = |&g: &usize| g > 0 && channels.is_multiple_of(g);
        groups.filter(fits).ok_or_else(|| {
            Error::mismatch(
                ErrorKind::Config,
                format!("a number of groups that divides {channels} channels, or -1"),
                self.groups.to_string(),
            )
        })
    }
}

impl Layer for GroupNormalizationOptions {
    type Output = Tensor;

    layer_methods!("GroupNormalization");

    fn build(&self, cx: &mut Build) -> Result<()> {
        let channels = cx.dim(self.axis)?;
        self.groups_of(channels)?;
        if self.scale {
            cx.add_weight(Weight::new("gamma", [channels]).rules(self.gamma()))?;
        }
        if self.center {
            cx.add_weight(Weight::new("beta", [channels]).rules(self.beta()))?;
        }
        let rank = cx.spec()?.shape.rank();
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(self.axis, channels));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let original = cx.floats(inputs.one()?)?;
        let shape = original.shape();
        let axis = resolve_axis(self.axis, shape.rank())?;
        let channels = shape.dim(axis).unwrap_or(1);
        let groups = self.groups_of(channels)?;
        let split: [Dim; 2] = [Some(groups), Some(channels / groups)];
        let mut grouped = shape.dims().to_vec();
        grouped.splice(axis..=axis, split);
        let x = prim::reshape(&at_least_f32(&original)?, grouped.clone())?;

        let others: Vec<usize> = (1..grouped.len()).filter(|&a| a != axis).collect();
        let (mean, variance) = moments(&x, &others)?;
        let mut y = (&x - mean) * inverse_deviation(&variance, self.epsilon)?;
        let weight = |weight: Tensor| {
            let mut dims = vec![Some(1); grouped.len()];
            dims[axis..axis + 2].copy_from_slice(&split);
            prim::reshape(&prim::convert(&weight, x.dtype())?, dims)
        };
        if let Some(gamma) = cx.optional_weight("gamma")? {
            y = y * weight(gamma)?;
        }
        if let Some(beta) = cx.optional_weight("beta")? {
            y = y + weight(beta)?;
        }
        let y = prim::reshape(&y.checked()?, shape)?;
        prim::convert(&y, original.dtype())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
