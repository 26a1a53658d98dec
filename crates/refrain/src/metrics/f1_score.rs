//! The harmonic mean of precision and recall.

use super::delegate::delegate;
use super::fbeta_score::Score;
use super::{Average, Direction, Metric, State};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The harmonic mean of precision and recall: [`FBetaScore`](super::FBetaScore) with a beta of 1.
    ///
    /// ```
    /// use refrain::metrics::{Average, F1Score};
    /// let score = F1Score::new().average(Average::Macro).threshold(0.5);
    /// let of_each_class = F1Score::new();
    /// ```
    pub struct F1Score: Metric {
        /// How the scores of classes become one; by default each class has a score of its own.
        average: Option<Average> = None,
        /// Predictions above it are positive, in `(0, 1]`; by default the largest of each sample alone is.
        threshold: Option<f64> = None,
    }
}

delegate! {
    F1Score(m): Score { average: m.average, beta: 1.0, threshold: m.threshold }, Some(Direction::Up);
}
