//! Schedule-free AdamW.

use super::{Optimizer, OptimizerClass, Slot, Update, check_betas, check_positive_rate};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// AdamW that averages its iterates, so that no schedule is needed (Defazio et al., 2024).
    ///
    /// ```
    /// use refrain::optimizers::ScheduleFreeAdamW;
    /// let optimizer = ScheduleFreeAdamW::new(0.0025).warmup_steps(100_u32);
    /// ```
    ///
    /// Source: `keras/src/optimizers/schedule_free_adamw.py`.
    pub struct ScheduleFreeAdamW: Optimizer(learning_rate = 0.0025) {
        /// How far the weights lie from the iterate towards the average of all, above 0 and up to 1.
        beta_1: f64 = 0.9,
        /// Exponential decay rate of the second-moment estimates.
        beta_2: f64 = 0.999,
        /// Added to the root of the second moments, so that the division is finite.
        epsilon: f64 = 1e-8,
        /// Over how many steps the learning rate rises to its full value.
        warmup_steps: u32 = 0,
    }
}

impl OptimizerClass for ScheduleFreeAdamW {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        // The iterate, which Keras calls by this name.
        let iterate = Slot::new("momentum").copy_of_weight();
        vec![vec![iterate, Slot::new("velocity")]]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let mut rate = cx.learning_rate().clone();
        if self.warmup_steps > 0 {
            rate = rate * ops::minimum(cx.step() / f64::from(self.warmup_steps), 1.0);
        }
        let before = cx.slot("momentum")?;
        let v = cx.average("velocity", &gradient.square(), self.beta_2)?;
        let denominator = (v / cx.bias_correction(self.beta_2)).sqrt() + self.epsilon;
        let iterate = &before - rate * gradient / denominator;
        cx.set_slot("momentum", iterate.clone())?;
        let share = ops::divide(1.0, cx.step());
        let average = (weight - before * (1.0 - self.beta_1)) / self.beta_1;
        let average = (1.0 - &share) * average + share * &iterate;
        Ok(iterate * (1.0 - self.beta_1) + average * self.beta_1)
    }

    fn validate(&self) -> Result<()> {
        check_positive_rate("beta_1", self.beta_1)?;
        check_betas(&[("beta_2", self.beta_2)])
    }
}
