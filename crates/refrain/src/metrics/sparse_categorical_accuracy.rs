//! The accuracy of class numbers.

use refrain_graph::DType;

use super::categorical_accuracy::matches;
use super::{Direction, Metric, MetricClass};
use crate::error::Result;
use crate::losses::class_numbers;
use crate::ops::prim;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How often the largest prediction is at the target's class number.
    ///
    /// ```
    /// use refrain::metrics::SparseCategoricalAccuracy;
    /// let accuracy = SparseCategoricalAccuracy::new().name("right");
    /// ```
    pub struct SparseCategoricalAccuracy: const Metric {}
}

impl MetricClass for SparseCategoricalAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let y = class_numbers(y_true, y_pred)?;
        matches(&prim::convert(&y, DType::I32)?, y_pred)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}
