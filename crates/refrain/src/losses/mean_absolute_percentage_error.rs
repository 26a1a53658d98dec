//! Relative differences.

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of absolute differences in percent of the targets, over the last axis.
    ///
    /// ```
    /// use refrain::losses::MeanAbsolutePercentageError;
    /// let loss = MeanAbsolutePercentageError::new().name("mape");
    /// ```
    pub struct MeanAbsolutePercentageError: const Loss {}
}

impl LossClass for MeanAbsolutePercentageError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let size = ops::maximum(y_true.abs(), EPSILON);
        let relative = (difference(y_true, y_pred)? / size).abs();
        (mean(&relative, -1)? * 100.0).checked()
    }
}
