//! Keeping weights while training goes on.

use std::path::PathBuf;

use refrain_graph::Literal;

use super::monitor::Monitor;
use super::{Callback, MonitorMode, TrainContext};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::training::Logs;

/// Keeps the weights after each epoch, or only those of the best epoch.
///
/// The weights are kept in memory and come back by [`restore`](ModelCheckpoint::restore); a function given to
/// [`save_with`](ModelCheckpoint::save_with) may put them elsewhere.
///
/// ```
/// use refrain::callbacks::ModelCheckpoint;
/// let best = ModelCheckpoint::new().monitor("val_accuracy").save_best_only(true);
/// ```
///
/// Source: `keras/src/callbacks/model_checkpoint.py`.
pub struct ModelCheckpoint {
    monitor: Monitor,
    filepath: Option<PathBuf>,
    save_best_only: bool,
    save_with: Option<Box<SaveWith>>,
    weights: Option<Vec<Literal>>,
    epoch: Option<usize>,
}

type SaveWith = dyn FnMut(&Model, usize, &Logs) -> Result<()>;

impl Default for ModelCheckpoint {
    fn default() -> Self {
        ModelCheckpoint::new()
    }
}

impl ModelCheckpoint {
    /// Keeps the weights of each epoch in memory; watches `val_loss`.
    pub fn new() -> Self {
        ModelCheckpoint {
            monitor: Monitor::new("val_loss".to_owned()),
            filepath: None,
            save_best_only: false,
            save_with: None,
            weights: None,
            epoch: None,
        }
    }

    /// A file to write. Training refuses it: models cannot be written to files yet.
    pub fn filepath(mut self, path: impl Into<PathBuf>) -> Self {
        self.filepath = Some(path.into());
        self
    }

    /// The value that tells which epoch is best.
    pub fn monitor(mut self, key: impl Into<String>) -> Self {
        self.monitor.key = key.into();
        self
    }

    /// Which way the value is better.
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// Whether only the weights of the best epoch are kept.
    pub fn save_best_only(mut self, best_only: bool) -> Self {
        self.save_best_only = best_only;
        self
    }

    /// A value that the first epoch must beat.
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.monitor.best = Some(value);
        self
    }

    /// What is done with a model to keep (its epoch, its logs), besides keeping its weights in memory.
    pub fn save_with(
        mut self,
        save: impl FnMut(&Model, usize, &Logs) -> Result<()> + 'static,
    ) -> Self {
        self.save_with = Some(Box::new(save));
        self
    }

    /// The epoch whose weights are kept (0 is the first).
    pub fn epoch(&self) -> Option<usize> {
        self.epoch
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }

    /// The weights kept, in the order of `model.weights()`.
    pub fn weights(&self) -> Option<&[Literal]> {
        self.weights.as_deref()
    }

    /// Gives a model the weights kept.
    ///
    /// # Errors
    /// None are kept, or they are those of another model.
    pub fn restore(&self, model: &Model) -> Result<()> {
        let kept = self
            .weights
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::State, "the checkpoint holds no weights yet"))?;
        let weights = model.weights();
        if weights.len() != kept.len() {
            let expected = format!("a model of {} weights", kept.len());
            return Err(Error::mismatch(
                ErrorKind::Structure,
                expected,
                weights.len().to_string(),
            ));
        }
        let mut pairs = weights.iter().zip(kept);
        pairs.try_for_each(|(w, value)| w.assign(value.clone()))
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _cx: &mut TrainContext<'_>) -> Result<()> {
        let Some(path) = &self.filepath else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "ModelCheckpoint cannot write `{}`: models cannot be written to files yet",
                path.display()
            ),
        )
        .hint("Leave out the path: the weights are kept in memory"))
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if self.save_best_only {
            let value = self.monitor.value(logs)?;
            if !self.monitor.improve(cx, value)? {
                return Ok(());
            }
        }
        (self.weights, self.epoch) = (Some(cx.weights()), Some(epoch));
        match &mut self.save_with {
            Some(save) => save(cx.model(), epoch, logs),
            None => Ok(()),
        }
    }
}
