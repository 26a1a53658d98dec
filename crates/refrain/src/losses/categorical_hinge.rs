//! Hinge losses of classes.

use super::common::compatible;
use super::{Loss, LossClass};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `max(largest prediction of another class - prediction of the true class + 1, 0)`: targets are one-hot.
    ///
    /// ```
    /// use refrain::losses::CategoricalHinge;
    /// let loss = CategoricalHinge::new();
    /// ```
    pub struct CategoricalHinge: const Loss {}
}

impl LossClass for CategoricalHinge {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        let right = ops::sum(y_true * y_pred, -1, false);
        let wrong = ops::max((1.0 - y_true) * y_pred, -1, false);
        ops::maximum(wrong - right + 1.0, 0.0).checked()
    }
}
