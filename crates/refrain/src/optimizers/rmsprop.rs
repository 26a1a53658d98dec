//! Steps divided by the root of the mean of squared gradients.

use super::{Optimizer, OptimizerClass, Slot, Update, check_rate};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Gradients divided by the root of their squares' moving mean (Hinton, 2012), `epsilon` inside the root.
    ///
    /// ```
    /// use refrain::optimizers::RmsProp;
    /// let optimizer = RmsProp::new(1e-3).rho(0.95).momentum(0.5).centered(true);
    /// ```
    ///
    /// Source: `keras/src/optimizers/rmsprop.py`.
    pub struct RmsProp as "RMSprop": Optimizer {
        /// Discounting factor for old gradients: the exponential decay rate of the mean of their squares, in `[0, 1]`.
        rho: f64 = 0.9,
        /// Momentum: the part of the last step that is added to the next, in `[0, 1]`; 0 for none.
        momentum: f64 = 0.0,
        /// Small constant for numerical stability, added to the mean of squares before its root is taken.
        epsilon: f64 = 1e-7,
        /// Whether gradients are normalized by their estimated variance rather than by the uncentered second moment; may help
        /// and costs memory.
        centered: bool = false,
    }
}

impl OptimizerClass for RmsProp {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        let mut slots = vec![vec![Slot::new("velocity")]];
        if self.momentum > 0.0 {
            slots.push(vec![Slot::new("momentum")]);
        }
        if self.centered {
            slots.push(vec![Slot::new("average_gradient")]);
        }
        slots
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let keep = |old: Tensor, new: &Tensor| old * self.rho + new * (1.0 - self.rho);
        let velocity = keep(cx.slot("velocity")?, &gradient.square());
        cx.set_slot("velocity", velocity.clone())?;
        let mut denominator = velocity;
        if self.centered {
            let average = keep(cx.slot("average_gradient")?, gradient);
            cx.set_slot("average_gradient", average.clone())?;
            denominator = denominator - average.square();
        }
        let mut increment = (cx.learning_rate() * gradient) / (denominator + self.epsilon).sqrt();
        if self.momentum > 0.0 {
            increment = cx.slot("momentum")? * self.momentum + increment;
            cx.set_slot("momentum", increment.clone())?;
        }
        Ok(weight - increment)
    }

    fn validate(&self) -> Result<()> {
        check_rate("rho", self.rho)
    }
}
