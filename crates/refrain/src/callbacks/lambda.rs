//! Callbacks made of closures.

use super::{Callback, TrainContext};
use crate::error::Result;
use crate::training::Logs;

type WithNumber<'a> = Box<dyn FnMut(&mut TrainContext<'_>, usize) -> Result<()> + 'a>;
type WithLogs<'a> = Box<dyn FnMut(&mut TrainContext<'_>, usize, &mut Logs) -> Result<()> + 'a>;
type Plain<'a> = Box<dyn FnMut(&mut TrainContext<'_>) -> Result<()> + 'a>;

/// A callback made of closures.
///
/// ```
/// use refrain::callbacks::LambdaCallback;
/// let print = LambdaCallback::new().on_epoch_end(|_, epoch, logs| {
///     println!("{epoch}: {:?}", logs.get("loss"));
///     Ok(())
/// });
/// ```
///
/// Source: `keras/src/callbacks/lambda_callback.py`.
#[derive(Default)]
pub struct LambdaCallback<'a> {
    train_begin: Option<Plain<'a>>,
    train_end: Option<Plain<'a>>,
    epoch_begin: Option<WithNumber<'a>>,
    epoch_end: Option<WithLogs<'a>>,
    batch_begin: Option<WithNumber<'a>>,
    batch_end: Option<WithLogs<'a>>,
}

impl<'a> LambdaCallback<'a> {
    /// One that does nothing yet.
    pub fn new() -> Self {
        LambdaCallback::default()
    }

    /// Called before the first epoch.
    pub fn on_train_begin(
        mut self,
        f: impl FnMut(&mut TrainContext<'_>) -> Result<()> + 'a,
    ) -> Self {
        self.train_begin = Some(Box::new(f));
        self
    }

    /// Called after the last epoch.
    pub fn on_train_end(mut self, f: impl FnMut(&mut TrainContext<'_>) -> Result<()> + 'a) -> Self {
        self.train_end = Some(Box::new(f));
        self
    }

    /// Called before each epoch with its number.
    pub fn on_epoch_begin(
        mut self,
        f: impl FnMut(&mut TrainContext<'_>, usize) -> Result<()> + 'a,
    ) -> Self {
        self.epoch_begin = Some(Box::new(f));
        self
    }

    /// Called after each epoch with its number and logs, which it may add to.
    pub fn on_epoch_end(
        mut self,
        f: impl FnMut(&mut TrainContext<'_>, usize, &mut Logs) -> Result<()> + 'a,
    ) -> Self {
        self.epoch_end = Some(Box::new(f));
        self
    }

    /// Called before each step with its number.
    pub fn on_train_batch_begin(
        mut self,
        f: impl FnMut(&mut TrainContext<'_>, usize) -> Result<()> + 'a,
    ) -> Self {
        self.batch_begin = Some(Box::new(f));
        self
    }

    /// Called after each step with its number and logs, which it may add to.
    pub fn on_train_batch_end(
        mut self,
        f: impl FnMut(&mut TrainContext<'_>, usize, &mut Logs) -> Result<()> + 'a,
    ) -> Self {
        self.batch_end = Some(Box::new(f));
        self
    }
}

impl Callback for LambdaCallback<'_> {
    fn on_train_begin(&mut self, cx: &mut TrainContext<'_>) -> Result<()> {
        self.train_begin.as_mut().map_or(Ok(()), |f| f(cx))
    }

    fn on_epoch_begin(&mut self, cx: &mut TrainContext<'_>, epoch: usize) -> Result<()> {
        self.epoch_begin.as_mut().map_or(Ok(()), |f| f(cx, epoch))
    }

    fn on_train_batch_begin(&mut self, cx: &mut TrainContext<'_>, batch: usize) -> Result<()> {
        self.batch_begin.as_mut().map_or(Ok(()), |f| f(cx, batch))
    }

    fn on_train_batch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        batch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.batch_end
            .as_mut()
            .map_or(Ok(()), |f| f(cx, batch, logs))
    }

    fn on_epoch_end(
        &mut self,
        cx: &mut TrainContext<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.epoch_end
            .as_mut()
            .map_or(Ok(()), |f| f(cx, epoch, logs))
    }

    fn on_train_end(&mut self, cx: &mut TrainContext<'_>, _logs: &Logs) -> Result<()> {
        self.train_end.as_mut().map_or(Ok(()), |f| f(cx))
    }
}
