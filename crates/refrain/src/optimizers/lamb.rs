//! Lamb.

use super::{Optimizer, OptimizerClass, Slot, Update, check_betas};
use crate::error::Result;
use crate::ops::{self, sum_all};
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam with a trust ratio for each weight: the norm of the weight over that of its update, for large batches (You et al., 2019).
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

/// The Euclidean norm of a tensor.
fn norm(x: &Tensor) -> Tensor {
    sum_all(&x.square()).sqrt()
}

impl OptimizerClass for Lamb {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![["momentum", "velocity"].map(Slot::new).into()]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let m = cx.average("momentum", gradient, self.beta_1)? / cx.bias_correction(self.beta_1);
        let v = cx.average("velocity", &gradient.square(), self.beta_2)?;
        let update = m / ((v / cx.bias_correction(self.beta_2)).sqrt() + self.epsilon);
        let (weight_norm, update_norm) = (norm(weight), norm(&update));
        let positive = |norm: &Tensor| ops::greater(norm, 0.0);
        let both = ops::logical_and(positive(&weight_norm), positive(&update_norm));
        let trust_ratio = ops::where_(both, weight_norm / update_norm, 1.0);
        Ok(weight - trust_ratio * cx.learning_rate() * update)
    }

    fn validate(&self) -> Result<()> {
        check_betas(&[("beta_1", self.beta_1), ("beta_2", self.beta_2)])
    }
}
