//! The cross-entropy of distributions.

use refrain_graph::Reduction as Fold;

use super::common::{check_smoothing, same_shape, smoothed};
use super::{Loss, LossClass, Prediction, Targets};
use crate::error::Result;
use crate::ops::reduce;
use crate::options;
use crate::tensor::{Tensor, resolve_axis};

options! {
    /// Cross-entropy of a distribution over classes: targets are distributions too (one-hot).
    ///
    /// ```
    /// use refrain::losses::CategoricalCrossentropy;
    /// let loss = CategoricalCrossentropy::new().from_logits(true).label_smoothing(0.1);
    /// ```
    pub struct CategoricalCrossentropy: const Loss {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing in `[0, 1]`: targets become `y · (1 - label_smoothing) + label_smoothing / classes`.
        label_smoothing: f64 = 0.0,
        /// Axis of the predictions along which the classes lie.
        axis: i64 = -1,
    }
}

impl LossClass for CategoricalCrossentropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let prediction = Prediction::of_softmax(y_pred, self.from_logits, self.axis)?;
        same_shape(y_true, y_pred).map_err(|e| {
            e.hint("Class numbers as targets need SparseCategoricalCrossentropy; this loss takes one-hot targets")
        })?;
        let classes = y_true.dim(-1).unwrap_or(1) as f64;
        let y = smoothed(y_true, self.label_smoothing, classes);
        let products = (y * prediction.log_probabilities(self.axis)?).checked()?;
        let dim = resolve_axis(self.axis, y_pred.rank())?;
        Ok(-reduce::reduce(&products, Fold::Sum, &[dim], false)?)
    }

    fn targets(&self) -> Targets {
        Targets::Distributions { axis: self.axis }
    }

    fn validate(&self) -> Result<()> {
        check_smoothing(self.label_smoothing)
    }
}
