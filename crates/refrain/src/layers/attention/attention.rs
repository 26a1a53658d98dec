//! Attention by products of queries and keys.

use refrain_graph::{Reduction, UnaryOp};
use serde_json::Value as Json;

use super::operands::{self, Operands, product};
use super::options::{Attend, call_with_scores, list_methods};
use crate::config::{ConfigValue, unexpected};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, Layer, Weight, layer_options};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// How [`Attention`] scores a query against a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ScoreMode {
    /// Their product.
    #[default]
    Dot,
    /// The sum of the hyperbolic tangent of their sum.
    Concat,
}

impl ConfigValue for ScoreMode {
    fn to_json(&self) -> Json {
        match self {
            ScoreMode::Dot => "dot".into(),
            ScoreMode::Concat => "concat".into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        match json.as_str() {
            Some("dot") => Ok(ScoreMode::Dot),
            Some("concat") => Ok(ScoreMode::Concat),
            _ => Err(unexpected("dot or concat", json)),
        }
    }
}

layer_options! {
    /// Attention: each query gives the mean of the values, weighted by how well their keys fit it.
    ///
    /// Called on `[query, value]` or `[query, value, key]`, with the further arguments `use_causal_mask` and
    /// `return_attention_scores` (see [`call_with_scores`](Self::call_with_scores)). Masks that the query and the value
    /// carry count.
    ///
    /// Query `(batch, queries, size)`, value `(batch, values, features)`, key `(batch, values, size)`, output
    /// `(batch, queries, features)`. Weights: `scale ()` with `use_scale`, `concat_score_weight ()` with
    /// [`ScoreMode::Concat`].
    ///
    /// ```
    /// use refrain::layers::Attention;
    /// use refrain::input;
    /// let y = Attention::new().use_scale(true).dropout(0.1).call([&input([5, 16]), &input([7, 16])])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 16)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/attention/attention.py`.
    Attention, AttentionOptions {
        /// Whether a trained scalar multiplies the scores.
        use_scale: bool = false,
        /// How scores are computed: `Dot`, the dot product of query and key, or `Concat`, the sum of tanh(query + key) over the
        /// features.
        score_mode: ScoreMode = ScoreMode::Dot,
        /// Fraction of the attention scores that is dropped in training, in `[0, 1]`.
        dropout: f64 = 0.0,
        /// Seed of the dropout, with which it draws the same numbers in each process.
        seed: Option<u64> = None,
    }
}

impl Attention {
    /// A layer that scores by products, without weights.
    pub fn new() -> Self {
        AttentionOptions::default().into_layer()
    }
}

impl Default for Attention {
    fn default() -> Self {
        Self::new()
    }
}

impl Attend for AttentionOptions {
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        let scale = cx.optional_weight("scale")?;
        let scaled = |x: Tensor| match &scale {
            Some(scale) => (x * scale).checked(),
            None => Ok(x),
        };
        operands::attend(cx, inputs, self.dropout, |operands| match self.score_mode {
            ScoreMode::Dot => {
                let (query, key) = (&operands.roles.query, operands.roles.key());
                scaled(product(query, key, key.rank() - 1)?)
            }
            ScoreMode::Concat => {
                let sums = prim::unary(UnaryOp::Tanh, &scaled(operands.sums()?)?)?;
                let total = ops::reduce(&sums, Reduction::Sum, &[sums.rank() - 1], false)?;
                (total * cx.weight("concat_score_weight")?).checked()
            }
        })
    }

    fn output_mask(&self, inputs: &Inputs) -> Result<Option<Tensor>> {
        Ok(Operands::of(inputs)?.query_mask)
    }
}

impl Layer for AttentionOptions {
    list_methods!("Attention");

    fn build(&self, cx: &mut Build) -> Result<()> {
        Operands::of(cx.inputs())?;
        if self.use_scale {
            cx.add_weight(Weight::new("scale", []).ones())?;
        }
        if self.score_mode == ScoreMode::Concat {
            cx.add_weight(Weight::new("concat_score_weight", []).ones())?;
        }
        if self.dropout > 0.0 {
            cx.add_seed(self.seed);
        }
        Ok(())
    }
}

call_with_scores!(Attention);
