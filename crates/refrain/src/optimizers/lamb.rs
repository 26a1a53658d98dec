//! Lamb.

use super::{Optimizer, OptimizerClass, Slot, Update};
use crate::error::Result;
use crate::ops::{self, sum_all};
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam's steps in the length of their weights, layer by layer, for large batches (You et al., 2019).
    ///
    /// ```
    /// use refrain::optimizers::Lamb;
    /// let optimizer = Lamb::new(2e-3).weight_decay(0.01);
    /// ```
    ///
    /// Source: `keras/src/optimizers/lamb.py`.
    pub struct Lamb: Optimizer {
        /// Exponential decay rate of the first-moment estimates.
        beta_1: f64 = 0.9,
        /// Exponential decay rate of the second-moment estimates.
        beta_2: f64 = 0.999,
        /// Added to the root of the second moments, so that the division is finite.
        epsilon: f64 = 1e-7,
    }
}

/// The length of a tensor as a vector.
fn length(x: &Tensor) -> Tensor {
    sum_all(&x.square()).sqrt()
}

impl OptimizerClass for Lamb {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![["momentum", "velocity"].map(Slot::new).into()]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let m = cx.average("momentum", gradient, self.beta_1)? / cx.bias_correction(self.beta_1);
        let v = cx.average("velocity", &gradient.square(), self.beta_2)?;
        let step = m / ((v / cx.bias_correction(self.beta_2)).sqrt() + self.epsilon);
        let (of_weight, of_step) = (length(weight), length(&step));
        let both = ops::logical_and(ops::greater(&of_weight, 0.0), ops::greater(&of_step, 0.0));
        let ratio = ops::where_(both, of_weight / of_step, 1.0);
        Ok(weight - ratio * cx.learning_rate() * step)
    }
}
