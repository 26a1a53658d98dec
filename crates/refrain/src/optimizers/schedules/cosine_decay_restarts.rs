//! Decay along cosines that begin anew.

use std::f64::consts::PI;

use super::{Schedule, ScheduleClass, check_steps};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Cosine decay with warm restarts: each period begins anew at a high rate (SGDR; Loshchilov and Hutter, 2016).
    ///
    /// ```
    /// use refrain::optimizers::{CosineDecayRestarts, Sgd};
    /// let optimizer = Sgd::new(CosineDecayRestarts::new(0.1, 1000.0).m_mul(0.8));
    /// ```
    pub struct CosineDecayRestarts as "CosineDecayRestarts" named "SGDRDecay": Schedule [
        /// The first rate.
        initial_learning_rate: f64,
        /// Steps of the first period.
        first_decay_steps: f64,
    ] {
        /// How many times as long as the one before a period is.
        t_mul: f64 = 2.0,
        /// The first rate of a period as a fraction of that of the one before.
        m_mul: f64 = 1.0,
        /// The last rate of the first period as a fraction of its first.
        alpha: f64 = 0.0,
    }
}

impl ScheduleClass for CosineDecayRestarts {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let periods = step / self.first_decay_steps;
        let (restarts, fraction) = if self.t_mul == 1.0 {
            let restarts = ops::floor(&periods);
            (restarts.clone(), periods - restarts)
        } else {
            let lengths = (1.0 - &periods * (1.0 - self.t_mul)).log();
            let restarts = ops::floor(&(lengths / self.t_mul.ln()));
            let length = ops::power(self.t_mul, &restarts);
            let before = (1.0 - &length) / (1.0 - self.t_mul);
            (restarts, (periods - before) / length)
        };
        let factor = ops::power(self.m_mul, restarts);
        let cosine = factor * (((fraction * PI).cos() + 1.0) * 0.5);
        Ok((cosine * (1.0 - self.alpha) + self.alpha) * self.initial_learning_rate)
    }

    fn validate(&self) -> Result<()> {
        check_steps(self.first_decay_steps)
    }
}
