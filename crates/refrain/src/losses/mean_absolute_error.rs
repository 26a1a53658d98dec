//! Absolute differences.

use super::common::{difference, mean};
use super::{Loss, LossClass, LossOptions};
use crate::error::Result;
use crate::objects::Base;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of absolute differences over the last axis.
    ///
    /// ```
    /// use refrain::losses::{MeanAbsoluteError, Reduction};
    /// let sums = MeanAbsoluteError::new().reduction(Reduction::Sum);
    /// ```
    pub struct MeanAbsoluteError: Loss {}
}

impl MeanAbsoluteError {
    pub(super) const DEFAULT: Self = MeanAbsoluteError {
        base: LossOptions::DEFAULT,
    };
}

impl LossClass for MeanAbsoluteError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&difference(y_true, y_pred)?.abs(), -1)
    }
}
