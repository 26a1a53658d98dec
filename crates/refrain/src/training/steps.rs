//! The steps of `fit`: arrays cut into batches, or batches from an iterator.

use super::cache::Mode;
use super::compiled::{Compiled, TargetUse};
use super::feed::Feed;
use super::fit::{Options, class_weights};
use super::session::Session;
use super::stateful::Batches;
use crate::data::{Batch, Order, Rows, Stream};
use crate::error::Result;
use crate::initializers;
use crate::models::Model;

/// The steps of a run of `fit`.
pub(crate) trait TrainSteps {
    /// Makes what the first step needs, which shows whether the data fit.
    fn prepare(&mut self) -> Result<()>;

    /// Steps of an epoch, if they are known.
    fn steps(&mut self) -> Option<usize>;

    /// Begins an epoch; `false` if the data have ended.
    fn begin(&mut self) -> Result<bool>;

    /// Whether the epoch has another step.
    fn another(&mut self) -> Result<bool>;

    /// Makes it.
    fn step(&mut self, epoch: usize, number: usize) -> Result<()>;

    /// Makes sure that no step of the epoch has left a weight NaN or infinite, if that is to be checked.
    fn verify(&mut self) -> Result<()> {
        Ok(())
    }

    /// After the last epoch.
    fn end(&mut self);
}

/// Steps over arrays.
pub(crate) struct ArraySteps<'s, 'a> {
    model: &'s Model,
    session: Session<'s, 'a>,
    options: &'s Options,
    order: Order,
    /// The next sample in the order.
    next: usize,
    batch: usize,
    /// Steps of an epoch, and how many are left of this one.
    steps: usize,
    left: usize,
}

impl<'s, 'a> ArraySteps<'s, 'a> {
    pub(crate) fn new(
        model: &'s Model,
        compiled: &'s Compiled,
        feed: &'s Feed<'a>,
        batch: usize,
        options: &'s Options,
    ) -> Self {
        let samples = feed.samples();
        let steps = options.steps_per_epoch.unwrap_or(samples.div_ceil(batch));
        let seed = options.seed;
        let seed = options
            .shuffle
            .then(|| seed.unwrap_or_else(initializers::next_seed));
        ArraySteps {
            model,
            session: Session::new(model, compiled, feed, Mode::Train),
            options,
            order: Order::new(samples, seed),
            next: samples,
            batch,
            steps,
            left: 0,
        }
    }

    /// The samples of the next batch; a new pass begins when the data have ended.
    fn advance(&mut self) -> std::ops::Range<usize> {
        let samples = self.order.rows().len();
        if self.next >= samples {
            self.order.next_pass();
            self.next = 0;
        }
        let start = self.next;
        self.next += self.batch.min(samples - start);
        start..self.next
    }
}

impl TrainSteps for ArraySteps<'_, '_> {
    fn prepare(&mut self) -> Result<()> {
        let Options {
            epochs,
            initial_epoch,
            steps_per_epoch,
            ..
        } = *self.options;
        let epochs = epochs.saturating_sub(initial_epoch);
        let batches = Batches {
            samples: self.order.rows().len(),
            size: self.batch,
            steps: steps_per_epoch.map(|s| s.saturating_mul(epochs)),
        };
        batches.check(self.model)?;
        self.session.prepare(self.batch.min(batches.samples))
    }

    fn steps(&mut self) -> Option<usize> {
        Some(self.steps)
    }

    fn begin(&mut self) -> Result<bool> {
        self.session.refresh();
        self.left = self.steps;
        if self.options.steps_per_epoch.is_none() {
            self.next = self.order.rows().len();
        }
        Ok(true)
    }

    fn another(&mut self) -> Result<bool> {
        Ok(self.left > 0)
    }

    fn step(&mut self, epoch: usize, number: usize) -> Result<()> {
        self.left -= 1;
        let range = self.advance();
        let rows = match self.order.shuffled() {
            true => Rows::Picked(&self.order.rows()[range]),
            false => Rows::Range(range.start, range.len()),
        };
        match self.options.check_finite {
            true => self.session.checked_step(rows, epoch, number),
            false => self.session.step(rows),
        }
    }

    fn verify(&mut self) -> Result<()> {
        self.session.verify()
    }

    fn end(&mut self) {
        self.session.refresh();
    }
}

/// Steps over batches as they come.
pub(crate) struct BatchSteps<'s, 'a> {
    stream: Stream<'a>,
    next: Option<Batch<'a>>,
    one: OneBatch<'s, 'a>,
    check_finite: bool,
}

impl<'s, 'a> BatchSteps<'s, 'a> {
    pub(crate) fn new(stream: Stream<'a>, one: OneBatch<'s, 'a>, check_finite: bool) -> Self {
        BatchSteps {
            stream,
            next: None,
            one,
            check_finite,
        }
    }
}

impl TrainSteps for BatchSteps<'_, '_> {
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    fn steps(&mut self) -> Option<usize> {
        self.stream.steps()
    }

    fn begin(&mut self) -> Result<bool> {
        self.stream.begin()
    }

    fn another(&mut self) -> Result<bool> {
        self.next = self.stream.next()?;
        Ok(self.next.is_some())
    }

    fn step(&mut self, epoch: usize, number: usize) -> Result<()> {
        let Some(batch) = self.next.take() else {
            return Ok(());
        };
        let at = self.check_finite.then_some((epoch, number));
        self.one.run(&batch, Mode::Train, at)
    }

    fn end(&mut self) {}
}

/// Runs batches that each have arrays of their own.
pub(crate) struct OneBatch<'s, 'a> {
    model: &'a Model,
    compiled: &'s Compiled,
    wanted: Vec<TargetUse>,
    class_weight: &'s [(i64, f64)],
}

impl<'s, 'a> OneBatch<'s, 'a> {
    pub(crate) fn new(
        model: &'a Model,
        compiled: &'s Compiled,
        class_weight: &'s [(i64, f64)],
    ) -> Self {
        OneBatch {
            model,
            compiled,
            wanted: compiled.wanted(model.functional().output_names.len()),
            class_weight,
        }
    }

    pub(crate) fn model(&self) -> &'a Model {
        self.model
    }

    pub(crate) fn compiled(&self) -> &'s Compiled {
        self.compiled
    }

    /// Makes the step of a batch; with epoch and number, one that must stay finite.
    pub(crate) fn run(
        &self,
        batch: &Batch<'a>,
        mode: Mode,
        checked: Option<(usize, usize)>,
    ) -> Result<()> {
        let weights = batch.sample_weight.as_ref();
        let mut feed = Feed::new(self.model, &batch.x, &batch.y, weights, &self.wanted)?;
        if let Some(weights) = class_weights(&feed, self.class_weight)? {
            feed = feed.with_weights(weights);
        }
        Batches::whole(feed.samples()).check(self.model)?;
        let rows = Rows::Range(0, feed.samples());
        let mut session = Session::new(self.model, self.compiled, &feed, mode);
        match checked {
            Some((epoch, number)) => {
                session.checked_step(rows, epoch, number)?;
                session.verify()
            }
            None => session.step(rows),
        }
    }
}
