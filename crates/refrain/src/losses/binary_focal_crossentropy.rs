//! The focal loss of probabilities of yes.

use super::common::{check_smoothing, mean, same_shape, smoothed};
use super::{Loss, LossClass, Targets};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Binary cross-entropy times `(1 - probability of the truth)^gamma`, so that what is predicted well counts less (Lin et al.,
    /// 2017).
    ///
    /// ```
    /// use refrain::losses::BinaryFocalCrossentropy;
    /// let loss = BinaryFocalCrossentropy::new().apply_class_balancing(true).alpha(0.3);
    /// ```
    pub struct BinaryFocalCrossentropy: const Loss {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing, 0 to 1: the share of one half in the targets.
        label_smoothing: f64 = 0.0,
        /// The axis that the mean is taken over.
        axis: i64 = -1,
        /// Whether values are weighed by class.
        apply_class_balancing: bool = false,
        /// The weight of yes, if values are weighed by class; that of no is `1 - alpha`.
        alpha: f64 = 0.25,
        /// The focusing exponent: 0 for the plain cross-entropy.
        gamma: f64 = 2.0,
    }
}

impl LossClass for BinaryFocalCrossentropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        same_shape(y_true, y_pred)?;
        let y = smoothed(y_true, self.label_smoothing, 2.0);
        let p = match self.from_logits {
            true => ops::sigmoid(y_pred),
            false => y_pred.clone(),
        };
        let of_truth = |yes: &Tensor, no: &Tensor| &y * yes + (1.0 - &y) * no;
        let clipped = ops::clip(&p, EPSILON, 1.0 - EPSILON);
        let entropy = -of_truth(&clipped.log(), &(1.0 - &clipped).log());
        let mut each = ops::power(1.0 - of_truth(&p, &(1.0 - &p)), self.gamma) * entropy;
        if self.apply_class_balancing {
            each = (&y * self.alpha + (1.0 - &y) * (1.0 - self.alpha)) * each;
        }
        mean(&each, self.axis)
    }

    fn targets(&self) -> Targets {
        Targets::Probabilities
    }

    fn validate(&self) -> Result<()> {
        check_smoothing(self.label_smoothing)
    }
}
