//! Binary cross-entropy.

use super::common::{check_smoothing, mean, same_shape, smoothed};
use super::{Loss, LossClass, Prediction, Targets};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Cross-entropy of probabilities of yes: targets 0 or 1, or probabilities, in the shape of the predictions.
    ///
    /// ```
    /// use refrain::losses::BinaryCrossentropy;
    /// let loss = BinaryCrossentropy::new().from_logits(true).label_smoothing(0.1);
    /// ```
    pub struct BinaryCrossentropy: const Loss {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing in `[0, 1]`: targets become `y · (1 - label_smoothing) + label_smoothing / 2`.
        label_smoothing: f64 = 0.0,
        /// Axis over which the cross-entropies are averaged.
        axis: i64 = -1,
    }
}

impl LossClass for BinaryCrossentropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let prediction = Prediction::of_sigmoid(y_pred, self.from_logits)?;
        let p = &prediction.tensor;
        same_shape(y_true, p)?;
        let y = smoothed(y_true, self.label_smoothing, 2.0);
        let each = if prediction.is_logits {
            // max(x, 0) - x·y + log(1 + exp(-|x|)): no exponential of a positive number.
            ops::maximum(p, 0.0) - p * &y + (-p.abs()).exp().log1p()
        } else {
            let p = ops::clip(p, EPSILON, 1.0 - EPSILON);
            let no = ops::subtract(1.0, &y) * ops::subtract(1.0, &p).log();
            -(y * p.log() + no)
        };
        mean(&each, self.axis)
    }

    fn targets(&self) -> Targets {
        Targets::Probabilities
    }

    fn validate(&self) -> Result<()> {
        check_smoothing(self.label_smoothing)
    }
}
