//! How many of what is there are predicted.

use super::confusion::{Share, Wrong};
use super::{Direction, Metric, MetricClass, Numbers, State};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How many of those that are there are predicted to be: true positives over them and false negatives.
    ///
    /// Several `thresholds` have a result each, which is no number to log: an error.
    ///
    /// ```
    /// use refrain::metrics::Recall;
    /// let strict = Recall::new().thresholds(0.9);
    /// let of_five = Recall::new().top_k(5).class_id(2);
    /// ```
    pub struct Recall: Metric {
        /// Above which prediction a class is predicted; 0.5 by default, and any among the `top_k`.
        thresholds: Numbers = Numbers::default(),
        /// How many of the largest predictions count.
        top_k: Option<usize> = None,
        /// The only class that counts.
        class_id: Option<usize> = None,
    }
}

impl Recall {
    fn share(&self) -> Share {
        Share {
            thresholds: self.thresholds.clone(),
            top_k: self.top_k,
            class_id: self.class_id,
            wrong: Wrong::Negatives,
        }
    }
}

impl MetricClass for Recall {
    fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
        Ok(self.share().state())
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        self.share().update(state, y_true, y_pred, sample_weight)
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        self.share().result(state)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn validate(&self) -> Result<()> {
        self.share().validate()
    }
}
