//! Lion.

use super::{Optimizer, OptimizerClass, Slot, Update, check_positive_rate, check_rate};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Steps of one size along the sign of a moving average of gradients (Chen et al., 2023).
    ///
    /// ```
    /// use refrain::optimizers::Lion;
    /// let lion = Lion::new(1e-4).beta_2(0.98).weight_decay(0.01);
    /// ```
    ///
    /// Source: `keras/src/optimizers/lion.py`.
    pub struct Lion: Optimizer {
        /// Rate that combines the present gradient with the first moment estimate into the step, in `(0, 1]`.
        beta_1: f64 = 0.9,
        /// Exponential decay rate for the first moment estimates that are kept.
        beta_2: f64 = 0.99,
    }
}

impl OptimizerClass for Lion {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![vec![Slot::new("momentum")]]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let m = cx.slot("momentum")?;
        let direction = ops::sign(&(&m * self.beta_1 + gradient * (1.0 - self.beta_1)));
        let kept = m * self.beta_2 + gradient * (1.0 - self.beta_2);
        cx.set_slot("momentum", kept)?;
        Ok(weight - direction * cx.learning_rate())
    }

    fn validate(&self) -> Result<()> {
        check_positive_rate("beta_1", self.beta_1)?;
        check_rate("beta_2", self.beta_2)
    }
}
