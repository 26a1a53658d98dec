//! The coefficient of determination.

use super::{Direction, Metric, MetricClass, State};
use crate::config::words;
use crate::error::{Error, ErrorKind, Result};
use crate::losses::align_ranks;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

/// How the scores of outputs become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassAggregation {
    /// The mean of the scores.
    UniformAverage,
    /// The mean of the scores, weighted by the variance of the targets.
    VarianceWeightedAverage,
}

words! {
    ClassAggregation, "uniform_average or variance_weighted_average" {
        UniformAverage = "uniform_average", VarianceWeightedAverage = "variance_weighted_average"
    }
}

options! {
    /// The coefficient of determination: 1 for perfect predictions, 0 for the mean of the targets, for targets and predictions
    /// `(samples, outputs)`.
    ///
    /// ```
    /// use refrain::metrics::{ClassAggregation, R2Score};
    /// let score = R2Score::new().class_aggregation(ClassAggregation::VarianceWeightedAverage);
    /// ```
    pub struct R2Score as "R2Score" named "r2_score": Metric {
        /// How the scores of outputs become one; with `None` each output has a score of its own.
        class_aggregation: Option<ClassAggregation> = Some(ClassAggregation::UniformAverage),
        /// Number of independent variables that the score is adjusted for; 0 for none.
        num_regressors: usize = 0,
    }
}

impl MetricClass for R2Score {
    fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        let (2, Some(outputs)) = (y_pred.rank(), y_pred.dim(-1)) else {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                "predictions of shape (samples, outputs) for R2Score",
                format!("shape {}", y_pred.shape()),
            ));
        };
        let names = ["squared_sum", "sum", "residual", "count"];
        let mut state = vec![State::new("num_samples", [])];
        state.extend(names.map(|name| State::new(name, [outputs])));
        Ok(state)
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let (y, p) = align_ranks(y_true, y_pred)?;
        let weight = match sample_weight {
            Some(w) if w.rank() == 1 => ops::expand_dims(w, 1),
            Some(w) => w.clone(),
            None => ops::ones_like(&y, None),
        };
        let weight = ops::ones_like(&y, None) * weight;
        let sum = |x: Tensor| ops::sum(x, 0, false);
        let size = y.shape().dims().iter().flatten().product::<usize>();
        let weighted = &y * &weight;
        let batch = [
            sum(&y * &weighted),
            sum(weighted),
            sum((&y - &p).square() * &weight),
            sum(weight),
        ];
        let mut next = vec![&state[0] + size as f64];
        next.extend(state[1..].iter().zip(batch).map(|(s, by)| s + by));
        Ok(next)
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        let [samples, squares, sums, residual, count] = state else {
            return Err(Error::new(
                ErrorKind::Internal,
                "R2Score has five variables",
            ));
        };
        let total = squares - sums * (sums / count);
        let scores = 1.0 - residual / &total;
        let scores = ops::where_(ops::isinf(&scores), 0.0, scores);
        let score = match self.class_aggregation {
            None => scores,
            Some(ClassAggregation::UniformAverage) => ops::mean(&scores, Axes::All, false),
            Some(ClassAggregation::VarianceWeightedAverage) => {
                let sum = |x: &Tensor| ops::sum(x, Axes::All, false);
                sum(&(&total * scores)) / sum(&total)
            }
        };
        if self.num_regressors == 0 {
            return score.checked();
        }
        // With too few samples the score stays what it is.
        let regressors = self.num_regressors as f64;
        let adjusted = 1.0 - (1.0 - &score) * (samples - 1.0) / (samples - (regressors + 1.0));
        let enough = ops::greater(samples, regressors + 1.0);
        ops::where_(enough, adjusted, score).checked()
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}
