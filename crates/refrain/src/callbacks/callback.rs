//! The trait of all callbacks.

use refrain_graph::Literal;

use crate::error::Result;
use crate::metrics::Direction;
use crate::models::Model;
use crate::training::{Compiled, Logs};

/// Code that runs between epochs and steps of `fit`. All methods do nothing by default; an error ends the training.
///
/// Within a method the model may be evaluated, saved, and asked to predict; its weights may be read and changed.
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
#[allow(unused_variables)]
pub trait Callback {
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

    /// After a step. The logs are means since the beginning of the epoch.
    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        batch: usize,
        logs: &Logs,
    ) -> Result<()> {
        Ok(())
    }

    /// After an epoch and its validation.
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
}

macro_rules! forward {
    ($($t:ty),*) => {$(
        impl<C: Callback + ?Sized> Callback for $t {
            fn on_train_begin(&mut self, cx: &mut TrainContext<'_>) -> Result<()> {
                (**self).on_train_begin(cx)
            }
            fn on_epoch_begin(&mut self, cx: &mut TrainContext<'_>, epoch: usize) -> Result<()> {
                (**self).on_epoch_begin(cx, epoch)
            }
            fn on_train_batch_begin(&mut self, cx: &mut TrainContext<'_>, batch: usize) -> Result<()> {
                (**self).on_train_batch_begin(cx, batch)
            }
            fn on_train_batch_end(&mut self, cx: &mut TrainContext<'_>, batch: usize, logs: &Logs) -> Result<()> {
                (**self).on_train_batch_end(cx, batch, logs)
            }
            fn on_epoch_end(&mut self, cx: &mut TrainContext<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
                (**self).on_epoch_end(cx, epoch, logs)
            }
            fn on_train_end(&mut self, cx: &mut TrainContext<'_>, logs: &Logs) -> Result<()> {
                (**self).on_train_end(cx, logs)
            }
        }
    )*};
}
forward!(&mut C, Box<C>);

/// What a callback sees of a training, and what it can do.
pub struct TrainContext<'t> {
    model: &'t Model,
    compiled: &'t Compiled,
    epochs: usize,
    steps: usize,
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

    /// The number of the epoch before which `fit` ends.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Ends the training after this step or epoch.
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

    /// Whether a value is logged in some epochs.
    pub(crate) fn is_logged_at_times(&self, key: &str) -> bool {
        let known = |key: &str| self.compiled.test.iter().any(|t| t.key == key);
        self.validates && key.strip_prefix("val_").is_some_and(known)
    }

    /// Copies of all weights.
    pub(crate) fn weights(&self) -> Vec<Literal> {
        self.model.weights().iter().map(|w| w.value()).collect()
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
/// Source: `keras/src/callbacks/terminate_on_nan.py`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN;

impl Callback for TerminateOnNaN {
    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        _batch: usize,
        logs: &Logs,
    ) -> Result<()> {
        if logs.get("loss").is_ok_and(|loss| !loss.is_finite()) {
            cx.stop_training();
        }
        Ok(())
    }
}
