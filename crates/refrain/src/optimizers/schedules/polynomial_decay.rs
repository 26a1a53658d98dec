//! Decay along a power.

use super::{Schedule, ScheduleClass, check_steps};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// From the first rate to the last along a power of the remaining fraction of the steps.
    ///
    /// ```
    /// use refrain::optimizers::{PolynomialDecay, Sgd};
    /// let sgd = Sgd::new(PolynomialDecay::new(0.1, 1000.0).end_learning_rate(0.001).power(2.0));
    /// ```
    pub struct PolynomialDecay: Schedule [
        /// Learning rate of step 0.
        initial_learning_rate: f64,
        /// Number of steps over which the rate decays, positive.
        decay_steps: f64,
    ] {
        /// Smallest learning rate, which the decay ends with.
        end_learning_rate: f64 = 0.0001,
        /// Power of the polynomial; 1 decays linearly.
        power: f64 = 1.0,
        /// Whether the decay starts again, over the next multiple of `decay_steps`, when it has ended.
        cycle: bool = false,
    }
}

impl ScheduleClass for PolynomialDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let p = if self.cycle {
            let cycles = ops::maximum((step / self.decay_steps).ceil(), 1.0);
            step / (cycles * self.decay_steps)
        } else {
            ops::minimum(step, self.decay_steps) / self.decay_steps
        };
        let remaining = ops::power(ops::subtract(1.0, p), self.power);
        let range = self.initial_learning_rate - self.end_learning_rate;
        Ok(remaining * range + self.end_learning_rate)
    }

    fn validate(&self) -> Result<()> {
        check_steps(self.decay_steps)
    }
}
