//! Adam.

use super::{Optimizer, OptimizerClass, Slot, Update};
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam (Kingma and Ba, 2014), with `epsilon` outside the bias correction ("epsilon hat"), as in Keras.
    ///
    /// ```
    /// use refrain::optimizers::Adam;
    /// let adam = Adam::new(1e-3).beta_1(0.8).beta_2(0.99).clipnorm(1.0);
    /// ```
    ///
    /// Source: `keras/src/optimizers/adam.py`.
    pub struct Adam: Optimizer {
        /// Exponential decay rate for the first moment estimates, in `[0, 1)`.
        beta_1: f64 = 0.9,
        /// Exponential decay rate for the second moment estimates, in `[0, 1)`.
        beta_2: f64 = 0.999,
        /// Small constant for numerical stability, added to the root of the second moment: Kingma and Ba's "epsilon hat".
        epsilon: f64 = 1e-7,
        /// Whether the largest second moment estimate so far takes the place of the present one (AMSGrad, Reddi et al., 2018).
        amsgrad: bool = false,
    }
}

impl OptimizerClass for Adam {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        let mut slots = vec![vec![Slot::new("momentum"), Slot::new("velocity")]];
        if self.amsgrad {
            slots.push(vec![Slot::new("velocity_hat")]);
        }
        slots
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let power = |beta: f64| ops::subtract(1.0, ops::power(beta, cx.step()));
        let rate = cx.learning_rate() * power(self.beta_2).sqrt() / power(self.beta_1);
        let (m, v) = (cx.slot("momentum")?, cx.slot("velocity")?);
        let m = &m + (gradient - &m) * (1.0 - self.beta_1);
        let v = &v + (gradient.square() - &v) * (1.0 - self.beta_2);
        cx.set_slot("momentum", m.clone())?;
        cx.set_slot("velocity", v.clone())?;
        let mut spread = v;
        if self.amsgrad {
            spread = ops::maximum(cx.slot("velocity_hat")?, &spread);
            cx.set_slot("velocity_hat", spread.clone())?;
        }
        Ok(weight - (m * rate) / (spread.sqrt() + self.epsilon))
    }
}
