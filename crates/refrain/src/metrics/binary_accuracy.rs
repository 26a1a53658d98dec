//! Binary accuracy.

use refrain_graph::Comparison;

use super::{Direction, Metric, MetricClass};
use crate::error::Result;
use crate::losses::align_ranks;
use crate::ops::prim;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How often a prediction above the threshold meets a target of 1, and one below a target of 0.
    ///
    /// ```
    /// use refrain::metrics::BinaryAccuracy;
    /// let strict = BinaryAccuracy::new().threshold(0.8).name("strict");
    /// ```
    pub struct BinaryAccuracy: const Metric {
        /// Predictions above it count as 1, all others as 0.
        threshold: f64 = 0.5,
    }
}

impl MetricClass for BinaryAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let (y, p) = align_ranks(y_true, y_pred)?;
        let threshold = prim::constant_like(&p, self.threshold)?;
        let yes = prim::compare(Comparison::Gt, &p, &threshold)?;
        prim::compare(Comparison::Eq, &y, &prim::convert(&yes, y.dtype())?)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}
