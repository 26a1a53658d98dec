//! The accuracy of class numbers.

use refrain_graph::DType;

use super::categorical_accuracy::matches;
use super::{Direction, Metric, MetricClass, MetricOptions};
use crate::error::Result;
use crate::losses::squeeze_last;
use crate::objects::Base;
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
    pub struct SparseCategoricalAccuracy: Metric {}
}

impl SparseCategoricalAccuracy {
    pub(super) const DEFAULT: Self = SparseCategoricalAccuracy {
        base: MetricOptions::DEFAULT,
    };
}

impl MetricClass for SparseCategoricalAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let squeezed = y_true.rank() == y_pred.rank() && y_true.dim(-1) == Some(1);
        let y = match squeezed {
            true => squeeze_last(y_true)?,
            false => y_true.clone(),
        };
        matches(&prim::convert(&y, DType::I32)?, y_pred)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}
