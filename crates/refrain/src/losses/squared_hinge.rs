//! Squared hinge losses of signs.

use super::common::mean;
use super::hinge::shortfall;
use super::{Loss, LossClass};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of `max(1 - target · prediction, 0)²` over the last axis: targets are -1 or 1, or 0 or 1 in the whole batch.
    ///
    /// ```
    /// use refrain::losses::{Reduction, SquaredHinge};
    /// let loss = SquaredHinge::new().reduction(Reduction::Sum);
    /// ```
    pub struct SquaredHinge: const Loss {}
}

impl LossClass for SquaredHinge {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&shortfall(y_true, y_pred)?.square(), -1)
    }
}
