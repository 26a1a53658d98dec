//! Cosines of angles.

use super::common::compatible;
use super::{Loss, LossClass};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The negative cosine of the angle between targets and predictions: -1 where they point the same way, 0 where one is 0.
    ///
    /// ```
    /// use refrain::losses::CosineSimilarity;
    /// let loss = CosineSimilarity::new().axis(1);
    /// ```
    pub struct CosineSimilarity: const Loss {
        /// The axis of the vectors.
        axis: i64 = -1,
    }
}

impl LossClass for CosineSimilarity {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        let unit = |x: &Tensor| ops::normalize(x, self.axis, 2, None);
        (-ops::sum(unit(y_true) * unit(y_pred), self.axis, false)).checked()
    }
}
