//! Adam with decoupled weight decay.

use super::{Adam, Optimizer, OptimizerClass, Slot, Update};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Adam whose weights decay independently of the gradients (Loshchilov and Hutter, 2017): by default at 0.004.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::AdamW};
    /// let (x, dense) = (input([4]), Dense::new(1));
    /// let model = Model::new(&x, &dense.call(&x)?)?;
    /// let adam = AdamW::new(1e-3).weight_decay(0.05).exclude_from_weight_decay(["bias", "gamma", "beta"]);
    /// model.compile(adam, Loss::MeanSquaredError).run()?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/optimizers/adamw.py`.
    pub struct AdamW: Optimizer(weight_decay = 0.004) {
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

impl AdamW {
    fn adam(&self) -> Adam {
        Adam::default()
            .beta_1(self.beta_1)
            .beta_2(self.beta_2)
            .epsilon(self.epsilon)
            .amsgrad(self.amsgrad)
    }
}

impl OptimizerClass for AdamW {
    fn slots(&self, weight: &Variable) -> Vec<Vec<Slot>> {
        self.adam().slots(weight)
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        self.adam().update(cx, gradient, weight)
    }

    fn validate(&self) -> Result<()> {
        self.adam().validate()
    }
}
