//! The trait of all callbacks.

use refrain_graph::Literal;

use crate::error::Result;
use crate::metrics::Direction;
use crate::models::Model;
use crate::training::{Compiled, Logs};

/// Code that runs between epochs and steps of `fit`. All methods do nothing by default; an error ends the training.
///
/// Within a method the model may be evaluated, saved, and asked to predict; its weights and its learning rate may be read
/// and changed. Callbacks are called in the order in which they were given, and what one writes into the logs
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
/// A number of one's own, which `EarlyStopping::new("val_f1").mode(MonitorMode::Max)` after it watches:
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
            fn on_train_batch_end(&mut self, cx: &mut TrainContext<'_>, batch: usize, logs: &mut Logs) -> Result<()> {
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
    pub(crate) steps: usize,
    stop: bool,
    /// Whether there are data to validate on, in some epochs at least.
    pub(crate) validates: bool,
    /// The names of all values so far.
    logged: Vec<String>,
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
            logged: Vec::new(),
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

    /// Steps of an epoch; 0 in the first epoch of batches whose number is not known.
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

    /// Whether a value is logged in some epochs: one of validation, or one that an epoch before has had.
    pub(crate) fn is_logged_at_times(&self, key: &str) -> bool {
        let known = |key: &str| self.compiled.test.iter().any(|t| t.key == key);
        let validates = self.validates && key.strip_prefix("val_").is_some_and(known);
        validates || self.logged.iter().any(|name| name == key)
    }

    /// Remembers which values an epoch has had.
    pub(crate) fn remember(&mut self, logs: &Logs) {
        for name in logs.names() {
            if !self.logged.iter().any(|known| known == name) {
                self.logged.push(name.to_owned());
            }
        }
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

/// Ends the training when the loss is NaN or infinite.
///
/// Source: `keras/src/callbacks/terminate_on_nan.py`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN;

impl Callback for TerminateOnNaN {
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
