//! Attention in several heads.

use refrain_graph::{DType, DotDims};

use super::QUERY_MASK;
use super::multi_head_scores::AttentionAxes;
use super::roles::Roles;
use super::scores::{self, RETURN_SCORES, both, expand, flag};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::regularization::noise;
use crate::layers::{Build, Call, Penalized, Weight, WeightRules};
use crate::ops::{self, prim, repeat_heads};
use crate::regularizers::Regularizer;
use crate::tensor::{Tensor, resolve_axis};

/// The options that all attention in several heads has.
pub(super) struct Common<'o> {
    pub(super) dropout: f64,
    pub(super) use_bias: bool,
    pub(super) use_gate: bool,
    pub(super) sliding_window: Option<usize>,
    /// Of the kernels of all projections.
    pub(super) kernel: WeightRules<'o>,
    /// Of the biases of all projections.
    pub(super) bias: WeightRules<'o>,
    pub(super) activity_regularizer: &'o Option<Regularizer>,
    pub(super) seed: Option<u64>,
}

impl Common<'_> {
    /// Which outputs have penalties.
    pub(super) fn penalties(&self) -> Penalized {
        match self.activity_regularizer {
            Some(_) => Penalized::Projections,
            None => Penalized::Outputs,
        }
    }

    /// Refuses options that make no sense, sizes of the layer that are 0 among them.
    pub(super) fn validate(&self, sizes: &[(&str, usize)]) -> Result<()> {
        let window = ("sliding_window", self.sliding_window.unwrap_or(1));
        match sizes.iter().chain([&window]).find(|(_, size)| *size == 0) {
            Some((option, _)) => {
                let expected = format!("a positive number for option `{option}`");
                Err(Error::mismatch(ErrorKind::Config, expected, "0"))
            }
            None => noise::check_rate("dropout", self.dropout),
        }
    }
}

/// Attention in several heads. Several heads of the query may share one of keys and values.
pub(super) struct Heads<'o> {
    /// Number of heads of the query.
    pub(super) num_heads: usize,
    /// Number of heads of keys and values, which divides it.
    pub(super) value_heads: usize,
    pub(super) key_dim: usize,
    pub(super) value_dim: usize,
    /// Empty: the size of the query's last axis.
    pub(super) output_shape: &'o [usize],
    pub(super) attention_axes: Option<&'o [i64]>,
    pub(super) common: Common<'o>,
}

impl Heads<'_> {
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
                .rules(self.common.kernel),
        )?;
        if !self.common.use_bias {
            return Ok(());
        }
        cx.add_weight(Weight::new(&format!("{name}/bias"), outputs).rules(self.common.bias))
    }

    /// The weights of all projections, and the seed.
    pub(super) fn build(&self, cx: &mut Build, roles: &Roles) -> Result<()> {
        check_shapes(roles)?;
        self.axes(roles.query.rank())?;
        let query = features("query", &roles.query)?;
        let heads = vec![query, self.num_heads, self.key_dim];
        self.add_projection(cx, "query", heads, 1)?;
        let key = features("key", roles.key())?;
        self.add_projection(cx, "key", vec![key, self.value_heads, self.key_dim], 1)?;
        if self.common.use_gate {
            let heads = vec![query, self.num_heads, self.value_dim];
            self.add_projection(cx, "gate", heads, 1)?;
        }
        let value = features("value", &roles.value)?;
        let heads = vec![value, self.value_heads, self.value_dim];
        self.add_projection(cx, "value", heads, 1)?;
        let mut output = vec![self.num_heads, self.value_dim];
        match self.output_shape {
            [] => output.push(query),
            sizes => output.extend(sizes),
        }
        self.add_projection(cx, "attention_output", output, 2)?;
        if self.common.dropout > 0.0 {
            cx.add_seed(self.common.seed);
        }
        Ok(())
    }

    /// Adds a projection's bias and its penalty.
    fn finish_projection(&self, cx: &Call, name: &str, product: Tensor) -> Result<Tensor> {
        let projected = cx.add_bias(product, &format!("{name}/bias"))?;
        if let Some(regularizer) = self.common.activity_regularizer {
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
        let attended = match self.attention_axes {
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
                let mask = prim::convert(mask, DType::Bool)?;
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
        if let Some(window) = self.common.sliding_window {
            let near = scores::window_mask(&roles.query, queries, values, window)?;
            mask = both(mask, Some(near))?;
        }
        let explicit = masks.attention.as_ref();
        let explicit = explicit.map(|mask| prim::convert(mask, DType::Bool));
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
        let fused =
            self.common.dropout == 0.0 && !flag(inputs, RETURN_SCORES) && rank == FUSED_RANK;
        let scores = self.scores(&axes, (&query, &key), mask, fused)?;
        let kept = match cx.training() && self.common.dropout > 0.0 {
            true => noise::drop(cx, &scores, self.common.dropout, None)?,
            false => scores.clone(),
        };
        let mut context = axes.context(&kept, &value)?;
        if self.common.use_gate {
            let gate = ops::sigmoid(&self.project(cx, "gate", &roles.query)?);
            context = (context * axes.as_context(&gate.checked()?)?).checked()?;
        }
        let kernel = cx.weight("attention_output/kernel")?;
        let output = axes.output(&context, &kernel)?;
        let output = self.finish_projection(cx, "attention_output", output)?;
        Ok((output, scores))
    }
}

/// The masks of a call.
struct Masks {
    query: Option<Tensor>,
    value: Option<Tensor>,
    key: Option<Tensor>,
    attention: Option<Tensor>,
}

impl Masks {
    fn of(inputs: &Inputs, roles: &Roles) -> Self {
        let named = |name: &str| inputs.tensor(usize::MAX, name).cloned();
        Masks {
            query: query_mask(inputs, roles),
            value: named("value_mask").or_else(|| roles.value.mask()),
            key: named("key_mask").or_else(|| roles.key.as_ref()?.mask()),
            attention: named("attention_mask"),
        }
    }
}

/// The mask of the query: the argument, or what the query carries.
pub(super) fn query_mask(inputs: &Inputs, roles: &Roles) -> Option<Tensor> {
    let given = inputs.tensor(usize::MAX, QUERY_MASK).cloned();
    given.or_else(|| roles.query.mask())
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
