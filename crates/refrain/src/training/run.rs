//! The course of `fit`: epochs, steps, validation, callbacks.

use super::cache::Mode;
use super::compiled::Compiled;
use super::evaluate::{EvaluationPass, evaluate_batches};
use super::feed::Feed;
use super::fit::{Options, in_validation};
use super::history::{History, Logs};
use super::progress::Progress;
use super::session::Session;
use super::steps::{OneBatch, TrainSteps};
use crate::callbacks::{Callback, Callbacks, TrainContext, each};
use crate::data::Stream;
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::warnings;

/// A run of `fit`.
pub(crate) struct Run<'r, 'a> {
    pub(crate) model: &'a Model,
    pub(crate) compiled: &'r Compiled,
    pub(crate) options: &'r Options,
    pub(crate) validation: Option<Validation<'a>>,
    pub(crate) callbacks: &'r mut Callbacks<'a>,
}

/// What validates.
#[allow(clippy::large_enum_variant, reason = "made once for a run")]
pub(crate) enum Validation<'a> {
    Arrays(Feed<'a>, EvaluationPass),
    Batches(Stream<'a>),
}

impl Run<'_, '_> {
    pub(crate) fn all(&mut self, train: &mut dyn TrainSteps) -> Result<History> {
        let o = self.options;
        train.prepare()?;
        self.check_validation().map_err(in_validation)?;
        let mut steps = train.steps();
        let mut progress = Progress::new(o.verbose, steps);
        let (mut history, mut logs) = (History::default(), Logs::default());
        let (model, compiled) = (self.model, self.compiled);
        let mut cx = TrainContext::new(model, compiled, o.epochs, steps.unwrap_or_default());
        cx.validates = self.validation.is_some();
        self.check_names(&cx)?;
        self.each(|c| c.on_train_begin(&mut cx))?;
        for epoch in o.initial_epoch..o.epochs {
            if !train.begin()? {
                warnings::out_of_data(Some(o.epochs), epoch, "epochs");
                break;
            }
            steps = train.steps().or(steps);
            cx.steps = steps.unwrap_or_default();
            progress.expect(steps);
            logs.clear();
            self.compiled.train.iter().for_each(|t| t.reset());
            self.each(|c| c.on_epoch_begin(&mut cx, epoch))?;
            let headline = (o.epochs > 1).then(|| format!("Epoch {}/{}", epoch + 1, o.epochs));
            progress.begin(headline);
            let done = self.epoch(train, epoch, &mut cx, &mut logs, &mut progress)?;
            train.verify()?;
            self.validate(epoch, &mut logs)?;
            self.each(|c| c.on_epoch_end(&mut cx, epoch, &mut logs))?;
            progress.end(done, &logs);
            history.push(epoch, &logs);
            if cx.stopped() {
                break;
            }
            steps = Some(done);
        }
        train.end();
        self.compiled.state().finalize()?;
        self.each(|c| c.on_train_end(&mut cx, &logs))?;
        Ok(history)
    }

    /// Refuses names that callbacks monitor and that nothing can log, or that have no single number.
    fn check_names(&self, cx: &TrainContext<'_>) -> Result<()> {
        let mut logs = Logs::default();
        logs.update(&self.compiled.train, "")?;
        if cx.validates {
            logs.update(&self.compiled.test, "val_")?;
        }
        let mut monitored = self.callbacks.iter().flat_map(|c| c.monitors(cx));
        monitored.try_for_each(|name| match logs.values(name) {
            Ok([_]) => Ok(()),
            Ok(vector) => {
                let received = format!("`{name}`, a vector of {}", vector.len());
                let error = Error::mismatch(ErrorKind::Config, "one number to monitor", received);
                Err(error
                    .hint("Let the metric average its results, or monitor a metric of one of them"))
            }
            Err(_) if self.callbacks.iter().any(|c| c.may_log(name)) => Ok(()),
            Err(error) => Err(error),
        })
    }

    fn each(&mut self, f: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        each(self.callbacks, f)
    }

    /// The steps of one epoch; gives how many were made.
    fn epoch(
        &mut self,
        train: &mut dyn TrainSteps,
        epoch: usize,
        cx: &mut TrainContext<'_>,
        logs: &mut Logs,
        progress: &mut Progress,
    ) -> Result<usize> {
        let (mut done, mut read) = (0, true);
        while train.another()? {
            self.each(|c| c.on_train_batch_begin(cx, done))?;
            train.step(epoch, done)?;
            read = progress.reads(done + 1, self.callbacks);
            logs.update_if(read, &self.compiled.train)?;
            self.each(|c| c.on_train_batch_end(cx, done, logs))?;
            done += 1;
            progress.step(done, logs);
            if cx.stopped() {
                return Ok(done);
            }
        }
        logs.update_if(!read, &self.compiled.train)?;
        warnings::out_of_data(self.options.steps_per_epoch, done, "steps");
        Ok(done)
    }

    /// Refuses arrays of validation that do not fit, before the first epoch rather than after it.
    fn check_validation(&self) -> Result<()> {
        let Some(Validation::Arrays(feed, pass)) = &self.validation else {
            return Ok(());
        };
        pass.batches(feed).check(self.model)?;
        if self.options.validations() == 0 {
            return Ok(());
        }
        let size = pass.batch_size.min(feed.samples());
        Session::new(self.model, self.compiled, feed, Mode::Test).prepare(size)
    }

    fn validate(&mut self, epoch: usize, logs: &mut Logs) -> Result<()> {
        if !(epoch + 1).is_multiple_of(self.options.validation_freq) {
            return Ok(());
        }
        let checked = self.options.check_finite.then_some(epoch);
        let evaluation = match &mut self.validation {
            None => return Ok(()),
            Some(Validation::Arrays(feed, pass)) => {
                pass.evaluate(self.model, self.compiled, feed, checked, self.callbacks)?
            }
            Some(Validation::Batches(stream)) => {
                if !stream.begin()? {
                    warnings::out_of_data(Some(self.options.epochs), epoch, "validations");
                    return Ok(());
                }
                let one = OneBatch::new(self.model, self.compiled, &[]);
                evaluate_batches(&one, stream, Progress::silent(), checked, self.callbacks)?
            }
        };
        logs.add_validation(evaluation);
        Ok(())
    }
}
