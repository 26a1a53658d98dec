//! How often predictions above thresholds are right and wrong.

use refrain_graph::{DType, Literal};

use super::{Numbers, State};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{align_ranks, expand_last, squeeze_last};
use crate::ops::{self, prim};
use crate::tensor::Tensor;

/// Below every prediction: what is not among the `top_k` becomes this.
const NEGATIVE: f64 = -1e10;

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

    /// What the batch adds to the numbers of true positives, false positives, true negatives and false negatives at each of
    /// the thresholds (of each label).
    pub(super) fn count(&self, thresholds: &Thresholds, by_label: bool) -> Result<[Tensor; 4]> {
        let [y, p, weight] = self.spread(by_label)?;
        let positive = ops::cast(&thresholds.exceeded(&p)?, p.dtype());
        let negative = 1.0 - &positive;
        let (yes, no) = (&y * &weight, (1.0 - &y) * &weight);
        let sum = |x: Tensor| ops::sum(&x, 1, false).checked();
        Ok([
            sum(&positive * &yes)?,
            sum(positive * &no)?,
            sum(&negative * no)?,
            sum(negative * yes)?,
        ])
    }
}

/// What predictions are compared with.
pub(super) enum Thresholds {
    These(Vec<f64>),
    /// From 0 to 1 in equal steps, as many as there are; predictions beyond the first and the last are cut.
    Even(usize),
}

impl Thresholds {
    pub(super) fn len(&self) -> usize {
        match self {
            Thresholds::These(all) => all.len(),
            Thresholds::Even(count) => *count,
        }
    }

    /// Whether predictions `(1, …)` are above each of the thresholds.
    fn exceeded(&self, p: &Tensor) -> Result<Tensor> {
        p.check()?;
        let column = |values: Vec<f64>| {
            let mut dims = vec![1; p.rank()];
            dims[0] = values.len();
            constant(dims, values)
        };
        Ok(match self {
            Thresholds::These(all) => ops::greater(p, &column(all.clone())?),
            Thresholds::Even(count) => {
                // Keras finds the interval that a prediction lies in, with the rounding of this product.
                let steps = ops::clip(p, 0.0, 1.0) * (*count as f64 - 1.0);
                let interval = (steps.ceil() - 1.0).relu();
                let numbers = (0..*count).map(|i| i as f64).collect();
                ops::greater_equal(&interval, &column(numbers)?)
            }
        })
    }
}

/// Numbers as a tensor of `float32`.
pub(super) fn row(values: &[f64]) -> Result<Tensor> {
    constant(vec![values.len()], values.to_vec())
}

fn constant(dims: Vec<usize>, values: Vec<f64>) -> Result<Tensor> {
    let literal = Literal::new(dims, values).ok_or_else(|| {
        Error::new(
            ErrorKind::Internal,
            "a constant with as many values as its shape has",
        )
    })?;
    Ok(Tensor::constant(literal.convert(DType::F32)))
}

/// Precision or recall: right ones among all of some kind, at each threshold.
pub(super) struct Share {
    pub(super) thresholds: Numbers,
    pub(super) top_k: Option<usize>,
    pub(super) class_id: Option<usize>,
    /// The wrong ones among them: false positives or false negatives.
    pub(super) wrong: Wrong,
}

#[derive(Clone, Copy)]
pub(super) enum Wrong {
    Positives,
    Negatives,
}

impl Share {
    fn thresholds(&self) -> Thresholds {
        match (&self.thresholds.0[..], self.top_k) {
            ([], None) => Thresholds::These(vec![0.5]),
            ([], Some(_)) => Thresholds::These(vec![NEGATIVE]),
            (all, _) => Thresholds::These(all.to_vec()),
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        check_thresholds(&self.thresholds)
    }

    pub(super) fn state(&self) -> Vec<State> {
        let wrong = match self.wrong {
            Wrong::Positives => "false_positives",
            Wrong::Negatives => "false_negatives",
        };
        let shape = [self.thresholds().len()];
        ["true_positives", wrong]
            .map(|name| State::new(name, shape))
            .into()
    }

    pub(super) fn update(
        &self,
        state: &[Tensor],
        y: &Tensor,
        p: &Tensor,
        weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let samples = Samples::new(y, p, weight)?;
        let samples = samples.top_k(self.top_k).class(self.class_id)?;
        let [right, positives, _, negatives] = samples.count(&self.thresholds(), false)?;
        let wrong = match self.wrong {
            Wrong::Positives => positives,
            Wrong::Negatives => negatives,
        };
        Ok(vec![&state[0] + right, &state[1] + wrong])
    }

    pub(super) fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        ops::divide_no_nan(&state[0], &(&state[0] + &state[1])).checked()
    }
}

/// Refuses thresholds that no probability can be compared with.
pub(super) fn check_thresholds(thresholds: &Numbers) -> Result<()> {
    match thresholds.0.iter().find(|t| !(0.0..=1.0).contains(*t)) {
        None => Ok(()),
        Some(wrong) => Err(Error::mismatch(
            ErrorKind::Config,
            "thresholds between 0 and 1",
            wrong.to_string(),
        )),
    }
}
