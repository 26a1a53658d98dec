//! Adadelta.

use super::{Optimizer, OptimizerClass, Slot, Update, check_rate};
use crate::error::Result;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Gradients scaled by the ratio of the root mean squares of past steps and past gradients (Zeiler, 2012).
    ///
    /// The paper has a learning rate of 1; the default is 0.001, as in Keras.
    ///
    /// ```
    /// use refrain::optimizers::Adadelta;
    /// let optimizer = Adadelta::new(1.0).rho(0.9);
    /// ```
    ///
    /// Source: `keras/src/optimizers/adadelta.py`.
    pub struct Adadelta: Optimizer {
        /// Decay rate of both moving averages, 0 to 1.
        rho: f64 = 0.95,
        /// Added to both means under their roots.
        epsilon: f64 = 1e-7,
    }
}

impl OptimizerClass for Adadelta {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        let names = ["accumulated_grad", "accumulated_delta_var"];
        vec![names.map(Slot::new).into()]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let keep = |old: &Tensor, new: &Tensor| old * self.rho + new.square() * (1.0 - self.rho);
        let root = |mean: &Tensor| (mean + self.epsilon).sqrt();
        let steps = cx.slot("accumulated_delta_var")?;
        let gradients = keep(&cx.slot("accumulated_grad")?, gradient);
        let step = -(root(&steps) * gradient / root(&gradients));
        cx.set_slot("accumulated_grad", gradients)?;
        cx.set_slot("accumulated_delta_var", keep(&steps, &step))?;
        Ok(weight + step * cx.learning_rate())
    }

    fn validate(&self) -> Result<()> {
        check_rate("rho", self.rho)
    }
}
