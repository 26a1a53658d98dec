//! Attention by sums of queries and keys.

use refrain_graph::{Reduction, UnaryOp};

use super::operands::{self, Operands};
use super::options::{Attend, call_with_scores, list_methods};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, Layer, Weight, layer_options};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

layer_options! {
    /// Attention whose scores are `Σ scale · tanh(query + key)`.
    ///
    /// Called as [`Attention`](super::Attention). Query `(batch, queries, size)`, value `(batch, values, features)`,
    /// key `(batch, values, size)`, output `(batch, queries, features)`. Weights: `scale (size,)` with `use_scale`.
    ///
    /// ```
    /// use refrain::layers::AdditiveAttention;
    /// use refrain::input;
    /// let layer = AdditiveAttention::new();
    /// let (y, scores) = layer.call_with_scores([&input([5, 16]), &input([7, 16])])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 16)");
    /// assert_eq!(scores.shape().to_string(), "(None, 5, 7)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/attention/additive_attention.py`; Bahdanau et al., 2014.
    AdditiveAttention, AdditiveAttentionOptions {
        /// Whether a trained vector `scale` of the size of the query multiplies the summands of the scores.
        use_scale: bool = true,
        /// Fraction of the attention scores that is dropped in training, in `[0, 1]`.
        dropout: f64 = 0.0,
        /// Seed of the dropout, with which it draws the same numbers in each process.
        seed: Option<u64> = None,
    }
}

impl AdditiveAttention {
    /// A layer with trained factors.
    pub fn new() -> Self {
        AdditiveAttentionOptions::default().into_layer()
    }
}

impl Default for AdditiveAttention {
    fn default() -> Self {
        Self::new()
    }
}

impl Attend for AdditiveAttentionOptions {
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        operands::attend(cx, inputs, self.dropout, |operands| {
            let mut sums = prim::unary(UnaryOp::Tanh, &operands.sums()?)?;
            if let Some(scale) = cx.optional_weight("scale")? {
                sums = (sums * scale).checked()?;
            }
            ops::reduce(&sums, Reduction::Sum, &[sums.rank() - 1], false)
        })
    }

    fn output_mask(&self, inputs: &Inputs) -> Result<Option<Tensor>> {
        Ok(Operands::of(inputs)?.query_mask)
    }
}

impl Layer for AdditiveAttentionOptions {
    list_methods!("AdditiveAttention");

    fn build(&self, cx: &mut Build) -> Result<()> {
        Operands::of(cx.inputs())?;
        if self.use_scale {
            cx.add_weight(Weight::new("scale", [cx.last_dim()?]))?;
        }
        if self.dropout > 0.0 {
            cx.add_seed(self.seed);
        }
        Ok(())
    }
}

call_with_scores!(AdditiveAttention);
