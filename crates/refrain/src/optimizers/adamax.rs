//! Adamax.

use super::{Optimizer, OptimizerClass, Slot, Update, check_betas};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam with the infinity norm of past gradients in place of the second-moment estimates (Kingma and Ba, 2014).
    ///
    /// ```
    /// use refrain::optimizers::Adamax;
    /// let optimizer = Adamax::new(2e-3).beta_2(0.99);
    /// ```
    ///
    /// Source: `keras/src/optimizers/adamax.py`.
    pub struct Adamax: Optimizer {
        /// Exponential decay rate of the first-moment estimates.
        beta_1: f64 = 0.9,
        /// Exponential decay rate of the weighted infinity norm.
        beta_2: f64 = 0.999,
        /// Added to the norm, so that the division is finite.
        epsilon: f64 = 1e-7,
    }
}

impl OptimizerClass for Adamax {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![["momentum", "norm"].map(Slot::new).into()]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let m = cx.average("momentum", gradient, self.beta_1)?;
        let norm = ops::maximum(cx.slot("norm")? * self.beta_2, gradient.abs());
        cx.set_slot("norm", norm.clone())?;
        let correction = cx.bias_correction(self.beta_1);
        Ok(weight - cx.learning_rate() * m / (correction * (norm + self.epsilon)))
    }

    fn validate(&self) -> Result<()> {
        check_betas(&[("beta_1", self.beta_1), ("beta_2", self.beta_2)])
    }
}
