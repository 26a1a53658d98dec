//! Adam.

use super::{Optimizer, OptimizerClass, Slot, Update, check_betas};
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
        let corrections = [self.beta_1, self.beta_2].map(|beta| cx.bias_correction(beta));
        let rate = cx.learning_rate() * corrections[1].sqrt() / &corrections[0];
        let m = cx.average("momentum", gradient, self.beta_1)?;
        let v = cx.average("velocity", &gradient.square(), self.beta_2)?;
        let mut v_hat = v;
        if self.amsgrad {
            v_hat = ops::maximum(cx.slot("velocity_hat")?, &v_hat);
            cx.set_slot("velocity_hat", v_hat.clone())?;
        }
        Ok(weight - (m * rate) / (v_hat.sqrt() + self.epsilon))
    }

    fn validate(&self) -> Result<()> {
        check_betas(&[("beta_1", self.beta_1), ("beta_2", self.beta_2)])
    }
}
