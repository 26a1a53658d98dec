//! Adam with Nesterov's momentum.

use super::{Optimizer, OptimizerClass, Slot, Update, Updates, check_betas};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam with Nesterov's momentum, whose decay rate rises with the steps (Dozat, 2015).
    ///
    /// ```
    /// use refrain::optimizers::Nadam;
    /// let nadam = Nadam::new(2e-3).beta_1(0.95).clipnorm(1.0);
    /// ```
    ///
    /// Source: `keras/src/optimizers/nadam.py`.
    pub struct Nadam: Optimizer {
        /// Exponential decay rate for the first moment estimates, in `[0, 1)`.
        beta_1: f64 = 0.9,
        /// Exponential decay rate for the second moment estimates, in `[0, 1)`.
        beta_2: f64 = 0.999,
        /// Small constant for numerical stability, added to the root of the second moment: Kingma and Ba's "epsilon hat".
        epsilon: f64 = 1e-7,
    }
}

/// The base of the schedule by which the decay rate rises.
const SCHEDULE_DECAY: f64 = 0.96;

impl Nadam {
    /// The decay rate of the first-moment estimates in a step.
    fn decay_rate(&self, step: &Tensor) -> Tensor {
        ops::subtract(1.0, ops::power(SCHEDULE_DECAY, step) * 0.5) * self.beta_1
    }
}

impl OptimizerClass for Nadam {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![vec![Slot::new("momentum"), Slot::new("velocity")]]
    }

    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("u_product", 1.0)]
    }

    /// The product of the decay rates, with the rounding of the steps.
    fn scalars_after(&self, steps: u32) -> Option<Vec<f64>> {
        let mut product = 1f32;
        for step in 1..=steps {
            let rate = self.beta_1 as f32 * (1.0 - 0.5 * (SCHEDULE_DECAY as f32).powf(step as f32));
            let next = product * rate;
            if next.abs() == product.abs() || next.is_nan() {
                // The rates rise to `beta_1`: no later one changes it.
                break;
            }
            product = next;
        }
        Some(vec![f64::from(product)])
    }

    fn prepare(&self, all: &mut Updates) -> Result<()> {
        let product = all.scalar("u_product")? * self.decay_rate(all.step());
        all.set_scalar("u_product", product)
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let (now, next) = (
            self.decay_rate(cx.step()),
            self.decay_rate(&(cx.step() + 1.0)),
        );
        let product = cx.scalar("u_product")?;
        let next_product = &product * &next;
        let m = cx.average("momentum", gradient, self.beta_1)?;
        let v = cx.average("velocity", &gradient.square(), self.beta_2)?;
        let m_hat = next * m / ops::subtract(1.0, next_product);
        let g_hat = ops::subtract(1.0, now) * gradient / ops::subtract(1.0, product);
        let v_hat = v / cx.bias_correction(self.beta_2);
        Ok(weight - (m_hat + g_hat) * cx.learning_rate() / (v_hat.sqrt() + self.epsilon))
    }

    fn validate(&self) -> Result<()> {
        check_betas(&[("beta_1", self.beta_1), ("beta_2", self.beta_2)])
    }
}
