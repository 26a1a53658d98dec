//! Stopping when a value no longer improves.

use refrain_graph::Literal;

use super::monitor::Monitor;
use super::{Callback, MonitorMode, TrainContext};
use crate::error::Result;
use crate::training::Logs;

/// Stops training when a monitored value has stopped improving.
///
/// ```
/// use refrain::callbacks::{EarlyStopping, MonitorMode};
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
/// let mut stop = EarlyStopping::new("val_loss")
///     .mode(MonitorMode::Min)
///     .min_delta(1e-3)
///     .patience(3)
///     .start_from_epoch(2)
///     .restore_best_weights(true);
/// let history = model.fit(&x, &y).validation_split(0.25).epochs(100).callback(&mut stop).run()?;
/// assert_eq!(stop.stopped_epoch(), history.epochs().last().copied());
/// assert!(stop.best().is_some_and(|loss| loss < 0.1));
/// # Ok::<(), refrain::Error>(())
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
    /// Monitors this value (Keras's default is `val_loss`), with `patience` 0.
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

    /// Number of epochs without improvement after which training stops; 0 by default.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// The smallest change that is an improvement, in absolute value; 0 by default.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.monitor.min_delta = min_delta;
        self
    }

    /// Whether the value is to fall or to rise; [`MonitorMode::Auto`] by default.
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// A value that must be beaten: an epoch that improves on the best value but not on this one uses up patience. None by default.
    pub fn baseline(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Whether the weights of the best epoch are restored at the end; `false` by default: the weights are those of the last step.
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// The first epoch whose value is monitored; 0, the first of all, by default.
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
    fn monitors(&self, cx: &TrainContext<'_>) -> Vec<&str> {
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
