//! Attention by products of queries and keys.

use refrain_graph::{DotDims, Reduction, UnaryOp};
use serde_json::Value as Json;

use super::scores::{self, Roles, expand, flag, scored_call};
use crate::config::{ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::regularization::noise;
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

/// The list of tensors of a call, with their masks.
pub(super) struct Operands {
    pub(super) roles: Roles,
    query_mask: Option<Tensor>,
    value_mask: Option<Tensor>,
}

impl Operands {
    pub(super) fn of(inputs: &Inputs) -> Result<Self> {
        let count = inputs.first()?.flatten().len();
        if !(2..=3).contains(&count) {
            return Err(Error::mismatch(
                ErrorKind::Structure,
                "a list of a query and a value, and perhaps a key",
                format!("{count} tensors"),
            ));
        }
        let roles = Roles::of(inputs)?;
        let given = given_masks(inputs);
        let mask = |position: usize, tensor: &Tensor| match &given {
            Some(masks) => masks.get(position).cloned().flatten(),
            None => tensor.mask(),
        };
        Ok(Operands {
            query_mask: mask(0, &roles.query),
            value_mask: mask(1, &roles.value),
            roles,
        })
    }

    /// The same tensors as floats.
    pub(super) fn floats(mut self, cx: &Call) -> Result<Self> {
        self.roles = self.roles.floats(cx)?;
        Ok(self)
    }

    /// Query and key with axes for each other: `(…, queries, 1, size)` and `(…, 1, values, size)`, added.
    pub(super) fn sums(&self) -> Result<Tensor> {
        let (query, key) = (&self.roles.query, self.roles.key());
        let query = expand(query, query.rank() - 1)?;
        (query + expand(key, key.rank() - 2)?).checked()
    }

    /// The output and the weights of the values, from scores `(…, queries, values)`.
    pub(super) fn apply(
        &self,
        cx: &Call,
        inputs: &Inputs,
        scores: Tensor,
        dropout: f64,
    ) -> Result<(Tensor, Tensor)> {
        let value_mask = self.value_mask.as_ref();
        let mut mask = value_mask.map(|m| expand(m, m.rank() - 1)).transpose()?;
        if flag(inputs, "use_causal_mask") {
            let causal = scores::causal_mask(&scores, scores.dim(-2), scores.dim(-1))?;
            mask = scores::both(mask, Some(causal))?;
        }
        let scores = match &mask {
            Some(mask) => prim::select(mask, &scores, &(&scores - largest(&scores)))?,
            None => scores,
        };
        let weights = scores::softmax(&scores, 1)?;
        let kept = match cx.training() && dropout > 0.0 {
            true => noise::drop(cx, &weights, dropout, None)?,
            false => weights.clone(),
        };
        let rank = kept.rank();
        let output = product(&kept, &self.roles.value, rank - 2)?;
        let output = match &self.query_mask {
            Some(mask) => scores::fill(&output, &expand(mask, mask.rank())?, 0.0)?,
            None => output,
        };
        Ok((output, weights))
    }

    /// The query's mask for the output, none for the scores.
    pub(super) fn output_masks(self, outputs: usize) -> Vec<Option<Tensor>> {
        let mut masks = vec![None; outputs];
        if let Some(first) = masks.first_mut() {
            *first = self.query_mask;
        }
        masks
    }
}

/// The masks of query, value and key if the argument `mask` is given, as booleans.
fn given_masks(inputs: &Inputs) -> Option<Vec<Option<Tensor>>> {
    const POSITION: usize = 1;
    if let Some(masks) = inputs.get(POSITION, "mask") {
        let masks = masks.flatten().into_iter();
        return Some(masks.map(|m| (!m.is_absent()).then(|| m.clone())).collect());
    }
    let nothing = inputs.plain(POSITION, "mask").and_then(Json::as_array);
    nothing.map(|masks| vec![None; masks.len()])
}

/// What Keras takes away from the scores of hidden values.
fn largest(scores: &Tensor) -> f64 {
    match scores.dtype() {
        refrain_graph::DType::F16 => 65504.0,
        _ => 1e9,
    }
}

/// A product of stacks of matrices: the last axis of the left with axis `contracting` of the right.
fn product(a: &Tensor, b: &Tensor, contracting: usize) -> Result<Tensor> {
    let rank = a.rank();
    let dims = DotDims {
        lhs_batch: (0..rank - 2).collect(),
        rhs_batch: (0..rank - 2).collect(),
        lhs_contracting: vec![rank - 1],
        rhs_contracting: vec![contracting],
    };
    ops::dot_general(a, b, dims)
}

/// Refuses tensors that are not stacks of matrices of one rank.
pub(super) fn check_ranks(roles: &Roles) -> Result<()> {
    let rank = roles.query.rank();
    let one_rank = [&roles.value, roles.key()].iter().all(|t| t.rank() == rank);
    match one_rank && rank >= 2 {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            "tensors of one rank, 2 or more",
            format!(
                "shapes {}, {} and {}",
                roles.query.shape(),
                roles.value.shape(),
                roles.key().shape()
            ),
        )),
    }
}

/// The parts of [`Layer`] that are the same for attentions that are called on a list.
macro_rules! list_methods {
    () => {
        fn properties(&self) -> $crate::layers::Properties {
            $crate::layers::Properties {
                arguments: &["inputs", "mask"],
                ..$crate::layers::Properties::default()
            }
        }

        fn config(&self) -> $crate::config::Config {
            self.to_config()
        }

        fn validate(&self) -> Result<()> {
            $crate::layers::regularization::noise::check_rate("dropout", self.dropout)
        }

        fn compute_mask(
            &self,
            _cx: &Call,
            inputs: &Inputs,
            outputs: &[Tensor],
        ) -> Result<Vec<Option<Tensor>>> {
            Ok($crate::layers::attention::attention::Operands::of(inputs)?
                .output_masks(outputs.len()))
        }

        $crate::layers::attention::scores::attention_methods!();
    };
}

pub(super) use list_methods;

scored_call!(Attention);

impl AttentionOptions {
    fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        let operands = Operands::of(inputs)?.floats(cx)?;
        check_ranks(&operands.roles)?;
        let (query, key) = (&operands.roles.query, operands.roles.key());
        let scale = cx.optional_weight("scale")?;
        let scaled = |x: Tensor| match &scale {
            Some(scale) => (x * scale).checked(),
            None => Ok(x),
        };
        let scores = match self.score_mode {
            ScoreMode::Dot => scaled(product(query, key, key.rank() - 1)?)?,
            ScoreMode::Concat => {
                let sums = prim::unary(UnaryOp::Tanh, &scaled(operands.sums()?)?)?;
                let total = ops::reduce(&sums, Reduction::Sum, &[sums.rank() - 1], false)?;
                (total * cx.weight("concat_score_weight")?).checked()?
            }
        };
        operands.apply(cx, inputs, scores, self.dropout)
    }
}

impl Layer for AttentionOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Attention"
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        check_ranks(&Operands::of(cx.inputs())?.roles)?;
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

    list_methods!();
}
