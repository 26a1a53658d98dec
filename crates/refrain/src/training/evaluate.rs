//! `model.evaluate(…)`.

use super::cache::Mode;
use super::compiled::{Compiled, compiled};
use super::feed::Feed;
use super::history::{Evaluation, Logs};
use super::progress::{Progress, Verbose};
use super::session::Session;
use super::stateful::Batches;
use super::steps::OneBatch;
use super::test_means::TestRound;
use crate::callbacks::{Callback, Callbacks, PassContext, each, takes_callbacks};
use crate::data::{Arrays, BatchSource, IntoArrays, Rows, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;
use crate::warnings;

/// Keras's batch size where none is given.
pub(crate) const BATCH_SIZE: usize = 32;

/// What is evaluated or trained on.
#[allow(clippy::large_enum_variant, reason = "made once for a run")]
pub(crate) enum Data<'a> {
    Arrays(Arrays<'a>, Arrays<'a>),
    Batches(Box<dyn BatchSource<'a> + 'a>),
}

/// Builder of [`Model::evaluate`]: options, then [`run`](Evaluate::run).
#[must_use = "nothing is evaluated until `.run()`"]
pub struct Evaluate<'a> {
    model: &'a Model,
    data: Data<'a>,
    sample_weight: Option<Arrays<'a>>,
    batch_size: Option<usize>,
    steps: Option<usize>,
    verbose: Verbose,
    callbacks: Callbacks<'a>,
}

impl Model {
    /// Computes the loss and the metrics of data, without training.
    ///
    /// ```
    /// # use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// # let x = input([4]);
    /// # let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// # model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// let (x, y) = (ndarray::Array2::<f32>::ones((40, 4)), ndarray::Array1::<f32>::zeros(40));
    /// let scores = model.evaluate(&x, &y).batch_size(16).run()?;
    /// assert_eq!(scores.names(), ["loss"]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn evaluate<'a>(&'a self, x: impl IntoArrays<'a>, y: impl IntoArrays<'a>) -> Evaluate<'a> {
        Evaluate::new(self, Data::Arrays(x.into_arrays(), y.into_arrays()))
    }

    /// Computes the loss and the metrics of batches from an iterator, as
    /// [`fit_batches`](Model::fit_batches) takes them: [`steps`](Evaluate::steps) of them, or all.
    pub fn evaluate_batches<'a>(&'a self, batches: impl BatchSource<'a> + 'a) -> Evaluate<'a> {
        Evaluate::new(self, Data::Batches(Box::new(batches)))
    }
}

impl<'a> Evaluate<'a> {
    fn new(model: &'a Model, data: Data<'a>) -> Self {
        Evaluate {
            model,
            data,
            sample_weight: None,
            batch_size: None,
            steps: None,
            verbose: Verbose::Auto,
            callbacks: Vec::new(),
        }
    }

    takes_callbacks!(callbacks);

    /// Number of samples in a batch; 32 by default.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// The weight of each sample, 1 by default: an array `(samples,)` for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.sample_weight = Some(weights.into_arrays());
        self
    }

    /// Number of batches; all by default.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// The progress display; [`Verbose::Auto`] by default.
    pub fn verbose(mut self, verbose: Verbose) -> Self {
        self.verbose = verbose;
        self
    }

    /// Evaluates.
    ///
    /// # Errors
    /// The model is not compiled, the data do not fit it, or a callback failed.
    pub fn run(mut self) -> Result<Evaluation> {
        let compiled = compiled(self.model)?;
        let (x, y) = match self.data {
            Data::Arrays(x, y) => (x, y),
            Data::Batches(source) => {
                if self.steps == Some(0) {
                    return Err(Error::mismatch(ErrorKind::Config, "at least one step", "0"));
                }
                if self.batch_size.is_some() || self.sample_weight.is_some() {
                    let message =
                        "`evaluate_batches` takes batches as they are, with their own weights";
                    return Err(Error::new(ErrorKind::Config, message)
                        .hint("Leave out `batch_size` and `sample_weight`"));
                }
                let mut stream = Stream::new(source, self.steps, 1, "steps")?;
                let one = OneBatch::new(self.model, &compiled, &[]);
                let progress = Progress::new(self.verbose, stream.steps());
                stream.begin()?;
                return evaluate_batches(&one, &mut stream, progress, None, &mut self.callbacks);
            }
        };
        let wanted = compiled.wanted(self.model.functional().output_names.len());
        let weights = self.sample_weight.as_ref();
        let feed = Feed::new(self.model, &x, &y, weights, &wanted)?;
        let batch_size = batch_size(self.batch_size, self.steps, feed.samples())?;
        let run = EvaluationPass {
            batch_size,
            steps: self.steps,
            verbose: self.verbose,
        };
        run.evaluate(self.model, &compiled, &feed, None, &mut self.callbacks)
    }
}

/// Loss and metrics of a round of batches that has begun; with the epoch of `fit` that it validates, one that must stay
/// finite.
pub(crate) fn evaluate_batches<'a>(
    one: &OneBatch<'_, 'a>,
    stream: &mut Stream<'a>,
    mut progress: Progress,
    checked: Option<usize>,
    callbacks: &mut [Box<dyn Callback + '_>],
) -> Result<Evaluation> {
    let compiled = one.compiled();
    let mut round = TestRound::begin(compiled)?;
    let (mut logs, mut done, mut read) = (Logs::default(), 0, true);
    let mut cx = PassContext::new(one.model(), stream.steps());
    each(callbacks, |c| c.on_test_begin(&mut cx))?;
    progress.begin(None);
    while !cx.stopped()
        && let Some(batch) = stream.next()?
    {
        each(callbacks, |c| c.on_test_batch_begin(&mut cx, done))?;
        read = progress.reads(done + 1, callbacks);
        round.with_means(|| {
            one.run(&batch, Mode::Test, checked.map(|epoch| (epoch, done)))?;
            logs.update_if(read, &compiled.test)
        })?;
        each(callbacks, |c| c.on_test_batch_end(&mut cx, done, &logs))?;
        done += 1;
        progress.step(done, &logs);
    }
    if !cx.stopped() {
        warnings::out_of_data(stream.wanted(), done, "steps");
    }
    round.with_means(|| logs.update_if(!read, &compiled.test))?;
    each(callbacks, |c| c.on_test_end(&mut cx, &logs))?;
    progress.end(done, &logs);
    let order = compiled.evaluation_order();
    round.with_means(|| Evaluation::new(&compiled.test, &order))
}

/// The batch size that was given or that Keras takes.
pub(crate) fn batch_size(
    given: Option<usize>,
    steps: Option<usize>,
    samples: usize,
) -> Result<usize> {
    if steps == Some(0) {
        return Err(Error::mismatch(ErrorKind::Config, "at least one step", "0"));
    }
    match given {
        Some(0) => Err(Error::mismatch(
            ErrorKind::Config,
            "a batch size of 1 or more",
            "0",
        )),
        Some(size) => Ok(size),
        None => Ok(steps.map_or(BATCH_SIZE, |s| samples.div_ceil(s))),
    }
}

/// One pass over data in order.
pub(crate) struct EvaluationPass {
    pub(crate) batch_size: usize,
    pub(crate) steps: Option<usize>,
    pub(crate) verbose: Verbose,
}

impl EvaluationPass {
    pub(crate) fn batches(&self, feed: &Feed<'_>) -> Batches {
        Batches {
            samples: feed.samples(),
            size: self.batch_size,
            steps: self.steps,
        }
    }

    /// With the epoch of `fit` that it validates, one that must stay finite.
    pub(crate) fn evaluate(
        &self,
        model: &Model,
        compiled: &Compiled,
        feed: &Feed<'_>,
        checked: Option<usize>,
        callbacks: &mut [Box<dyn Callback + '_>],
    ) -> Result<Evaluation> {
        let mut round = TestRound::begin(compiled)?;
        let all = feed.samples().div_ceil(self.batch_size);
        self.batches(feed).check(model)?;
        warnings::out_of_data(self.steps, all, "steps");
        let steps = self.steps.map_or(all, |s| s.min(all));
        let mut session = Session::new(model, compiled, feed, Mode::Test);
        let mut progress = Progress::new(self.verbose, Some(steps));
        let (mut logs, mut done, mut read) = (Logs::default(), 0, true);
        let mut cx = PassContext::new(model, Some(steps));
        each(callbacks, |c| c.on_test_begin(&mut cx))?;
        progress.begin(None);
        while done < steps && !cx.stopped() {
            each(callbacks, |c| c.on_test_batch_begin(&mut cx, done))?;
            let start = done * self.batch_size;
            let size = self.batch_size.min(feed.samples() - start);
            let rows = Rows::Range(start, size);
            read = progress.reads(done + 1, callbacks);
            round.with_means(|| {
                match checked {
                    Some(epoch) => session.checked_step(rows, epoch, done)?,
                    None => session.step(rows)?,
                }
                logs.update_if(read, &compiled.test)
            })?;
            each(callbacks, |c| c.on_test_batch_end(&mut cx, done, &logs))?;
            done += 1;
            progress.step(done, &logs);
        }
        round.with_means(|| logs.update_if(!read, &compiled.test))?;
        each(callbacks, |c| c.on_test_end(&mut cx, &logs))?;
        progress.end(done, &logs);
        let order = compiled.evaluation_order();
        round.with_means(|| Evaluation::new(&compiled.test, &order))
    }
}
