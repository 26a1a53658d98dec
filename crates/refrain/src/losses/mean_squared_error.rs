//! Squared differences.

use super::common::{difference, mean};
use super::{Loss, LossClass, LossOptions};
use crate::error::Result;
use crate::objects::Base;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of squared differences over the last axis.
    ///
    /// ```
    /// use refrain::losses::{MeanSquaredError, Reduction};
    /// let sums = MeanSquaredError::new().reduction(Reduction::Sum);
    /// ```
    pub struct MeanSquaredError: Loss {}
}

impl MeanSquaredError {
    pub(super) const DEFAULT: Self = MeanSquaredError {
        base: LossOptions::DEFAULT,
    };
}

impl LossClass for MeanSquaredError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&difference(y_true, y_pred)?.square(), -1)
    }
}
