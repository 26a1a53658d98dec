//! Monitoring a value for improvements.

use super::TrainContext;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Direction;
use crate::training::Logs;

/// Whether a monitored value is to fall or to rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MonitorMode {
    /// By its name: losses and errors are to fall, accuracies to rise.
    #[default]
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

/// Monitors one logged value.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub(crate) key: String,
    pub(crate) mode: MonitorMode,
    pub(crate) min_delta: f64,
    pub(crate) best: Option<f64>,
    /// Whether the value has been there in some epoch.
    seen: bool,
}

impl Monitor {
    pub(crate) fn new(key: String) -> Self {
        Monitor {
            key,
            mode: MonitorMode::Auto,
            min_delta: 0.0,
            best: None,
            seen: false,
        }
    }

    /// The monitored value; `None` in an epoch that lacks it because it does not validate, or though one before had it.
    ///
    /// # Errors
    /// It is not among the logs.
    pub(crate) fn value(&mut self, cx: &TrainContext<'_>, logs: &Logs) -> Result<Option<f64>> {
        match logs.get(&self.key) {
            Err(_) if self.seen || cx.is_left_out(&self.key, logs) => Ok(None),
            Err(error) if self.is_known(cx) => Err(error),
            Err(error) => {
                Err(error
                    .hint("A callback that writes a value must come before those that monitor it"))
            }
            Ok(value) => {
                self.seen = true;
                Ok(Some(value))
            }
        }
    }

    /// Refuses, at the end, a value that was in no epoch and that no metric gives.
    pub(crate) fn check_seen(&self, cx: &TrainContext<'_>, logs: &Logs) -> Result<()> {
        match self.seen || self.is_known(cx) {
            true => Ok(()),
            false => logs.get(&self.key).map(drop),
        }
    }

    /// Whether it is a value of the loss or of a metric, rather than one that a callback writes.
    fn is_known(&self, cx: &TrainContext<'_>) -> bool {
        cx.direction(&self.key).is_some()
    }

    fn direction(&self, cx: &TrainContext<'_>) -> Result<Direction> {
        let known = match self.mode {
            MonitorMode::Min => Some(Direction::Down),
            MonitorMode::Max => Some(Direction::Up),
            MonitorMode::Auto => cx.direction(&self.key),
        };
        known.ok_or_else(|| {
            let message = format!(
                "whether `{}` is better large or small is not known",
                self.key
            );
            Error::new(ErrorKind::Config, message)
                .hint("Set the mode to MonitorMode::Min or MonitorMode::Max")
        })
    }

    /// Whether a value is better than another by more than the smallest change that counts.
    pub(crate) fn is_better(
        &self,
        cx: &TrainContext<'_>,
        value: f64,
        than: Option<f64>,
    ) -> Result<bool> {
        let direction = self.direction(cx)?;
        let delta = self.min_delta.abs();
        Ok(than.is_none_or(|than| match direction {
            Direction::Up => value - delta > than,
            Direction::Down => value + delta < than,
        }))
    }

    /// Whether a value is the best so far; it is remembered if so.
    pub(crate) fn improve(&mut self, cx: &TrainContext<'_>, value: f64) -> Result<bool> {
        let better = self.is_better(cx, value, self.best)?;
        if better {
            self.best = Some(value);
        }
        Ok(better)
    }
}
