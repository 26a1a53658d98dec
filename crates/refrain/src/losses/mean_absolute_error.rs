//! Absolute differences.

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of absolute differences over the last axis.
    ///
    /// ```
    /// use refrain::losses::{MeanAbsoluteError, Reduction};
    /// let sums = MeanAbsoluteError::new().reduction(Reduction::Sum);
    /// ```
    pub struct MeanAbsoluteError: const Loss {}
}

impl LossClass for MeanAbsoluteError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&difference(y_true, y_pred)?.abs(), -1)
    }
}
