//! Exponential decay.

use super::{Schedule, ScheduleClass, check_steps, quotient};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `rate · decay_rate ^ (step / decay_steps)`.
    ///
    /// ```
    /// use refrain::optimizers::{Adam, ExponentialDecay};
    /// let adam = Adam::new(ExponentialDecay::new(1e-2, 1000.0, 0.9).staircase(true));
    /// ```
    pub struct ExponentialDecay: Schedule [
        /// Learning rate of step 0.
        initial_learning_rate: f64,
        /// Number of steps in which the decay is applied once, positive.
        decay_steps: f64,
        /// Factor of the rate for each `decay_steps`.
        decay_rate: f64,
    ] {
        /// Whether the rate decays at discrete intervals, the quotient of steps being rounded down, rather than continuously.
        staircase: bool = false,
    }
}

impl ScheduleClass for ExponentialDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let p = quotient(step, self.decay_steps, self.staircase);
        Ok(ops::power(self.decay_rate, p) * self.initial_learning_rate)
    }

    fn validate(&self) -> Result<()> {
        check_steps(self.decay_steps)
    }
}
