//! Multi-head attention.

use refrain_graph::DotDims;
use serde_json::Value as Json;

use super::QUERY_MASK;
use super::multi_head_scores::AttentionAxes;
use super::scores::{self, RETURN_SCORES, Roles, both, expand, flag, outputs, scored_call};
use crate::config::{Config, ConfigValue};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::{Argument, Inputs};
use crate::layers::regularization::noise;
use crate::layers::{Build, Call, InputSpec, Layer, Penalized, Properties, Weight, layer_options};
use crate::ops::{self, prim, repeat_heads};
use crate::regularizers::Regularizer;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

layer_options! {
    /// Several attentions side by side: each head looks at the values where its query fits their keys.
    ///
    /// Called on `[query, value]`, `[query, value, key]`, on one tensor that looks at itself, or with the arguments
    /// `query`, `value`, `key`. Further arguments: `attention_mask` (true where a query may look at a value),
    /// `query_mask`, `value_mask`, `key_mask` (by default those that the tensors carry), `use_causal_mask` and
    /// `return_attention_scores` (see [`call_with_scores`](Self::call_with_scores)).
    ///
    /// Query `(batch, queries, features)`, value and key `(batch, values, features)`, output like the query. Weights:
    /// `query/kernel (features, heads, key_dim)`, `query/bias (heads, key_dim)`, the same for `key` and `value`,
    /// `attention_output/kernel (heads, value_dim, features)`, `attention_output/bias (features,)`.
    ///
    /// ```
    /// use refrain::layers::MultiHeadAttention;
    /// use refrain::{Inputs, input};
    /// let (query, value) = (input([5, 16]), input([7, 12]));
    /// let attention = MultiHeadAttention::new(4, 8).dropout(0.1);
    /// let y = attention.call([&query, &value])?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 16)");
    ///
    /// let looks_back = MultiHeadAttention::new(4, 8);
    /// looks_back.call(Inputs::new(&query).option("use_causal_mask", true))?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/attention/multi_head_attention.py`; Vaswani et al., "Attention Is All You Need", 2017.
    MultiHeadAttention, MultiHeadAttentionOptions {
        /// Number of attention heads.
        num_heads: usize = 0,
        /// Size of the query and the key of each head.
        key_dim: usize = 0,
        /// Size of the value of each head; `key_dim` by default.
        value_dim: Option<usize> = None,
        /// Fraction of the attention scores that is dropped in training, in `[0, 1]`.
        dropout: f64 = 0.0,
        /// Whether the projections of query, key, value and output add a bias.
        use_bias: bool = true,
        /// Whether the outputs of the heads are multiplied by a gate, the sigmoid of a projection of the query.
        use_gate: bool = false,
        /// Sizes of the output behind the batch and the attention axes; by default the size of the query's last axis.
        output_shape: OutputShape = OutputShape::default(),
        /// Axes over which attention is applied; by default all but the batch and the features.
        attention_axes: Option<Vec<i64>> = None,
        /// Distance in steps below which a query attends to a key; by default to all.
        sliding_window: Option<usize> = None,
        /// Initializer of the kernels of all projections.
        kernel_initializer: Initializer = Initializer::GlorotUniform,
        /// Initializer of the biases of all projections.
        bias_initializer: Initializer = Initializer::Zeros,
        /// Regularizer of the kernels of all projections.
        kernel_regularizer: Option<Regularizer> = None,
        /// Regularizer of the biases of all projections.
        bias_regularizer: Option<Regularizer> = None,
        /// Regularizer of the outputs of the projections.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the kernels of all projections, applied after each step of the optimizer.
        kernel_constraint: Option<Constraint> = None,
        /// Constraint on the biases of all projections, applied after each step of the optimizer.
        bias_constraint: Option<Constraint> = None,
        /// Seed of the dropout, with which it draws the same numbers in each process.
        seed: Option<u64> = None,
    }
}

/// Sizes of the last axes of an attention's output: one, several, or none for that of the query.
///
/// ```
/// use refrain::{input, layers::MultiHeadAttention};
/// let x = input([5, 16]);
/// let y = MultiHeadAttention::new(4, 8).output_shape(2).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 5, 2)");
/// let y = MultiHeadAttention::new(4, 8).output_shape([2, 3]).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 5, 2, 3)");
/// # Ok::<(), refrain::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputShape(pub Vec<usize>);

impl From<usize> for OutputShape {
    fn from(size: usize) -> Self {
        OutputShape(vec![size])
    }
}

impl<const N: usize> From<[usize; N]> for OutputShape {
    fn from(sizes: [usize; N]) -> Self {
        OutputShape(sizes.into())
    }
}

impl From<Vec<usize>> for OutputShape {
    fn from(sizes: Vec<usize>) -> Self {
        OutputShape(sizes)
    }
}

impl From<Option<Vec<usize>>> for OutputShape {
    fn from(sizes: Option<Vec<usize>>) -> Self {
        OutputShape(sizes.unwrap_or_default())
    }
}

impl ConfigValue for OutputShape {
    fn to_json(&self) -> Json {
        match self.0.is_empty() {
            true => Json::Null,
            false => self.0.to_json(),
        }
    }

    /// A size of 0 says nothing, as in Keras.
    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Number(n) if n.as_u64() == Some(0) => Ok(OutputShape::default()),
            Json::Number(_) => usize::from_json(json).map(OutputShape::from),
            json => Option::from_json(json).map(|sizes: Option<Vec<usize>>| sizes.into()),
        }
    }
}

impl MultiHeadAttention {
    /// A layer of so many heads with queries and keys of this size each.
    pub fn new(num_heads: usize, key_dim: usize) -> Self {
        MultiHeadAttentionOptions {
            num_heads,
            key_dim,
            ..MultiHeadAttentionOptions::default()
        }
        .into_layer()
    }
}

scored_call!(MultiHeadAttention);

/// The masks of a call.
pub(super) struct Masks {
    pub(super) query: Option<Tensor>,
    value: Option<Tensor>,
    key: Option<Tensor>,
    attention: Option<Tensor>,
}

impl Masks {
    pub(super) fn of(inputs: &Inputs, roles: &Roles) -> Self {
        let named = |name: &str| inputs.tensor(usize::MAX, name).cloned();
        Masks {
            query: named(QUERY_MASK).or_else(|| roles.query.mask()),
            value: named("value_mask").or_else(|| roles.value.mask()),
            key: named("key_mask").or_else(|| roles.key.as_ref()?.mask()),
            attention: named("attention_mask"),
        }
    }
}

impl MultiHeadAttentionOptions {
    fn value_dim(&self) -> usize {
        self.value_dim.unwrap_or(self.key_dim)
    }

    fn add_projection(
        &self,
        cx: &mut Build,
        name: &str,
        shape: Vec<usize>,
        input_axes: usize,
    ) -> Result<()> {
        let outputs = shape[input_axes..].to_vec();
        cx.add_weight(
            Weight::new(&format!("{name}/kernel"), shape)
                .input_axes(input_axes)
                .initializer(&self.kernel_initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        )?;
        if !self.use_bias {
            return Ok(());
        }
        cx.add_weight(
            Weight::new(&format!("{name}/bias"), outputs)
                .initializer(&self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint),
        )
    }

    /// The weights of all projections, and the seed. Keys and values may have fewer heads than queries.
    pub(super) fn add_projections(
        &self,
        cx: &mut Build,
        roles: &Roles,
        value_heads: usize,
    ) -> Result<()> {
        check_shapes(roles)?;
        self.axes(roles.query.rank())?;
        let query = features("query", &roles.query)?;
        let heads = vec![query, self.num_heads, self.key_dim];
        self.add_projection(cx, "query", heads, 1)?;
        let key = features("key", roles.key())?;
        self.add_projection(cx, "key", vec![key, value_heads, self.key_dim], 1)?;
        if self.use_gate {
            let heads = vec![query, self.num_heads, self.value_dim()];
            self.add_projection(cx, "gate", heads, 1)?;
        }
        let value = features("value", &roles.value)?;
        let heads = vec![value, value_heads, self.value_dim()];
        self.add_projection(cx, "value", heads, 1)?;
        let mut output = vec![self.num_heads, self.value_dim()];
        match &self.output_shape.0[..] {
            [] => output.push(query),
            sizes => output.extend(sizes),
        }
        self.add_projection(cx, "attention_output", output, 2)?;
        if self.dropout > 0.0 {
            cx.add_seed(self.seed);
        }
        Ok(())
    }

    /// Which outputs have penalties.
    pub(super) fn penalties(&self) -> Penalized {
        match self.activity_regularizer {
            Some(_) => Penalized::Projections,
            None => Penalized::Outputs,
        }
    }

    /// Adds a projection's bias and its penalty.
    fn finish_projection(&self, cx: &Call, name: &str, product: Tensor) -> Result<Tensor> {
        let projected = match cx.optional_weight(&format!("{name}/bias"))? {
            Some(bias) => (product + bias).checked()?,
            None => product,
        };
        if let Some(regularizer) = &self.activity_regularizer {
            cx.add_penalty(regularizer, &projected)?;
        }
        Ok(projected)
    }

    /// `(batch, …, features)` to `(batch, …, heads, size)`.
    fn project(&self, cx: &Call, name: &str, x: &Tensor) -> Result<Tensor> {
        let kernel = cx.weight(&format!("{name}/kernel"))?;
        if let (Some(got), Some(features)) = (x.dim(-1), kernel.dim(0))
            && got != features
        {
            let expected = format!("the last axis of the {name} to have size {features}");
            let received = format!("shape {}", x.shape());
            return Err(Error::mismatch(ErrorKind::Shape, expected, received));
        }
        let dims = DotDims {
            lhs_contracting: vec![x.rank() - 1],
            rhs_contracting: vec![0],
            ..DotDims::default()
        };
        self.finish_projection(cx, name, ops::dot_general(x, &kernel, dims)?)
    }

    fn axes(&self, rank: usize) -> Result<AttentionAxes> {
        let attended = match &self.attention_axes {
            None => (1..rank - 1).collect(),
            Some(axes) => {
                let axes = axes.iter().map(|&axis| resolve_axis(axis, rank));
                axes.collect::<Result<Vec<_>>>()?
            }
        };
        if attended.is_empty() || attended.iter().any(|&axis| axis == 0 || axis + 1 == rank) {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "attention axes other than the first and the last",
                format!("{:?}", self.attention_axes),
            ));
        }
        Ok(AttentionAxes::new(attended, rank))
    }

    /// Where queries may look, of shape `(batch, queries, values)` or what broadcasts to it.
    fn mask(&self, inputs: &Inputs, roles: &Roles, masks: &Masks) -> Result<Option<Tensor>> {
        let rows = |mask: &Option<Tensor>, axis_from_end: usize| {
            let expanded = mask.as_ref().map(|mask| {
                let mask = prim::convert(mask, refrain_graph::DType::Bool)?;
                expand(&mask, (mask.rank() + 1).saturating_sub(axis_from_end))
            });
            expanded.transpose()
        };
        let mut mask = both(rows(&masks.query, 1)?, rows(&masks.value, 2)?)?;
        mask = both(mask, rows(&masks.key, 2)?)?;
        let (queries, values) = (roles.query.dim(1), roles.value.dim(1));
        if flag(inputs, "use_causal_mask") {
            let causal = scores::causal_mask(&roles.query, queries, values)?;
            mask = both(mask, Some(causal))?;
        }
        if let Some(window) = self.sliding_window {
            let near = scores::window_mask(&roles.query, queries, values, window)?;
            mask = both(mask, Some(near))?;
        }
        let explicit = masks.attention.as_ref();
        let explicit = explicit.map(|mask| prim::convert(mask, refrain_graph::DType::Bool));
        both(explicit.transpose()?, mask)
    }

    /// The scores of queries and keys, as parts that add up to 1 over the values.
    ///
    /// Keras computes them in two forms, which differ for a query that may look at nothing: its fused form gives such
    /// a query the mean of all values, its explicit form zero.
    fn scores(
        &self,
        axes: &AttentionAxes,
        (query, key): (&Tensor, &Tensor),
        mask: Option<Tensor>,
        fused: bool,
    ) -> Result<Tensor> {
        let scale = 1.0 / (self.key_dim as f64).sqrt();
        let scores = axes.scores(&(query * scale).checked()?, key)?;
        let Some(mask) = mask else {
            return scores::softmax(&scores, axes.count());
        };
        let mask = axes.align_mask(&mask, &scores)?;
        let hidden = match fused {
            true => scores::lowest_logit(scores.dtype()),
            false => scores::hidden_logit(scores.dtype()),
        };
        let parts = scores::softmax(&scores::fill(&scores, &mask, hidden)?, axes.count())?;
        match fused {
            true => Ok(parts),
            false => scores::fill(&parts, &mask, 0.0),
        }
    }

    /// The output and the scores.
    pub(super) fn attend(&self, cx: &Call, inputs: &Inputs) -> Result<(Tensor, Tensor)> {
        /// Keras's fused attention is for `(batch, time, features)` only.
        const FUSED_RANK: usize = 3;
        let roles = Roles::of(inputs)?.floats(cx)?;
        check_shapes(&roles)?;
        let rank = roles.query.rank();
        let axes = self.axes(rank)?;
        let mask = self.mask(inputs, &roles, &Masks::of(inputs, &roles))?;
        let query = self.project(cx, "query", &roles.query)?;
        let key = repeat_heads(&self.project(cx, "key", roles.key())?, self.num_heads)?;
        let value = self.project(cx, "value", &roles.value)?;
        let value = repeat_heads(&value, self.num_heads)?;
        let fused = self.dropout == 0.0 && !flag(inputs, RETURN_SCORES) && rank == FUSED_RANK;
        let scores = self.scores(&axes, (&query, &key), mask, fused)?;
        let kept = match cx.training() && self.dropout > 0.0 {
            true => noise::drop(cx, &scores, self.dropout, None)?,
            false => scores.clone(),
        };
        let mut context = axes.context(&kept, &value)?;
        if self.use_gate {
            let gate = ops::sigmoid(&self.project(cx, "gate", &roles.query)?);
            context = (context * axes.as_context(&gate.checked()?)?).checked()?;
        }
        let kernel = cx.weight("attention_output/kernel")?;
        let output = axes.output(&context, &kernel)?;
        let output = self.finish_projection(cx, "attention_output", output)?;
        Ok((output, scores))
    }
}

/// A list of tensors as the arguments that it stands for.
pub(super) fn by_role(inputs: &Inputs) -> Result<Inputs> {
    let roles = Roles::of(inputs)?;
    let listed = |argument: &Argument| matches!(argument, Argument::Tensors(Structure::List(_)));
    if !inputs.args().first().is_some_and(listed) {
        return Ok(inputs.clone());
    }
    let mut call = Inputs::new(&roles.query).arg(&roles.value);
    if let Some(key) = &roles.key {
        call = call.kwarg("key", key);
    }
    let roles = ["query", "value", "key"];
    Ok(scores::with_options(call, inputs, &roles))
}

/// Refuses options that are 0.
pub(super) fn check_sizes(sizes: &[(&str, usize)]) -> Result<()> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some((option, _)) => {
            let expected = format!("a positive number for option `{option}`");
            Err(Error::mismatch(ErrorKind::Config, expected, "0"))
        }
        None => Ok(()),
    }
}

/// Values and keys must have the same steps, and all tensors the same rank.
fn check_shapes(roles: &Roles) -> Result<()> {
    let rank = roles.query.rank();
    for (name, tensor) in [("value", &roles.value), ("key", roles.key())] {
        if tensor.rank() != rank || rank < 3 {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("a query and a {name} of one rank, 3 or more"),
                format!("shapes {} and {}", roles.query.shape(), tensor.shape()),
            ));
        }
    }
    let (value, key) = (roles.value.shape(), roles.key().shape());
    let differs = |axis: usize| match (value.dim(axis), key.dim(axis)) {
        (Some(v), Some(k)) => v != k,
        _ => false,
    };
    if (1..rank - 1).any(differs) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a value and a key that differ in their last axis only",
            format!("shapes {value} and {key}"),
        ));
    }
    Ok(())
}

/// The size of a tensor's last axis, which must be known since weights have it.
fn features(name: &str, tensor: &Tensor) -> Result<usize> {
    tensor.dim(-1).ok_or_else(|| {
        let expected = format!("the last axis of the {name} to have a known size");
        Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("shape {}", tensor.shape()),
        )
    })
}

impl Layer for MultiHeadAttentionOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "MultiHeadAttention"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["query", "value", "key"],
            parts: &[
                ("query", "query_dense"),
                ("key", "key_dense"),
                ("value", "value_dense"),
                ("attention_output", "output_dense"),
                ("gate", "_gate_dense"),
            ],
            takes_masks_off: true,
            penalties: self.penalties(),
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = self.to_config();
        config.insert("value_dim".to_owned(), self.value_dim().into());
        config
    }

    fn validate(&self) -> Result<()> {
        check_sizes(&[
            ("num_heads", self.num_heads),
            ("key_dim", self.key_dim),
            ("value_dim", self.value_dim()),
            ("sliding_window", self.sliding_window.unwrap_or(1)),
        ])?;
        noise::check_rate("dropout", self.dropout)
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        by_role(inputs)
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let roles = Roles::of(cx.inputs())?;
        self.add_projections(cx, &roles, self.num_heads)?;
        let (rank, width) = (roles.query.rank(), cx.last_dim()?);
        cx.set_input_spec(InputSpec::new().ndim(rank).axis(-1, width));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        self.attend(cx, inputs).map(|(output, _)| output)
    }

    fn call_nested(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        Ok(outputs(inputs, self.attend(cx, inputs)?))
    }

    /// The output carries the query's mask, the scores none.
    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mut masks = vec![None; outputs.len()];
        if let Some(first) = masks.first_mut() {
            *first = Masks::of(inputs, &Roles::of(inputs)?).query;
        }
        Ok(masks)
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
