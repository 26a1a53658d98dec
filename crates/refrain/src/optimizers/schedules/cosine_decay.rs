//! Decay along a cosine.

use std::f64::consts::PI;

use super::{Schedule, ScheduleClass, check_steps};
use crate::error::Result;
use crate::ops::{self, prim};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Half a cosine from the first rate to `alpha` times it, perhaps after a linear warm-up (Loshchilov and Hutter, 2016).
    ///
    /// ```
    /// use refrain::optimizers::{Adam, CosineDecay};
    /// let adam = Adam::new(CosineDecay::new(0.0, 1000.0).warmup_target(1e-3).warmup_steps(100.0));
    /// ```
    pub struct CosineDecay: Schedule [
        /// Learning rate of step 0.
        initial_learning_rate: f64,
        /// Number of steps over which the rate decays, positive.
        decay_steps: f64,
    ] {
        /// Smallest rate, as a fraction of the rate that the decay begins with.
        alpha: f64 = 0.0,
        /// Rate that a linear warm-up from the initial one ends with; without one there is no warm-up.
        warmup_target: Option<f64> = None,
        /// Number of steps of the warm-up.
        warmup_steps: f64 = 0.0,
    }
}

impl ScheduleClass for CosineDecay {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let Some(target) = self.warmup_target else {
            let step = ops::minimum(step, self.decay_steps);
            return Ok(self.decayed(&step, self.initial_learning_rate));
        };
        let step = ops::minimum(step, self.decay_steps + self.warmup_steps);
        let decayed = self.decayed(&(&step - self.warmup_steps), target);
        // Without warm-up steps the quotient is not used.
        let fraction = &step / self.warmup_steps.max(1.0);
        let first = self.initial_learning_rate;
        let warming = fraction * (target - first) + first;
        let is_warming = ops::less(&step, self.warmup_steps);
        is_warming.check()?;
        prim::select(&is_warming, &warming, &decayed)
    }

    fn validate(&self) -> Result<()> {
        check_steps(self.decay_steps)
    }
}

impl CosineDecay {
    fn decayed(&self, step: &Tensor, from: f64) -> Tensor {
        let cosine = ((step / self.decay_steps) * PI).cos();
        ((cosine + 1.0) * (0.5 * (1.0 - self.alpha)) + self.alpha) * from
    }
}
