//! Squared differences.

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of squared differences over the last axis.
    ///
    /// ```
    /// use refrain::losses::{MeanSquaredError, Reduction};
    /// let sums = MeanSquaredError::new().reduction(Reduction::Sum);
    /// ```
    pub struct MeanSquaredError: const Loss {}
}

impl LossClass for MeanSquaredError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&difference(y_true, y_pred)?.square(), -1)
    }
}
