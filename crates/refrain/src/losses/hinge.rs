//! Hinge losses of signs.

use super::common::{compatible, mean};
use super::{Loss, LossClass};
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Mean of `max(1 - target · prediction, 0)` over the last axis: targets are -1 or 1, or 0 or 1 in the whole batch.
    ///
    /// ```
    /// use refrain::losses::Hinge;
    /// let loss = Hinge::new().name("margin");
    /// ```
    pub struct Hinge: const Loss {}
}

/// How far each prediction is below its margin. Targets of 0 and 1 alone count as -1 and 1.
pub(super) fn shortfall(y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    compatible(y_true, y_pred)?;
    let is_bit = ops::logical_or(ops::equal(y_true, 0.0), ops::equal(y_true, 1.0));
    let signs = ops::where_(
        ops::all(is_bit, Axes::All, false),
        y_true * 2.0 - 1.0,
        y_true,
    );
    ops::maximum(1.0 - signs * y_pred, 0.0).checked()
}

impl LossClass for Hinge {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        mean(&shortfall(y_true, y_pred)?, -1)
    }
}
