//! Changing the learning rate between epochs.

use super::monitor::Monitor;
use super::{Callback, MonitorMode, TrainContext};
use crate::error::{Error, ErrorKind, Result};
use crate::training::Logs;

/// What the rate is logged as.
const LEARNING_RATE: &str = "learning_rate";

/// Sets the learning rate before each epoch, by a function of the epoch (0 is the first) and of the current rate. The logs of
/// each epoch hold its `learning_rate`.
///
/// ```
/// use refrain::callbacks::LearningRateScheduler;
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
/// let halve = LearningRateScheduler::new(|epoch, rate| if epoch < 1 { rate } else { rate * 0.5 });
/// let history = model.fit(&x, &y).epochs(3).callback(halve).run()?;
/// assert!((history.last("learning_rate")? - 0.025).abs() < 1e-6);
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/callbacks/learning_rate_scheduler.py`.
pub struct LearningRateScheduler<F>(F);

impl<F: FnMut(usize, f64) -> f64> LearningRateScheduler<F> {
    /// With this function of the epoch and the current rate.
    pub fn new(schedule: F) -> Self {
        LearningRateScheduler(schedule)
    }
}

impl<F: FnMut(usize, f64) -> f64> Callback for LearningRateScheduler<F> {
    fn may_log(&self, name: &str) -> bool {
        name == LEARNING_RATE
    }

    fn on_epoch_begin(&mut self, cx: &mut TrainContext<'_>, epoch: usize) -> Result<()> {
        let rate = (self.0)(epoch, cx.model().learning_rate()?);
        cx.model().set_learning_rate(rate)
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        _epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        logs.set(LEARNING_RATE, cx.model().learning_rate()?);
        Ok(())
    }
}

/// Reduces the learning rate when a monitored value has stopped improving.
///
/// ```
/// use refrain::callbacks::{MonitorMode, ReduceLROnPlateau};
/// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
/// # let x = input([2]);
/// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
/// # let (x, y) = (ndarray::Array2::<f32>::ones((32, 2)), ndarray::Array2::<f32>::ones((32, 1)));
/// let reduce = ReduceLROnPlateau::new("loss")
///     .mode(MonitorMode::Min)
///     .min_delta(1e-3)
///     .factor(0.2)
///     .patience(2)
///     .cooldown(1)
///     .min_lr(1e-4);
/// let history = model.fit(&x, &y).epochs(30).callback(reduce).run()?;
/// assert!(history.last("learning_rate")? < 0.1);
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/callbacks/reduce_lr_on_plateau.py`.
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: Monitor,
    factor: f64,
    patience: usize,
    cooldown: usize,
    min_lr: f64,
    wait: usize,
    cooling: usize,
}

/// Keras's default factor.
const FACTOR: f64 = 0.1;
/// Keras's default patience, in epochs.
const PATIENCE: usize = 10;
/// Keras's default of the smallest change that counts.
const MIN_DELTA: f64 = 1e-4;

impl ReduceLROnPlateau {
    /// Monitors this value (Keras's default is `val_loss`).
    pub fn new(monitor: impl Into<String>) -> Self {
        let mut monitor = Monitor::new(monitor.into());
        monitor.min_delta = MIN_DELTA;
        ReduceLROnPlateau {
            monitor,
            factor: FACTOR,
            patience: PATIENCE,
            cooldown: 0,
            min_lr: 0.0,
            wait: 0,
            cooling: 0,
        }
    }

    /// Factor of the rate, less than 1; 0.1 by default.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Number of epochs without improvement after which the rate is reduced; 10 by default.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Number of epochs after a reduction in which patience is not used up; 0 by default.
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.cooldown = epochs;
        self
    }

    /// Lower bound of the rate; 0 by default.
    pub fn min_lr(mut self, min_lr: f64) -> Self {
        self.min_lr = min_lr;
        self
    }

    /// The smallest change that is an improvement, in absolute value; 0.0001 by default.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.monitor.min_delta = min_delta;
        self
    }

    /// Whether the value is to fall or to rise; [`MonitorMode::Auto`] by default.
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }
}

impl Callback for ReduceLROnPlateau {
    fn monitors(&self, _cx: &TrainContext<'_>) -> Vec<&str> {
        vec![&self.monitor.key]
    }

    fn may_log(&self, name: &str) -> bool {
        name == LEARNING_RATE
    }

    fn on_train_begin(&mut self, _cx: &mut TrainContext<'_>) -> Result<()> {
        if self.factor.is_nan() || self.factor >= 1.0 {
            let expected = "a factor of ReduceLROnPlateau less than 1";
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                self.factor.to_string(),
            ));
        }
        (self.wait, self.cooling, self.monitor.best) = (0, 0, None);
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        _epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        let rate = cx.model().learning_rate()?;
        logs.set(LEARNING_RATE, rate);
        let Some(value) = self.monitor.value(cx, logs)? else {
            return Ok(());
        };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if self.monitor.improve(cx, value)? {
            self.wait = 0;
            return Ok(());
        }
        if self.cooling > 0 {
            return Ok(());
        }
        self.wait += 1;
        if self.wait >= self.patience && rate > f64::from(self.min_lr as f32) {
            cx.model()
                .set_learning_rate((rate * self.factor).max(self.min_lr))?;
            (self.cooling, self.wait) = (self.cooldown, 0);
        }
        Ok(())
    }

    fn on_train_end(&mut self, cx: &mut TrainContext<'_>, logs: &Logs) -> Result<()> {
        self.monitor.check_seen(cx, logs)
    }
}
