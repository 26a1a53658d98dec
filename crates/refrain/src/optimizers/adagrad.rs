//! Adagrad.

use super::{Optimizer, OptimizerClass, Slot, Update};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Gradients divided by the root of the sum of all their squares so far (Duchi et al., 2011).
    ///
    /// ```
    /// use refrain::optimizers::Adagrad;
    /// let optimizer = Adagrad::new(0.01).initial_accumulator_value(0.0);
    /// ```
    ///
    /// Source: `keras/src/optimizers/adagrad.py`.
    pub struct Adagrad: Optimizer {
        /// What the sums of squares begin with.
        initial_accumulator_value: f64 = 0.1,
        /// Added to the sums under their roots.
        epsilon: f64 = 1e-7,
    }
}

impl OptimizerClass for Adagrad {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        let accumulator = Slot::new("accumulator");
        vec![vec![accumulator.filled(self.initial_accumulator_value)]]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let sum = cx.slot("accumulator")? + gradient.square();
        cx.set_slot("accumulator", sum.clone())?;
        Ok(weight - cx.learning_rate() * gradient / (sum + self.epsilon).sqrt())
    }
}
