//! Stopping when a value no longer improves.

use refrain_graph::Literal;

use super::monitor::Monitor;
use super::{Callback, MonitorMode, TrainContext};
use crate::error::Result;
use crate::training::Logs;

/// Stops when a value has not improved for some epochs.
///
/// ```
/// use refrain::callbacks::EarlyStopping;
/// let stop = EarlyStopping::new("val_loss").patience(3).restore_best_weights(true);
/// ```
///
/// Source: `keras/src/callbacks/early_stopping.py`.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: usize,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    wait: usize,
    stopped_epoch: Option<usize>,
    best_epoch: usize,
    best_weights: Option<Vec<Literal>>,
}

impl EarlyStopping {
    /// Watches this value (Keras's default is `val_loss`) without patience.
    pub fn new(monitor: impl Into<String>) -> Self {
        EarlyStopping {
            monitor: Monitor::new(monitor.into()),
            patience: 0,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            wait: 0,
            stopped_epoch: None,
            best_epoch: 0,
            best_weights: None,
        }
    }

    /// After how many epochs without improvement it stops.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Smaller changes are no improvement.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.monitor.min_delta = min_delta;
        self
    }

    /// Which way the value is better.
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// Only values better than this count as improvements that patience waits for.
    pub fn baseline(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Whether the weights of the best epoch come back at the end.
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// The first epoch that is watched.
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// The epoch after which it stopped the last training (0 is the first), if it did.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped_epoch
    }

    /// The best epoch of the last training (0 is the first).
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }

    /// The best value of the last training.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }
}

impl Callback for EarlyStopping {
    fn watches(&self, cx: &TrainContext<'_>) -> Vec<&str> {
        match self.start_from_epoch < cx.epochs() {
            true => vec![&self.monitor.key],
            false => Vec::new(),
        }
    }

    fn may_log(&self, _name: &str) -> bool {
        false
    }

    fn on_train_begin(&mut self, _cx: &mut TrainContext<'_>) -> Result<()> {
        (self.wait, self.best_epoch) = (0, 0);
        (self.stopped_epoch, self.best_weights, self.monitor.best) = (None, None, None);
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        if epoch < self.start_from_epoch {
            return Ok(());
        }
        let Some(value) = self.monitor.value(cx, logs)? else {
            return Ok(());
        };
        if self.restore_best_weights && self.best_weights.is_none() {
            (self.best_weights, self.best_epoch) = (Some(cx.weights()?), epoch);
        }
        self.wait += 1;
        if self.monitor.improve(cx, value)? {
            self.best_epoch = epoch;
            if self.restore_best_weights {
                self.best_weights = Some(cx.weights()?);
            }
            let beats_baseline = match self.baseline {
                Some(_) => self.monitor.is_better(cx, value, self.baseline)?,
                None => true,
            };
            if beats_baseline {
                self.wait = 0;
            }
            return Ok(());
        }
        if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = Some(epoch);
            cx.stop_training();
        }
        Ok(())
    }

    fn on_train_end(&mut self, cx: &mut TrainContext<'_>, logs: &Logs) -> Result<()> {
        self.monitor.check_seen(cx, logs)?;
        match &self.best_weights {
            Some(weights) if self.restore_best_weights => cx.restore(weights),
            _ => Ok(()),
        }
    }
}
