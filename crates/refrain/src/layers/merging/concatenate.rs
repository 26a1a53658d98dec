//! Tensors side by side.

use refrain_graph::Dim;

use super::KERAS2_MASKS;
use super::base_merge::{combined_mask, listed, shapes};
use crate::DType;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Call, Layer, MaskMerging, Properties, layer_options};
use crate::ops;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

layer_options! {
    /// Its inputs side by side along an axis.
    ///
    /// Input: a list of tensors whose shapes agree in all other axes. No weights. If any input has a mask, the output
    /// has one; inputs without a mask count as unmasked.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([6]));
    /// let y = layers::concatenate([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 16)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/concatenate.py`.
    Concatenate, ConcatenateOptions {
        /// Axis along which the inputs are concatenated; all other sizes are equal.
        axis: i64 = -1,
        /// Whether masks combine as in Keras 2: a step counts where it counts in all inputs. Files cannot hold it.
        keras2_masks: bool = false,
    }
}

impl Concatenate {
    /// A layer over the last axis.
    pub fn new() -> Self {
        ConcatenateOptions::default().into_layer()
    }
}

impl Default for Concatenate {
    fn default() -> Self {
        Self::new()
    }
}

/// Tensors side by side along the last axis; see [`Concatenate`].
pub fn concatenate(inputs: impl Into<Structure<Tensor>>) -> Result<Tensor> {
    Concatenate::new().call(Inputs::new(inputs))
}

impl Layer for ConcatenateOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Concatenate"
    }

    fn properties(&self) -> Properties {
        Properties {
            merging: match self.keras2_masks {
                true => MaskMerging::Keras2,
                false => MaskMerging::Joined,
            },
            own_options: &[KERAS2_MASKS],
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        config.retain(|key, _| self.keras2_masks || key != KERAS2_MASKS);
        config
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let xs = listed(inputs)?;
        self.check(&xs)?;
        ops::concatenate_traced(&xs, self.axis)
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        _outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let xs = listed(inputs)?;
        let Some(known) = xs.iter().find_map(|x| x.mask()) else {
            return Ok(vec![None]);
        };
        let axis = resolve_axis(self.axis, xs[0].rank())?;
        if axis + 1 == xs[0].rank() && known.rank() <= axis {
            // The steps stay what they are, so that their masks need no look at the values.
            let whole = !self.keras2_masks && xs.iter().any(|x| x.mask().is_none());
            return match whole {
                true => Ok(vec![Some(ops::ones_like(&known, Some(DType::Bool)))]),
                false => Ok(vec![combined_mask(inputs, self.keras2_masks)?]),
            };
        }
        let masks: Vec<Tensor> = xs.into_iter().map(mask_over).collect();
        let joined = ops::concatenate(masks, self.axis);
        let mask = match self.keras2_masks {
            true => ops::all(&joined, -1, false),
            false => ops::any(&joined, -1, false),
        };
        Ok(vec![Some(mask.checked()?)])
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }
}

/// The mask of an input over its elements, which all count without one.
fn mask_over(x: &Tensor) -> Tensor {
    let Some(mask) = x.mask() else {
        return ops::ones_like(x, Some(DType::Bool));
    };
    let columns = (mask.rank()..x.rank()).fold(mask, |m, _| ops::expand_dims(&m, -1));
    ops::logical_or(&columns, ops::zeros_like(x, Some(DType::Bool)))
}

impl ConcatenateOptions {
    fn check(&self, xs: &[&Tensor]) -> Result<()> {
        let rank = xs[0].rank();
        let axis = resolve_axis(self.axis, rank)?;
        let others = |x: &Tensor| -> Vec<Dim> {
            let dims = x.shape().dims().to_vec().into_iter().enumerate();
            dims.filter(|(i, _)| *i != axis).map(|(_, d)| d).collect()
        };
        let agree = |x: &&&Tensor| {
            let pairs = others(x).into_iter().zip(others(xs[0]));
            let mut pairs = pairs.map(|(a, b)| a.is_none() || b.is_none() || a == b);
            x.rank() == rank && pairs.all(|fits| fits)
        };
        if xs.iter().filter(agree).count() < xs.len() {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("inputs whose shapes agree in all axes but axis {axis}"),
                format!("shapes {}", shapes(xs)),
            )
            .hint("Bring them to agreeing shapes first, or concatenate along another axis"));
        }
        Ok(())
    }
}
