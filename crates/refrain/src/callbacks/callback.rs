//! The trait of all callbacks.

use refrain_graph::Literal;

use super::PassContext;
use crate::error::Result;
use crate::metrics::Direction;
use crate::models::Model;
use crate::training::{Compiled, Logs, Predictions};
use crate::variable::Variable;

/// Code that runs between epochs and steps of `fit`, and between batches of `evaluate` and `predict`. All methods do nothing
/// by default; an error ends the run.
///
/// Within a method the model may be evaluated, saved, and asked to predict, in other threads too; its weights and its learning
/// rate may be read and changed. Callbacks are called in the order in which they were given, and what one writes into the logs
/// ([`Logs::set`]) is seen by those after it, by the progress line and by the history.
///
/// ```
/// use refrain::callbacks::{Callback, TrainContext};
/// use refrain::training::Logs;
///
/// /// Stops as soon as the loss is small.
/// struct GoodEnough(f64);
///
/// impl Callback for GoodEnough {
///     fn on_epoch_end(&mut self, cx: &mut TrainContext, _epoch: usize, logs: &mut Logs) -> refrain::Result<()> {
///         if logs.get("loss").is_ok_and(|loss| loss < self.0) {
///             cx.stop_training();
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A value of one's own, which a callback after it can monitor (`EarlyStopping::new("val_f1").mode(MonitorMode::Max)`):
///
/// ```
/// use ndarray::Array2;
/// use refrain::callbacks::{Callback, TrainContext};
/// use refrain::training::Logs;
///
/// struct F1<'a>(&'a Array2<f32>, &'a [f32]);
///
/// impl Callback for F1<'_> {
///     fn on_epoch_end(&mut self, cx: &mut TrainContext, _epoch: usize, logs: &mut Logs) -> refrain::Result<()> {
///         let scores = cx.model().predict(self.0).run()?.into_array()?;
///         let (mut hits, mut wrong) = (0.0, 0.0);
///         for (&score, &label) in scores.iter().zip(self.1) {
///             match (score > 0.5, label > 0.5) {
///                 (true, true) => hits += 1.0,
///                 (false, false) => {}
///                 _ => wrong += 1.0,
///             }
///         }
///         logs.set("val_f1", 2.0 * hits / (2.0 * hits + wrong));
///         Ok(())
///     }
/// }
/// ```
#[allow(unused_variables)]
pub trait Callback {
    /// The names of the logged values that the callback needs in these epochs. `fit` refuses names that nothing can log
    /// before its first step.
    fn monitors(&self, cx: &TrainContext<'_>) -> Vec<&str> {
        Vec::new()
    }

    /// Whether the callback may write a value of this name into the logs; `true` by default. While one may, a name that another
    /// callback [needs](Callback::monitors) is refused only after the first epoch.
    fn may_log(&self, name: &str) -> bool {
        true
    }

    /// Before the first epoch.
    fn on_train_begin(&mut self, cx: &mut TrainContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Before an epoch (0 is the first).
    fn on_epoch_begin(&mut self, cx: &mut TrainContext<'_>, epoch: usize) -> Result<()> {
        Ok(())
    }

    /// Before a step of an epoch (0 is the first).
    fn on_train_batch_begin(&mut self, cx: &mut TrainContext<'_>, batch: usize) -> Result<()> {
        Ok(())
    }

    /// After a step. The logs are means since the beginning of the epoch; what is written into them stays until its end.
    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        batch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        Ok(())
    }

    /// After an epoch and its validation. What is written into the logs becomes part of the history.
    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        Ok(())
    }

    /// After the last epoch, with its logs. Not called if `fit` fails.
    fn on_train_end(&mut self, cx: &mut TrainContext<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before the first batch of `evaluate`, and of each validation within `fit`.
    fn on_test_begin(&mut self, cx: &mut PassContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Before a batch of an evaluation (0 is the first).
    fn on_test_batch_begin(&mut self, cx: &mut PassContext<'_>, batch: usize) -> Result<()> {
        Ok(())
    }

    /// After a batch of an evaluation. The logs are means since its beginning, under names without `val_`.
    fn on_test_batch_end(
        &mut self,
        cx: &mut PassContext<'_>,
        batch: usize,
        logs: &Logs,
    ) -> Result<()> {
        Ok(())
    }

    /// After the last batch of an evaluation, with its logs.
    fn on_test_end(&mut self, cx: &mut PassContext<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before the first batch of `predict`.
    fn on_predict_begin(&mut self, cx: &mut PassContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Before a batch of `predict` (0 is the first).
    fn on_predict_batch_begin(&mut self, cx: &mut PassContext<'_>, batch: usize) -> Result<()> {
        Ok(())
    }

    /// After a batch of `predict`, with the outputs for it alone.
    fn on_predict_batch_end(
        &mut self,
        cx: &mut PassContext<'_>,
        batch: usize,
        outputs: &Predictions,
    ) -> Result<()> {
        Ok(())
    }

    /// After the last batch of `predict`.
    fn on_predict_end(&mut self, cx: &mut PassContext<'_>) -> Result<()> {
        Ok(())
    }
}

macro_rules! forward {
    ($method:ident($cx:ident $(, $name:ident: $t:ty)*)) => {
        fn $method(&mut self, cx: &mut $cx<'_> $(, $name: $t)*) -> Result<()> {
            (**self).$method(cx $(, $name)*)
        }
    };
    ($($t:ty),*) => {$(
        impl<C: Callback + ?Sized> Callback for $t {
            fn monitors(&self, cx: &TrainContext<'_>) -> Vec<&str> {
                (**self).monitors(cx)
            }
            fn may_log(&self, name: &str) -> bool {
                (**self).may_log(name)
            }
            forward!(on_train_begin(TrainContext));
            forward!(on_epoch_begin(TrainContext, epoch: usize));
            forward!(on_train_batch_begin(TrainContext, batch: usize));
            forward!(on_train_batch_end(TrainContext, batch: usize, logs: &mut Logs));
            forward!(on_epoch_end(TrainContext, epoch: usize, logs: &mut Logs));
            forward!(on_train_end(TrainContext, logs: &Logs));
            forward!(on_test_begin(PassContext));
            forward!(on_test_batch_begin(PassContext, batch: usize));
            forward!(on_test_batch_end(PassContext, batch: usize, logs: &Logs));
            forward!(on_test_end(PassContext, logs: &Logs));
            forward!(on_predict_begin(PassContext));
            forward!(on_predict_batch_begin(PassContext, batch: usize));
            forward!(on_predict_batch_end(PassContext, batch: usize, outputs: &Predictions));
            forward!(on_predict_end(PassContext));
        }
    )*};
}
forward!(&mut C, Box<C>);

/// What a callback sees of a training, and what it can do.
pub struct TrainContext<'t> {
    model: &'t Model,
    compiled: &'t Compiled,
    epochs: usize,
    pub(crate) steps: usize,
    stop: bool,
    /// Whether there are data to validate on, in some epochs at least.
    pub(crate) validates: bool,
}

impl<'t> TrainContext<'t> {
    pub(crate) fn new(
        model: &'t Model,
        compiled: &'t Compiled,
        epochs: usize,
        steps: usize,
    ) -> Self {
        TrainContext {
            model,
            compiled,
            epochs,
            steps,
            stop: false,
            validates: false,
        }
    }

    /// The model in training.
    pub fn model(&self) -> &'t Model {
        self.model
    }

    /// The `epochs` of [`Fit`](crate::training::Fit::epochs): the last epoch is the one before.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Steps of an epoch; 0 in the first epoch of batches whose number is not known.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Stops the training after this step or epoch.
    pub fn stop_training(&mut self) {
        self.stop = true;
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stop
    }

    /// Which way a logged value is better, where that is known.
    pub(crate) fn direction(&self, key: &str) -> Option<Direction> {
        let key = key.strip_prefix("val_").unwrap_or(key);
        let found = self.compiled.train.iter().find(|t| t.key == key);
        found.and_then(|t| t.direction)
    }

    /// Whether an epoch of these logs has no value of this name because it did not validate.
    pub(crate) fn is_left_out(&self, key: &str, logs: &Logs) -> bool {
        self.validates && key.starts_with("val_") && logs.get("val_loss").is_err()
    }

    /// Copies of all weights.
    pub(crate) fn weights(&self) -> Result<Vec<Literal>> {
        self.model.weights().iter().map(Variable::value).collect()
    }

    pub(crate) fn restore(&self, weights: &[Literal]) -> Result<()> {
        let pairs = self.model.weights().into_iter().zip(weights);
        pairs
            .into_iter()
            .try_for_each(|(w, value)| w.assign(value.clone()))
    }
}

/// Ends the training when the loss is NaN or infinite. The model keeps the weights that made it so;
/// [`Fit::check_finite`](crate::training::Fit::check_finite) undoes the step and names the operation.
///
/// ```
/// use refrain::callbacks::TerminateOnNaN;
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::from_elem((32, 1), f32::NAN));
/// let history = model.fit(&x, &y).epochs(5).callback(TerminateOnNaN).run()?;
/// assert_eq!(history.epochs(), [0]);
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/callbacks/terminate_on_nan.py`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN;

impl Callback for TerminateOnNaN {
    fn may_log(&self, _name: &str) -> bool {
        false
    }

    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        _batch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if logs.get("loss").is_ok_and(|loss| !loss.is_finite()) {
            cx.stop_training();
        }
        Ok(())
    }
}
