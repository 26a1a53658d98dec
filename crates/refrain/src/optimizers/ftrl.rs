//! Follow the regularized leader.

use super::{Optimizer, OptimizerClass, Slot, Update};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Follow the regularized leader, for large sparse models (McMahan et al., 2013), with shrinkage.
    ///
    /// ```
    /// use refrain::optimizers::Ftrl;
    /// let optimizer = Ftrl::new(0.05).l1_regularization_strength(0.01);
    /// ```
    ///
    /// Source: `keras/src/optimizers/ftrl.py`.
    pub struct Ftrl: Optimizer {
        /// By which power the learning rate falls with the sums of squared gradients: 0 or less, 0 for a constant rate.
        learning_rate_power: f64 = -0.5,
        /// What the sums of squared gradients begin with, 0 or more.
        initial_accumulator_value: f64 = 0.1,
        /// Strength of the L1 penalty, 0 or more.
        l1_regularization_strength: f64 = 0.0,
        /// Strength of the L2 penalty, 0 or more.
        l2_regularization_strength: f64 = 0.0,
        /// Strength of an L2 penalty on the size of the weights, 0 or more, which acts through the gradients.
        l2_shrinkage_regularization_strength: f64 = 0.0,
        /// The paper's beta.
        beta: f64 = 0.0,
    }
}

impl OptimizerClass for Ftrl {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        let accumulator = Slot::new("accumulator").filled(self.initial_accumulator_value);
        vec![vec![accumulator, Slot::new("linear")]]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let rate = cx.learning_rate().clone();
        let scaled = |sum: &Tensor| ops::power(sum, -self.learning_rate_power);
        let shrunk = gradient + weight * (2.0 * self.l2_shrinkage_regularization_strength);
        let before = cx.slot("accumulator")?;
        let sum = &before + gradient.square();
        let strength = (scaled(&sum) - scaled(&before)) / &rate;
        let linear = cx.slot("linear")? + (shrunk - strength * weight);
        let l2 = self.l2_regularization_strength + ops::divide(self.beta, &rate * 2.0);
        let quadratic = scaled(&sum) / &rate + l2 * 2.0;
        cx.set_slot("accumulator", sum)?;
        cx.set_slot("linear", linear.clone())?;
        let l1 = self.l1_regularization_strength;
        Ok((ops::clip(&linear, -l1, l1) - linear) / quadratic)
    }

    fn validate(&self) -> Result<()> {
        let least = [
            ("initial_accumulator_value", self.initial_accumulator_value),
            (
                "l1_regularization_strength",
                self.l1_regularization_strength,
            ),
            (
                "l2_regularization_strength",
                self.l2_regularization_strength,
            ),
            (
                "l2_shrinkage_regularization_strength",
                self.l2_shrinkage_regularization_strength,
            ),
            ("-learning_rate_power", -self.learning_rate_power),
        ];
        match least
            .iter()
            .find(|(_, value)| value.is_nan() || *value < 0.0)
        {
            None => Ok(()),
            Some((option, value)) => Err(Error::mismatch(
                ErrorKind::Config,
                format!("{option} of 0 or more"),
                value.to_string(),
            )),
        }
    }
}
