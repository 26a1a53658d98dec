//! The overlap of regions.

use super::common::compatible;
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// 1 minus the Dice coefficient of targets and predictions, for segmentation.
    ///
    /// ```
    /// use refrain::losses::Dice;
    /// let by_image = Dice::new().axis([1, 2, 3]);
    /// ```
    pub struct Dice: const Loss {
        /// The axes that regions lie along; by default all, which gives one value for the batch.
        axis: Axes = Axes::All,
    }
}

impl LossClass for Dice {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        let total = |x: &Tensor| ops::sum(x, self.axis.clone(), false);
        let both = total(&(y_true * y_pred)) * 2.0;
        (1.0 - both / (total(y_true) + total(y_pred) + EPSILON)).checked()
    }
}
