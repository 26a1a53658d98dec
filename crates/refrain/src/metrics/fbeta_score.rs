//! The weighted harmonic mean of precision and recall.

use super::delegate::delegate;
use super::{Direction, Metric, State};
use crate::config::{EPSILON, words};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

/// How the scores of classes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// The score of all decisions, whichever class they are about.
    Micro,
    /// The mean of the scores.
    Macro,
    /// The mean of the scores, weighted by how often each class is there.
    Weighted,
}

words! {
    Average, "micro, macro or weighted" { Micro = "micro", Macro = "macro", Weighted = "weighted" }
}

options! {
    /// The weighted harmonic mean of precision and recall, for predictions `(samples, classes)` and targets of 0 and 1 of the
    /// same shape. Recall counts `beta` times as much as precision.
    ///
    /// Without an `average` each class has a score of its own.
    ///
    /// ```
    /// use refrain::metrics::{Average, FBetaScore};
    /// let score = FBetaScore::new().average(Average::Macro).beta(2.0).threshold(0.5);
    /// ```
    pub struct FBetaScore as "FBetaScore" named "fbeta_score": Metric {
        /// How the scores of classes become one; by default each class has a score of its own.
        average: Option<Average> = None,
        /// Weight of recall relative to precision, above 0.
        beta: f64 = 1.0,
        /// Predictions above it are positive, in `(0, 1]`; by default the largest of each sample alone is.
        threshold: Option<f64> = None,
    }
}

delegate! {
    FBetaScore(m): Score { average: m.average, beta: m.beta, threshold: m.threshold }, Some(Direction::Up);
}

/// What F scores compute.
pub(super) struct Score {
    pub(super) average: Option<Average>,
    pub(super) beta: f64,
    pub(super) threshold: Option<f64>,
}

impl Score {
    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |expected: &str, received: f64| {
            Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                received.to_string(),
            ))
        };
        match self.threshold {
            _ if !(self.beta > 0.0 && self.beta.is_finite()) => wrong("a beta above 0", self.beta),
            Some(t) if !(t > 0.0 && t <= 1.0) => wrong("a threshold above 0, up to 1", t),
            _ => Ok(()),
        }
    }

    pub(super) fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        let (2, Some(classes)) = (y_pred.rank(), y_pred.dim(-1)) else {
            return Err(not_of_classes(y_pred));
        };
        let shape = match self.average {
            Some(Average::Micro) => vec![],
            _ => vec![classes],
        };
        let names = [
            "true_positives",
            "false_positives",
            "false_negatives",
            "intermediate_weights",
        ];
        Ok(names.map(|name| State::new(name, shape.clone())).into())
    }

    pub(super) fn update(
        &self,
        state: &[Tensor],
        y: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        if y.rank() != 2 || !y.shape().compatible(&y_pred.shape()) {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("targets of the predictions' shape {}", y_pred.shape()),
                format!("shape {}", y.shape()),
            ));
        }
        let yes = match self.threshold {
            Some(threshold) => ops::greater(y_pred, threshold),
            // A row of zeros has no largest class.
            None => ops::logical_and(
                &ops::greater_equal(y_pred, &ops::max(y_pred, -1, true)),
                &ops::greater(&y_pred.abs(), 1e-9),
            ),
        };
        let p = ops::cast(&yes, y_pred.dtype());
        let axes = match self.average {
            Some(Average::Micro) => Axes::All,
            _ => Axes::from(0),
        };
        let weight = sample_weight.map(|w| ops::reshape(w, [-1, 1]));
        let sum = |x: Tensor| match &weight {
            Some(weight) => ops::sum(&(x * weight), axes.clone(), false),
            None => ops::sum(&x, axes.clone(), false),
        };
        let batch = [
            sum(&p * y),
            sum(&p * (1.0 - y)),
            sum((1.0 - &p) * y),
            sum(y.clone()),
        ];
        Ok(state.iter().zip(batch).map(|(s, by)| s + by).collect())
    }

    pub(super) fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        let [hits, false_positives, false_negatives, support] = state else {
            return Err(Error::new(
                ErrorKind::Internal,
                "an F score has four variables",
            ));
        };
        let precision = hits / (hits + false_positives + EPSILON);
        let recall = hits / (hits + false_negatives + EPSILON);
        let square = self.beta * self.beta;
        let mean = &precision * &recall / (&precision * square + &recall + EPSILON);
        let scores = mean * (1.0 + square);
        Ok(match self.average {
            None => scores,
            Some(Average::Micro | Average::Macro) => ops::mean(&scores, Axes::All, false),
            Some(Average::Weighted) => {
                let weights = support / (ops::sum(support, Axes::All, false) + EPSILON);
                ops::sum(&(scores * weights), Axes::All, false)
            }
        })
    }
}

fn not_of_classes(y_pred: &Tensor) -> Error {
    Error::mismatch(
        ErrorKind::Shape,
        "predictions of shape (samples, classes) for an F score",
        format!("shape {}", y_pred.shape()),
    )
}
