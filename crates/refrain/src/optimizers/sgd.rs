//! Gradient descent, with momentum.

use super::{Optimizer, OptimizerClass, Slot, Update, check_rate};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Gradient descent: `w -= rate · g`; with momentum `m = momentum · m - rate · g`, `w += m`. The default rate is 0.01.
    ///
    /// ```
    /// use refrain::optimizers::Sgd;
    /// let plain = Sgd::new(0.01);
    /// let fast = Sgd::new(0.01).momentum(0.9).nesterov(true);
    /// ```
    ///
    /// Source: `keras/src/optimizers/sgd.py`.
    pub struct Sgd as "SGD": Optimizer(learning_rate = 0.01) {
        /// Momentum that accelerates descent along the relevant direction and dampens oscillations, in `[0, 1]`; 0 for plain
        /// gradient descent.
        momentum: f64 = 0.0,
        /// Whether Nesterov momentum is applied: the step looks ahead along the velocity that the gradient has changed.
        nesterov: bool = false,
    }
}

impl OptimizerClass for Sgd {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        match self.momentum {
            0.0 => Vec::new(),
            _ => vec![vec![Slot::new("momentum")]],
        }
    }

    /// Keras 2 keeps momenta even without momentum.
    fn has_unused_slots_in_keras2(&self) -> bool {
        self.momentum == 0.0
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let move_by = gradient * cx.learning_rate();
        if self.momentum == 0.0 {
            return Ok(weight - move_by);
        }
        let m = cx.slot("momentum")? * self.momentum - &move_by;
        cx.set_slot("momentum", m.clone())?;
        Ok(match self.nesterov {
            true => weight + (m * self.momentum - move_by),
            false => weight + m,
        })
    }

    fn validate(&self) -> Result<()> {
        check_rate("momentum", self.momentum)
    }
}
