//! `model.compile(…)` and what can be asked of a compiled model.

use std::sync::Arc;

use refrain_graph::Literal;

use super::KeptCompilation;
use super::compiled::{Compiled, LossWeights, compiled};
use super::engine::scalar;
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{IntoLosses, Losses};
use crate::metrics::{IntoMetrics, Metrics};
use crate::models::{Model, warn_of_repeated_penalties};
use crate::optimizers::{LearningRate, Optimizer};
use crate::variable::Variable;

/// Builder of [`Model::compile`]: options, then [`run`](Compile::run).
#[must_use = "nothing is recorded until `.run()`"]
pub struct Compile<'m> {
    model: &'m Model,
    optimizer: Optimizer,
    losses: Losses,
    loss_weights: Option<LossWeights>,
    metrics: Metrics,
    weighted_metrics: Metrics,
    source: Option<serde_json::Value>,
}

impl Model {
    /// Chooses the optimizer, the loss and the metrics.
    ///
    /// The loss is one for all outputs, an array with one for each output (`None`: no loss), or pairs of outputs' names and
    /// losses. Outputs that are a dict go by its keys, and may be given losses for some of them only. Compiling again forgets
    /// the optimizer's state, not the weights.
    ///
    /// ```
    /// use refrain::losses::Loss;
    /// use refrain::metrics::Metric;
    /// use refrain::optimizers::Adam;
    /// use refrain::{Model, input, layers::Dense};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Adam::new(1e-3), Loss::MeanSquaredError).metrics([Metric::MeanAbsoluteError]).run()?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn compile(&self, optimizer: impl Into<Optimizer>, loss: impl IntoLosses) -> Compile<'_> {
        Compile {
            model: self,
            optimizer: optimizer.into(),
            losses: loss.into_losses(),
            loss_weights: None,
            metrics: Metrics::Empty,
            weighted_metrics: Metrics::Empty,
            source: None,
        }
    }

    /// What `compile` recorded.
    pub(crate) fn compiled(&self) -> Option<Arc<Compiled>> {
        self.with_training(|state| state.compiled.clone())
    }

    /// Compiles a copy of a model as the model is, with the state of its optimizer. The pairs are variables of the model and
    /// those of the copy.
    pub(crate) fn compile_like(
        &self,
        original: &Compiled,
        pairs: &[(Variable, Variable)],
    ) -> Result<()> {
        let copy = original.copy()?;
        let sources = pairs.iter().map(|(from, to)| (to.id(), from.clone()));
        let weights = self.trainable_weights();
        copy.state()
            .continue_from(&original.state(), &weights, &sources.collect())?;
        self.with_training(|state| state.compiled = Some(Arc::new(copy)));
        Ok(())
    }

    /// Keeps what a file says of compiling and cannot be followed.
    pub(crate) fn keep_compilation(&self, kept: KeptCompilation) {
        self.with_training(|state| state.kept = Some(Arc::new(kept)));
    }

    /// What was kept, until the model is compiled.
    pub(crate) fn kept_compilation(&self) -> Option<Arc<KeptCompilation>> {
        self.with_training(|state| state.kept.clone())
    }

    /// The names of the values that [`evaluate`](Model::evaluate) gives: `loss`, of several outputs the losses, the metrics.
    /// `fit` logs the same, and with `val_` before each those of validation.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense, losses::Loss, metrics::Metric, optimizers::Sgd};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).metrics([Metric::Accuracy]).run()?;
    /// assert_eq!(model.metrics_names()?, ["loss", "accuracy"]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// The model is not compiled.
    pub fn metrics_names(&self) -> Result<Vec<String>> {
        let compiled = compiled(self)?;
        let order = compiled.evaluation_order().into_iter();
        Ok(order.map(|i| compiled.test[i].key.clone()).collect())
    }

    /// Whether `compile` has been run.
    pub fn is_compiled(&self) -> bool {
        self.compiled().is_some()
    }

    /// The learning rate of the next step.
    ///
    /// # Errors
    /// The model is not compiled, or the rate follows a schedule.
    pub fn learning_rate(&self) -> Result<f64> {
        let compiled = compiled(self)?;
        let state = compiled.state();
        let variable = state.learning_rate.as_ref().ok_or_else(scheduled)?;
        variable.with_value(scalar)
    }

    /// Sets the learning rate from the next step on; nothing is compiled again.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// # let x = input([2]);
    /// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// model.set_learning_rate(0.01)?;
    /// assert!((model.learning_rate()? - 0.01).abs() < 1e-6);
    /// assert_eq!(model.optimizer_variables().len(), 2); // iteration, learning_rate
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// The model is not compiled, the rate follows a schedule, or it is negative or not finite.
    pub fn set_learning_rate(&self, rate: f64) -> Result<()> {
        if !(rate >= 0.0 && rate.is_finite()) {
            let expected = "a finite learning rate of 0 or more";
            let received = rate.to_string();
            return Err(Error::mismatch(ErrorKind::Config, expected, received));
        }
        let compiled = compiled(self)?;
        let state = compiled.state();
        let variable = state.learning_rate.as_ref().ok_or_else(scheduled)?;
        variable.assign(Literal::scalar(rate as f32))
    }

    /// The optimizer's variables in Keras's order: `iteration`, `learning_rate`, then those of the weights, which exist from
    /// the first step on. Empty if the model is not compiled.
    pub fn optimizer_variables(&self) -> Vec<Variable> {
        let compiled = self.compiled();
        compiled.map_or_else(Vec::new, |c| c.state().variables())
    }

    /// Makes the optimizer's variables of all weights that train, as the first step would.
    pub(crate) fn build_optimizer(&self) -> Result<()> {
        let weights = self.trainable_weights();
        if let Some(compiled) = self.compiled() {
            compiled.state().build(&weights)?;
        }
        Ok(())
    }

    /// The optimizer's own variables besides the step counter and the learning rate, with the values that follow from the
    /// counter; none if they do not follow from it.
    pub(crate) fn derived_optimizer_scalars(&self) -> Result<Vec<(Variable, f64)>> {
        let Some(compiled) = self.compiled() else {
            return Ok(Vec::new());
        };
        let state = compiled.state();
        let scalars = state.scalars().iter().map(|(_, variable)| variable.clone());
        let values = state.derived_scalars()?.unwrap_or_default();
        Ok(scalars.zip(values).collect())
    }

    /// The optimizer's variables, once the model has been trained.
    pub(crate) fn built_optimizer_variables(&self) -> Option<Vec<Variable>> {
        let compiled = self.compiled()?;
        let optimizer = compiled.state();
        optimizer.is_built().then(|| optimizer.variables())
    }

    /// The optimizer, if the model is compiled.
    pub fn optimizer(&self) -> Option<Optimizer> {
        self.compiled().map(|c| c.optimizer.clone())
    }

    /// Resets the running means of [`train_on_batch`](Model::train_on_batch) and
    /// [`test_on_batch`](Model::test_on_batch). An evaluation has its own: one that is running goes on with them, also if its
    /// callback calls this.
    ///
    /// # Errors
    /// The model is not compiled.
    pub fn reset_metrics(&self) -> Result<()> {
        let compiled = compiled(self)?;
        let _only = compiled.test_means.take(&compiled.test)?;
        let all = compiled.train.iter().chain(&compiled.test);
        all.for_each(|t| t.reset());
        Ok(())
    }
}

fn scheduled() -> Error {
    Error::new(
        ErrorKind::State,
        "the learning rate follows a schedule and cannot be read or set by hand",
    )
    .hint("Compile with a number as the learning rate")
}

impl Compile<'_> {
    /// Coefficients of the outputs' losses in the total loss, 1 by default: one for each output, or by name.
    pub fn loss_weights(mut self, weights: impl Into<LossWeights>) -> Self {
        self.loss_weights = Some(weights.into());
        self
    }

    /// Metrics, computed without sample weights: a list; with several outputs a list for each, or pairs of names and metrics.
    pub fn metrics(mut self, metrics: impl IntoMetrics) -> Self {
        self.metrics = metrics.into_metrics();
        self
    }

    /// Metrics that are weighted by sample weights and class weights, in the same forms.
    pub fn weighted_metrics(mut self, metrics: impl IntoMetrics) -> Self {
        self.weighted_metrics = metrics.into_metrics();
        self
    }

    /// The configuration that all this was read from, to be written as it was.
    pub(crate) fn source(mut self, json: Option<serde_json::Value>) -> Self {
        self.source = json;
        self
    }

    /// Records it.
    ///
    /// # Errors
    /// An option makes no sense, or names and numbers do not fit the model's outputs.
    pub fn run(self) -> Result<()> {
        if let LearningRate::Constant(rate) = self.optimizer.options().learning_rate
            && rate < 0.0
        {
            let expected = "a learning rate of 0 or more";
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                rate.to_string(),
            ));
        }
        let metrics = [self.metrics, self.weighted_metrics];
        let mut compiled = Compiled::new(
            self.model,
            self.optimizer,
            self.losses,
            self.loss_weights,
            metrics,
        )?;
        compiled.source = self.source;
        warn_of_repeated_penalties(self.model.functional());
        self.model.with_training(|state| {
            state.compiled = Some(Arc::new(compiled));
            state.kept = None;
        });
        Ok(())
    }
}
