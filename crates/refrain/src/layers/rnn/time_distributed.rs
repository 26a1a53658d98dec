//! A layer applied to each step of a sequence.

use refrain_graph::{Dim, Shape};

use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::restoring::Restoring;
use crate::layers::rnn::recurrence::slice;
use crate::layers::{
    AnyLayer, Build, Call, Handle, InputSpec, Layer, Outputs, Penalized, Properties, serialized,
};
use crate::ops::{self, prim};
use crate::tensor::Tensor;
use crate::trace::Penalties;
use crate::utils::sizes;

/// The options of a [`TimeDistributed`].
#[doc(hidden)]
#[derive(Clone)]
pub struct TimeDistributedOptions {
    layer: AnyLayer,
}

/// A layer applied to each step of a sequence, with the same weights in every step.
///
/// Input `(batch, time, …)`, output `(batch, time, …)`.
///
/// ```
/// use refrain::input;
/// use refrain::layers::{Conv2D, TimeDistributed};
/// let layer = TimeDistributed::new(Conv2D::new(4, 3));
/// assert_eq!(layer.call(&input([10, 8, 8, 3]))?.shape().to_string(), "(None, 10, 6, 6, 4)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/rnn/time_distributed.py`.
pub type TimeDistributed = Handle<TimeDistributedOptions>;

impl TimeDistributed {
    /// This layer in each step.
    pub fn new(layer: impl Into<AnyLayer>) -> Self {
        let layer = layer.into();
        TimeDistributedOptions { layer }.into_layer()
    }
}

/// Where Keras has the argument `mask`, after `training`.
const MASK_POSITION: usize = 2;

impl TimeDistributedOptions {
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let json = config
            .get("layer")
            .ok_or_else(|| unexpected("a layer", &serde_json::Value::Null))?;
        Ok(TimeDistributedOptions {
            layer: serialized::from_json(json, context)?,
        })
    }

    /// All steps at once, as a longer batch: right for layers that treat the samples of a batch each by itself.
    fn folded(&self, cx: &Call, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let shape = x.shape();
        let fold = |t: &Tensor| {
            let shape = t.shape();
            let [batch, time, rest @ ..] = shape.dims() else {
                return Ok(t.clone());
            };
            let rows = batch.zip(*time).map(|(b, t)| sizes::times(b, t));
            let rows = rows.transpose()?;
            prim::reshape(t, [&[rows], rest].concat())
        };
        let mask = mask.filter(|m| self.takes_mask(m));
        let mask = mask.map(fold).transpose()?;
        let folded = Inputs::new(fold(x)?.with_mask(mask));
        let y = self.call_layer(cx, folded, shape.dim(1).unwrap_or(1))?;
        let unfold = |t: &Tensor| {
            let dims: Vec<Dim> = [&shape.dims()[..2], &t.shape().dims()[1..]].concat();
            prim::reshape(t, Shape::from(dims))
        };
        let mask = y.mask().as_ref().map(unfold).transpose()?;
        Ok(unfold(&y)?.with_mask(mask))
    }

    /// Step by step, as Keras does: statistics of a batch are those of one step.
    fn stepwise(&self, cx: &Call, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let Some(time) = x.shape().dim(1) else {
            return self.folded(cx, x, mask);
        };
        let mask = mask.filter(|m| self.takes_mask(m));
        sizes::check_steps(time)?;
        let step = |x: &Tensor, t: usize| {
            let mut shape = x.shape();
            shape.dims_mut().remove(1);
            prim::reshape(&slice(x, 1, t, t + 1)?, shape)
        };
        let steps = (0..time).map(|t| {
            let mask = mask.map(|mask| step(mask, t)).transpose()?;
            self.call_layer(cx, Inputs::new(step(x, t)?.with_mask(mask)), 1)
        });
        let steps = steps.collect::<Result<Vec<_>>>()?;
        ops::stack(steps, 1).checked()
    }

    /// Calls the layer on so many steps at once. As in Keras, its own outputs have no penalty, and those of the layers inside
    /// it have one for each step.
    fn call_layer(&self, cx: &Call, inputs: Inputs, steps: usize) -> Result<Tensor> {
        let penalties = Penalties {
            own: false,
            steps: cx.trace.penalties().steps.saturating_mul(steps.max(1)),
        };
        let call = || self.layer.call_structure(&inputs);
        Tensor::from_structure(cx.trace.with_penalties(penalties, call)?)
    }

    /// Whether the layer uses the mask of a step. Keras gives it all masks; with one of whole samples few know what to do.
    fn takes_mask(&self, mask: &Tensor) -> bool {
        mask.rank() > 2 || self.layer.properties().uses_sample_masks
    }

    /// Whether a layer inside the layer has a penalty that is no sum over samples.
    fn has_penalty_of_batches(&self) -> bool {
        let mut found = false;
        self.layer.visit_layers(&mut |layer| {
            let penalty = layer.activity_regularizer();
            let of_batch = penalty.is_some_and(|p| !p.is_separable());
            found |= of_batch && *layer != self.layer;
        });
        found
    }
}

/// Whether a layer changes something in training besides its trained weights.
pub(crate) fn has_batch_statistics(layer: &AnyLayer) -> bool {
    let weights = layer.weights();
    weights.iter().any(|w| !w.declared_trainable())
}

impl Layer for TimeDistributedOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "TimeDistributed"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "training", "mask"],
            keras2_masks: MaskRule::OfInner,
            penalties: Penalized::Steps,
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.insert("layer".to_owned(), serialized::to_json(&self.layer));
        config
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        InputSpec::new()
            .min_ndim(3)
            .check("TimeDistributed", &cx.spec()?)?;
        cx.set_input_spec(InputSpec::new().min_ndim(3));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let x = inputs.one()?;
        let mask = inputs.mask_at(MASK_POSITION);
        if let (Some(mask), Some(steps)) = (&mask, x.shape().dim(1))
            && mask
                .shape()
                .dims()
                .get(1)
                .copied()
                .flatten()
                .is_some_and(|m| m != steps)
        {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("a mask of {steps} steps"),
                format!("shape {}", mask.shape()),
            ));
        }
        // In Keras 2 they are those of all steps together.
        let each = inputs.mask_rule() != MaskRule::OfInner;
        let of_batches = each && cx.training() && has_batch_statistics(&self.layer);
        match of_batches || self.has_penalty_of_batches() {
            true => self.stepwise(cx, x, mask.as_ref()),
            false => self.folded(cx, x, mask.as_ref()),
        }
    }

    /// The mask of the steps; in Keras 2 that of the layer inside, or whether anything counts in a step.
    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mask = inputs.mask_at(MASK_POSITION);
        if inputs.mask_rule() != MaskRule::OfInner {
            return Ok(vec![mask]);
        }
        let inner = outputs.first().and_then(Tensor::mask);
        let steps = mask.map(|mask| {
            let axes: Vec<i64> = (2..mask.rank() as i64).collect();
            match axes.is_empty() {
                true => Ok(mask),
                false => ops::any(&mask, axes, false).checked(),
            }
        });
        Ok(vec![inner.or(steps.transpose()?)])
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        vec![("layer".to_owned(), self.layer.clone())]
    }

    fn duplicate(&self) -> Option<Self> {
        let layer = self.layer.fresh_copy().ok()?;
        Some(TimeDistributedOptions { layer })
    }
}
