//! The overlap of regions, with weights for both kinds of errors.

use super::common::compatible;
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// 1 minus the Tversky index of targets and predictions, for segmentation (Salehi et al., 2017).
    ///
    /// ```
    /// use refrain::losses::Tversky;
    /// let loss = Tversky::new().alpha(0.3).beta(0.7);
    /// ```
    pub struct Tversky: const Loss {
        /// The weight of what is predicted too little.
        alpha: f64 = 0.5,
        /// The weight of what is predicted too much.
        beta: f64 = 0.5,
        /// The axes that regions lie along; by default all, which gives one value for the batch.
        axis: Axes = Axes::All,
    }
}

impl LossClass for Tversky {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        let total = |x: Tensor| ops::sum(x, self.axis.clone(), false);
        let both = total(y_true * y_pred);
        let missed = total((1.0 - y_pred) * y_true) * self.alpha;
        let added = total(y_pred * (1.0 - y_true)) * self.beta;
        (1.0 - &both / (&both + missed + added + EPSILON)).checked()
    }
}
