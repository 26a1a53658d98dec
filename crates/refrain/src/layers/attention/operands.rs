//! Attention of a list of tensors of one rank, with their masks.

use refrain_graph::DotDims;
use serde_json::Value as Json;

use super::roles::Roles;
use super::scores::{self, expand, flag};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Call;
use crate::layers::regularization::noise;
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// The list of tensors of a call, with their masks.
pub(super) struct Operands {
    pub(super) roles: Roles,
    pub(super) query_mask: Option<Tensor>,
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
        check_ranks(&roles)?;
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

    /// Query and key with axes for each other: `(…, queries, 1, size)` and `(…, 1, values, size)`, added.
    pub(super) fn sums(&self) -> Result<Tensor> {
        let (query, key) = (&self.roles.query, self.roles.key());
        let query = expand(query, query.rank() - 1)?;
        (query + expand(key, key.rank() - 2)?).checked()
    }

    /// The output and the weights of the values, from scores `(…, queries, values)`.
    fn apply(
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
}

/// Attention of a list of tensors, whose scores a function gives.
pub(super) fn attend(
    cx: &Call,
    inputs: &Inputs,
    dropout: f64,
    scores: impl FnOnce(&Operands) -> Result<Tensor>,
) -> Result<(Tensor, Tensor)> {
    let mut operands = Operands::of(inputs)?;
    operands.roles = operands.roles.floats(cx)?;
    let scores = scores(&operands)?;
    operands.apply(cx, inputs, scores, dropout)
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
pub(super) fn product(a: &Tensor, b: &Tensor, contracting: usize) -> Result<Tensor> {
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
fn check_ranks(roles: &Roles) -> Result<()> {
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
