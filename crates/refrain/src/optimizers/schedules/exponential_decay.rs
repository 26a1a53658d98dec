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
        /// The first rate.
        initial_learning_rate: f64,
        /// Steps of one decay.
        decay_steps: f64,
        /// Factor of one decay.
        decay_rate: f64,
    ] {
        /// Whether the exponent is rounded down.
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
