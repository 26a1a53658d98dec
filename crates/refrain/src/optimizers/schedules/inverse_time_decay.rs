//! Decay with the inverse of the steps.

use super::{Schedule, ScheduleClass, check_steps, quotient};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `rate / (1 + decay_rate · step / decay_steps)`.
    ///
    /// ```
    /// use refrain::optimizers::{InverseTimeDecay, Sgd};
    /// let sgd = Sgd::new(InverseTimeDecay::new(0.1, 1000.0, 0.5).staircase(true));
    /// ```
    pub struct InverseTimeDecay: Schedule [
        /// Learning rate of step 0.
        initial_learning_rate: f64,
        /// Number of steps in which the decay is applied once, positive.
        decay_steps: f64,
        /// Decay rate: what each `decay_steps` add to the divisor.
        decay_rate: f64,
    ] {
        /// Whether the rate decays at discrete intervals, the quotient of steps being rounded down, rather than continuously.
        staircase: bool = false,
    }
}

impl ScheduleClass for InverseTimeDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let p = quotient(step, self.decay_steps, self.staircase);
        Ok(ops::divide(
            self.initial_learning_rate,
            p * self.decay_rate + 1.0,
        ))
    }

    fn validate(&self) -> Result<()> {
        check_steps(self.decay_steps)
    }
}
