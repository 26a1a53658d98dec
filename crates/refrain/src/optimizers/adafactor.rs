//! Adafactor.

use super::{Optimizer, OptimizerClass, Slot, Update};
use crate::error::Result;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;
use crate::variable::Variable;

options! {
    /// Second moments of matrices estimated from the means of their rows and columns, which takes less memory (Shazeer and
    /// Stern, 2018).
    ///
    /// ```
    /// use refrain::optimizers::Adafactor;
    /// let optimizer = Adafactor::new(0.01).clip_threshold(0.5);
    /// ```
    ///
    /// Source: `keras/src/optimizers/adafactor.py`.
    pub struct Adafactor: Optimizer {
        /// Exponent of the step, below 0, by which the decay rate of the second moments rises to 1.
        beta_2_decay: f64 = -0.8,
        /// Added to the squared gradients.
        epsilon_1: f64 = 1e-30,
        /// The least root mean square of a weight that scales its step.
        epsilon_2: f64 = 1e-3,
        /// The largest root mean square of a step before it is scaled.
        clip_threshold: f64 = 1.0,
        /// In Keras's configurations; it changes nothing there, since the learning rate is at most `1 / √step` in any case.
        relative_step: bool = true,
    }
}

/// The root mean square of all elements.
fn rms(x: &Tensor) -> Tensor {
    ops::mean(x.square(), Axes::All, false).sqrt()
}

impl OptimizerClass for Adafactor {
    fn slots(&self, weight: &Variable) -> Vec<Vec<Slot>> {
        let shape = weight.shape();
        // Weights of fewer axes have numbers there that are not used.
        let (rows, columns) = match &shape[..] {
            [batch @ .., rows, columns] => {
                ([batch, &[*rows]].concat(), [batch, &[*columns]].concat())
            }
            _ => (Vec::new(), Vec::new()),
        };
        let means = [("rows", rows), ("columns", columns)];
        let mut slots: Vec<Slot> = means
            .map(|(name, shape)| Slot::new(name).shape(shape))
            .into();
        slots.push(Slot::new("velocity"));
        vec![slots]
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let decay = ops::subtract(1.0, ops::power(cx.step(), self.beta_2_decay));
        let keep = |old: Tensor, new: &Tensor| &decay * old + (1.0 - &decay) * new;
        let squares = gradient.square() + self.epsilon_1;
        let velocity = if weight.rank() < 2 {
            keep(cx.slot("velocity")?, &squares)
        } else {
            let rows = keep(cx.slot("rows")?, &ops::mean(&squares, -1, false));
            let columns = keep(cx.slot("columns")?, &ops::mean(&squares, -2, false));
            cx.set_slot("rows", rows.clone())?;
            cx.set_slot("columns", columns.clone())?;
            let shares = &rows / ops::mean(&rows, -1, true);
            ops::expand_dims(&shares, -1) * ops::expand_dims(&columns, -2)
        };
        cx.set_slot("velocity", velocity.clone())?;
        let step = gradient / velocity.sqrt();
        let step = &step / ops::maximum(rms(&step) / self.clip_threshold, 1.0);
        let rate = ops::minimum(cx.learning_rate(), ops::rsqrt(cx.step()));
        Ok(weight - ops::maximum(rms(weight), self.epsilon_2) * rate * step)
    }
}
