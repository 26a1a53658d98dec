//! The harmonic mean of precision and recall.

use super::f_beta_score::Score;
use super::{Average, Direction, Metric, MetricClass, State};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The harmonic mean of precision and recall: [`FBetaScore`](super::FBetaScore) with a beta of 1.
    ///
    /// ```
    /// use refrain::metrics::{Average, F1Score};
    /// let score = F1Score::new().average(Average::Macro).threshold(0.5);
    /// ```
    pub struct F1Score: Metric {
        /// How the scores of classes become one.
        average: Option<Average> = None,
        /// Above which prediction a class is there; without one it is the largest.
        threshold: Option<f64> = None,
    }
}

impl F1Score {
    fn score(&self) -> Score {
        Score {
            average: self.average,
            beta: 1.0,
            threshold: self.threshold,
        }
    }
}

impl MetricClass for F1Score {
    fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        self.score().state(y_pred)
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        self.score().update(state, y_true, y_pred, sample_weight)
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        self.score().result(state)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn validate(&self) -> Result<()> {
        self.score().validate()
    }
}
