//! The focal loss of distributions.

use super::common::{check_smoothing, same_shape, smoothed};
use super::{Loss, LossClass, Targets};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Categorical cross-entropy times `alpha · (1 - probability)^gamma`, so that what is predicted well counts less (Lin et al.,
    /// 2017): targets are one-hot.
    ///
    /// ```
    /// use refrain::losses::CategoricalFocalCrossentropy;
    /// let loss = CategoricalFocalCrossentropy::new().gamma(1.5);
    /// ```
    pub struct CategoricalFocalCrossentropy: const Loss {
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Label smoothing, 0 to 1: the share of the uniform distribution in the targets.
        label_smoothing: f64 = 0.0,
        /// The axis of the classes.
        axis: i64 = -1,
        /// The weight of all classes.
        alpha: f64 = 0.25,
        /// The focusing exponent: 0 for the plain cross-entropy.
        gamma: f64 = 2.0,
    }
}

impl LossClass for CategoricalFocalCrossentropy {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        same_shape(y_true, y_pred)?;
        let classes = y_true.dim(-1).unwrap_or(1) as f64;
        let y = smoothed(y_true, self.label_smoothing, classes);
        let p = match self.from_logits {
            true => ops::softmax(y_pred, self.axis),
            false => y_pred.clone(),
        };
        let p = &p / ops::sum(&p, self.axis, true);
        let p = ops::clip(&p, EPSILON, 1.0 - EPSILON);
        let factor = ops::power(1.0 - &p, self.gamma) * self.alpha;
        ops::sum(factor * (-y * p.log()), self.axis, false).checked()
    }

    fn targets(&self) -> Targets {
        Targets::Distributions { axis: self.axis }
    }

    fn validate(&self) -> Result<()> {
        check_smoothing(self.label_smoothing)
    }
}
