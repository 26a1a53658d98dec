//! What a model is compiled with.

use refrain::losses::{Loss, LossClass, Targets};
use refrain::metrics::{Direction, Metric, MetricClass, State};
use refrain::optimizers::{
    Optimizer, OptimizerClass, Schedule, ScheduleClass, Slot, Update, Updates,
};
use refrain::{Result, Tensor, Variable, ops, options};

options! {
    /// Steps along the sign of a moving average of gradients, which all together have at most norm 1; each step is a little
    /// longer than the one before.
    pub struct SignedMomentum as "extending>SignedMomentum": Optimizer {
        /// Decay rate of the average.
        beta: f64 = 0.9,
        /// By how much a step is longer than the one before.
        growth: f64 = 0.01,
    }
}

impl OptimizerClass for SignedMomentum {
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        vec![vec![Slot::new("momentum")]]
    }

    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("length", 1.0)]
    }

    fn prepare(&self, all: &mut Updates) -> Result<()> {
        let squares = all
            .gradients()
            .iter()
            .map(|g| ops::sum(&g.square(), ops::Axes::All, false));
        let norm = squares
            .reduce(|a, b| a + b)
            .map(|sum| ops::maximum(sum.sqrt(), 1.0));
        if let Some(norm) = norm {
            all.gradients().iter_mut().for_each(|g| *g = &*g / &norm);
        }
        let length = all.scalar("length")? * (1.0 + self.growth);
        all.set_scalar("length", length)
    }

    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let average = cx.slot("momentum")? * self.beta + gradient * (1.0 - self.beta);
        cx.set_slot("momentum", average.clone())?;
        Ok(weight - ops::sign(&average) * cx.learning_rate() * cx.scalar("length")?)
    }
}

options! {
    /// `rate / √(step + 1)`.
    pub struct InverseRoot as "extending>InverseRoot": Schedule [
        /// The first rate.
        initial_learning_rate: f64,
    ] {}
}

impl ScheduleClass for InverseRoot {
    fn rate(&self, step: &Tensor) -> Result<Tensor> {
        Ok(ops::divide(self.initial_learning_rate, (step + 1.0).sqrt()))
    }
}

options! {
    /// Binary cross-entropy that counts what is predicted well for little.
    pub struct FocalLoss as "extending>FocalLoss": Loss {
        /// How much less what is predicted well counts.
        gamma: f64 = 2.0,
    }
}

impl LossClass for FocalLoss {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let p = ops::clip(y_pred, 1e-7, 1.0 - 1e-7);
        let truth = y_true * &p + (1.0 - y_true) * (1.0 - &p);
        Ok(ops::mean(
            &(ops::power(&(1.0 - &truth), self.gamma) * -truth.log()),
            -1,
            false,
        ))
    }

    fn targets(&self) -> Targets {
        Targets::Probabilities
    }
}

options! {
    /// The share of predictions that are a yes, of all batches together.
    pub struct YesRate as "extending>YesRate": Metric {
        /// Above which prediction a yes is.
        threshold: f64 = 0.5,
    }
}

impl MetricClass for YesRate {
    fn state(&self, _y_pred: &Tensor) -> Result<Vec<State>> {
        Ok(["yes", "all"].map(|name| State::new(name, [])).into())
    }

    fn update(
        &self,
        state: &[Tensor],
        _y_true: &Tensor,
        y_pred: &Tensor,
        _sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let yes = ops::cast(&ops::greater(y_pred, self.threshold), y_pred.dtype());
        let all = ops::sum(&ops::ones_like(&yes, None), ops::Axes::All, false);
        Ok(vec![
            &state[0] + ops::sum(yes, ops::Axes::All, false),
            &state[1] + all,
        ])
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        ops::divide(&state[0], &state[1]).checked()
    }

    fn direction(&self) -> Option<Direction> {
        None
    }
}
