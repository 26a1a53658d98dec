//! Squared differences of logarithms.

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of squared differences of `log(x + 1)` over the last axis; numbers below 0 count as 0.
    ///
    /// ```
    /// use refrain::losses::MeanSquaredLogarithmicError;
    /// let loss = MeanSquaredLogarithmicError::new().name("msle");
    /// ```
    pub struct MeanSquaredLogarithmicError: const Loss {}
}

impl LossClass for MeanSquaredLogarithmicError {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let logarithm = |x: &Tensor| (ops::maximum(x, EPSILON) + 1.0).log().checked();
        let error = difference(&logarithm(y_true)?, &logarithm(y_pred)?)?;
        mean(&error.square(), -1)
    }
}
