//! Poisson's loss of counts.

use super::common::{compatible, mean};
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of `prediction - target · log(prediction)` over the last axis: predictions are expected counts.
    ///
    /// ```
    /// use refrain::losses::Poisson;
    /// let loss = Poisson::new();
    /// ```
    pub struct Poisson: const Loss {}
}

impl LossClass for Poisson {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        mean(&(y_pred - y_true * (y_pred + EPSILON).log()), -1)
    }
}
