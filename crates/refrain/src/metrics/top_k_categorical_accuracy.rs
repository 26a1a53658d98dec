//! How often the true class is among the largest predictions.

use refrain_graph::DType;

use super::categorical_accuracy::argmax;
use super::{Direction, Metric, MetricClass};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::class_numbers;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How often the largest target is among the `k` largest predictions.
    ///
    /// ```
    /// use refrain::metrics::TopKCategoricalAccuracy;
    /// let accuracy = TopKCategoricalAccuracy::new().k(3_usize).name("top_3");
    /// ```
    pub struct TopKCategoricalAccuracy: Metric {
        /// How many predictions count.
        k: usize = 5,
    }
}

impl MetricClass for TopKCategoricalAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        in_top_k(&argmax(y_true)?, y_pred, self.k)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}

options! {
    /// How often the target's class number is among the `k` largest predictions.
    ///
    /// ```
    /// use refrain::metrics::SparseTopKCategoricalAccuracy;
    /// let accuracy = SparseTopKCategoricalAccuracy::new().k(3_usize);
    /// ```
    pub struct SparseTopKCategoricalAccuracy: Metric {
        /// How many predictions count.
        k: usize = 5,
        /// Whether predictions are class numbers themselves, the best first, instead of scores.
        from_sorted_ids: bool = false,
    }
}

impl MetricClass for SparseTopKCategoricalAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let y = class_numbers(y_true, y_pred)?;
        if !self.from_sorted_ids {
            return in_top_k(&ops::cast(y, DType::I32), y_pred, self.k);
        }
        check_shape(&y, y_pred)?;
        let first = ops::slice_axis(y_pred, -1, None, i64::try_from(self.k).ok());
        let found = ops::equal(ops::expand_dims(ops::cast(y, y_pred.dtype()), -1), first);
        ops::any(found, -1, false).checked()
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}

/// Whether the class is among the `k` largest predictions.
fn in_top_k(classes: &Tensor, y_pred: &Tensor, k: usize) -> Result<Tensor> {
    check_shape(classes, y_pred)?;
    ops::in_top_k(classes, y_pred, k).checked()
}

fn check_shape(classes: &Tensor, y_pred: &Tensor) -> Result<()> {
    let mut expected = y_pred.shape();
    expected.dims_mut().pop();
    match classes.shape().compatible(&expected) {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("targets that give one class for each of {expected}"),
            format!("shape {}", classes.shape()),
        )),
    }
}
