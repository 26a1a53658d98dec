//! Targets and predictions that are counted.

use refrain_graph::{DType, Literal};

use super::{Count, Thresholds};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{align_ranks, expand_last, squeeze_last};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// Below every prediction: what is not among the `top_k` becomes this.
pub(super) const NEGATIVE: f64 = -1e10;

/// Targets, predictions and weights of one shape.
pub(super) struct Samples {
    y: Tensor,
    p: Tensor,
    weight: Option<Tensor>,
}

impl Samples {
    pub(super) fn new(y: &Tensor, p: &Tensor, weight: Option<&Tensor>) -> Result<Self> {
        let (p, y) = align_ranks(p, y)?;
        if !y.shape().compatible(&p.shape()) {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("targets of the predictions' shape {}", p.shape()),
                format!("shape {}", y.shape()),
            ));
        }
        let y = ops::cast(&ops::not_equal(&y, 0.0), p.dtype());
        // Weights of samples, or of each of their numbers.
        let weight = weight.map(|w| {
            let w = expand_last(w)?;
            match w.rank() > y.rank() {
                true => squeeze_last(&w),
                false => Ok(w),
            }
        });
        let weight = weight.transpose()?;
        Ok(Samples { y, p, weight })
    }

    /// Takes predictions for logits.
    pub(super) fn of_logits(mut self, from_logits: bool) -> Self {
        if from_logits {
            self.p = ops::sigmoid(&self.p);
        }
        self
    }

    /// Leaves the largest predictions along the last axis.
    pub(super) fn top_k(mut self, k: Option<usize>) -> Self {
        if let Some(k) = k {
            let (_, indices) = ops::top_k(&self.p, k);
            let classes = self.p.dim(-1).unwrap_or(1);
            let chosen = ops::one_hot(&indices, classes, -1, self.p.dtype());
            let chosen = ops::sum(&chosen, -2, false);
            self.p = &self.p * &chosen + (1.0 - &chosen) * NEGATIVE;
        }
        self
    }

    /// Leaves one class.
    pub(super) fn class(mut self, id: Option<usize>) -> Result<Self> {
        let Some(id) = id else { return Ok(self) };
        let classes = self.p.dim(-1).filter(|_| self.p.rank() > 1).unwrap_or(0);
        if id >= classes {
            return Err(Error::mismatch(
                ErrorKind::Config,
                format!(
                    "a class_id among the classes of predictions of shape {}",
                    self.p.shape()
                ),
                id.to_string(),
            ));
        }
        let at = id as i64;
        let one = |x: &Tensor| ops::slice_axis(x, -1, Some(at), Some(at + 1));
        (self.y, self.p) = (one(&self.y), one(&self.p));
        Ok(self)
    }

    /// Weighs the last axis.
    pub(super) fn weigh_labels(mut self, weights: &[f64]) -> Result<Self> {
        if weights.is_empty() {
            return Ok(self);
        }
        let weights = row(weights)?;
        self.weight = Some(match self.weight {
            Some(weight) => weight * weights,
            None => ops::ones_like(&self.p, None) * weights,
        });
        Ok(self)
    }

    /// Brings all into the shape `(1, numbers)`, or `(1, samples, labels)`.
    fn spread(&self, by_label: bool) -> Result<[Tensor; 3]> {
        let weight = match &self.weight {
            Some(weight) => prim::broadcast_to(weight, &self.p.shape())?,
            None => ops::ones_like(&self.p, None),
        };
        let spread = |x: &Tensor| match by_label {
            true => ops::expand_dims(x, 0),
            false => ops::reshape(x, [1, -1]),
        };
        Ok([spread(&self.y), spread(&self.p), spread(&weight)])
    }

    /// What the batch adds to these counts at each of the thresholds (of each label).
    pub(super) fn count(
        &self,
        thresholds: &Thresholds,
        counts: &[Count],
        by_label: bool,
    ) -> Result<Vec<Tensor>> {
        let [y, p, weight] = self.spread(by_label)?;
        let positive = ops::cast(&thresholds.exceeded(&p)?, p.dtype());
        let (yes, no) = (&y * &weight, (1.0 - &y) * &weight);
        let count = |count: &Count| {
            let counted = match count {
                Count::TruePositives => &positive * &yes,
                Count::FalsePositives => &positive * &no,
                Count::TrueNegatives => (1.0 - &positive) * &no,
                Count::FalseNegatives => (1.0 - &positive) * &yes,
            };
            ops::sum(&counted, 1, false).checked()
        };
        counts.iter().map(count).collect()
    }
}

/// Numbers as a tensor of `float32`.
pub(super) fn row(values: &[f64]) -> Result<Tensor> {
    constant(vec![values.len()], values.to_vec())
}

pub(super) fn constant(dims: Vec<usize>, values: Vec<f64>) -> Result<Tensor> {
    let literal = Literal::new(dims, values).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            "a constant with as many values as its shape has",
        )
    })?;
    Ok(Tensor::constant(literal.convert(DType::F32)))
}
