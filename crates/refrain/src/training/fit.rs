//! `model.fit(…)`.

use std::sync::{MutexGuard, TryLockError};

use super::Plan;
use super::cache::Mode;
use super::compiled::{Compiled, compiled};
use super::evaluate::{Pass, batch_size};
use super::feed::Feed;
use super::history::{History, Logs};
use super::progress::{Progress, Verbose};
use super::session::Session;
use super::stateful::Batches;
use crate::callbacks::{Callback, TrainContext};
use crate::data::{Arrays, DataArray, IntoArrays, Order, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::initializers;
use crate::models::Model;

/// What [`Model::fit`] is about to do. Ends in [`run`](Fit::run).
#[must_use = "nothing is trained until `.run()`"]
pub struct Fit<'a> {
    model: &'a Model,
    x: Arrays<'a>,
    y: Arrays<'a>,
    sample_weight: Option<Arrays<'a>>,
    class_weight: Vec<(i64, f64)>,
    validation: Option<(Arrays<'a>, Arrays<'a>)>,
    validation_weight: Option<Arrays<'a>>,
    callbacks: Vec<Box<dyn Callback + 'a>>,
    options: Options,
}

struct Options {
    epochs: usize,
    initial_epoch: usize,
    batch_size: Option<usize>,
    steps_per_epoch: Option<usize>,
    validation_split: f64,
    validation_batch_size: Option<usize>,
    validation_steps: Option<usize>,
    validation_freq: usize,
    shuffle: bool,
    seed: Option<u64>,
    check_finite: bool,
    verbose: Verbose,
}

impl Model {
    /// Trains on data.
    ///
    /// Data are references to `ndarray` arrays (or slices, views, literals), in lists or dicts for several inputs or outputs.
    /// They are read batch by batch; nothing else is copied, and after the first step nothing is allocated.
    ///
    /// ```
    /// use refrain::losses::Loss;
    /// use refrain::optimizers::Sgd;
    /// use refrain::{Model, input, layers::Dense};
    /// let (left, right) = (input([4]), input([4]));
    /// let shared = Dense::new(3);
    /// let model = Model::new([&left, &right], &(shared.call(&left)? - shared.call(&right)?))?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    ///
    /// let (a, b) = (ndarray::Array2::<f32>::ones((40, 4)), ndarray::Array2::<f32>::zeros((40, 4)));
    /// let y = ndarray::Array2::<f32>::ones((40, 3));
    /// let history = model.fit([&a, &b], &y).epochs(3).batch_size(8).validation_split(0.2).run()?;
    /// assert!(history.last("loss")? < history.get("loss")?[0]);
    /// assert_eq!(history.get("val_loss")?.len(), 3);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn fit<'a>(&'a self, x: impl IntoArrays<'a>, y: impl IntoArrays<'a>) -> Fit<'a> {
        Fit {
            model: self,
            x: x.into_arrays(),
            y: y.into_arrays(),
            sample_weight: None,
            class_weight: Vec::new(),
            validation: None,
            validation_weight: None,
            callbacks: Vec::new(),
            options: Options {
                epochs: 1,
                initial_epoch: 0,
                batch_size: None,
                steps_per_epoch: None,
                validation_split: 0.0,
                validation_batch_size: None,
                validation_steps: None,
                validation_freq: 1,
                shuffle: true,
                seed: None,
                check_finite: false,
                verbose: Verbose::Auto,
            },
        }
    }
}

/// Setters of plain options.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $ty:ty => |$value:ident| $set:expr;)*) => {
        impl Fit<'_> {$(
            $(#[$doc])*
            pub fn $name(mut self, $value: $ty) -> Self {
                self.options.$name = $set;
                self
            }
        )*}
    };
}

options! {
    /// The number of the epoch to stop before; 1 by default.
    epochs: usize => |epochs| epochs;
    /// The number of the first epoch, to go on where a run ended.
    initial_epoch: usize => |epoch| epoch;
    /// Samples in a batch; 32 by default. The last batch of an epoch may be smaller.
    batch_size: usize => |size| Some(size);
    /// Steps in an epoch; by default as many as go through the data once. The next epoch goes on in the data.
    steps_per_epoch: usize => |steps| Some(steps);
    /// The fraction of the samples, taken from the end before shuffling, that validates.
    validation_split: f64 => |fraction| fraction;
    /// Samples in a batch of validation; that of training by default.
    validation_batch_size: usize => |size| Some(size);
    /// Steps of validation; all by default.
    validation_steps: usize => |steps| Some(steps);
    /// After how many epochs validation runs; 1 by default.
    validation_freq: usize => |epochs| epochs;
    /// Whether samples are shuffled before each epoch; they are by default.
    shuffle: bool => |shuffle| shuffle;
    /// What shuffling depends on. Without it, the seed of [`set_random_seed`](crate::initializers::set_random_seed) counts.
    seed: u64 => |seed| Some(seed);
    /// Whether a loss or weight that becomes NaN or infinite ends the training with an error, which names the step and the
    /// first operation that made such a number, or the input that holds one. The weights are those from before that step.
    ///
    /// It takes the memory of another copy of the weights and the optimizer's state. A weight that leaves the loss as it is
    /// shows some steps later, at the end of the epoch at the latest: before validation, and before callbacks save anything.
    /// [`TerminateOnNaN`](crate::callbacks::TerminateOnNaN) is Keras's callback, which only ends the training.
    ///
    /// ```
    /// use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// let x = input([2]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// let (mut a, y) = (ndarray::Array2::<f32>::ones((64, 2)), ndarray::Array2::<f32>::ones((64, 1)));
    /// a[[40, 0]] = f32::NAN;
    /// let error = model.fit(&a, &y).shuffle(false).check_finite(true).run().unwrap_err();
    /// assert!(error.to_string().starts_with("epoch 1, step 2: the loss became NaN; input"));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    check_finite: bool => |check| check;
    /// What is shown.
    verbose: Verbose => |verbose| verbose;
}

impl<'a> Fit<'a> {
    /// How much each sample counts in the loss: one array for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.sample_weight = Some(weights.into_arrays());
        self
    }

    /// How much the samples of each class count in the loss (1 for classes not named).
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Self {
        self.class_weight = weights.into_iter().collect();
        self
    }

    /// Data that validate after each epoch.
    pub fn validation_data(mut self, x: impl IntoArrays<'a>, y: impl IntoArrays<'a>) -> Self {
        self.validation = Some((x.into_arrays(), y.into_arrays()));
        self
    }

    /// How much each sample of the validation data counts.
    pub fn validation_sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.validation_weight = Some(weights.into_arrays());
        self
    }

    /// Adds a callback; `&mut callback` keeps it usable afterwards.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Adds callbacks of one type, or boxed ones.
    pub fn callbacks<C: Callback + 'a>(mut self, callbacks: impl IntoIterator<Item = C>) -> Self {
        for callback in callbacks {
            self.callbacks.push(Box::new(callback));
        }
        self
    }

    /// What the program of one step will need.
    ///
    /// # Errors
    /// The model is not compiled, or the data do not fit it.
    pub fn plan(&self) -> Result<Plan> {
        let compiled = compiled(self.model)?;
        let wanted = compiled.wanted(self.model.functional().output_names.len());
        let weights = self.sample_weight.as_ref();
        let feed = Feed::new(self.model, &self.x, &self.y, weights, &wanted)?;
        let o = &self.options;
        let batch = batch_size(o.batch_size, o.steps_per_epoch, feed.samples())?;
        let specs = feed.specs(batch.min(feed.samples()));
        let step = self.model.loss_step(&compiled, Mode::Train, specs)?;
        Ok(Plan::of(&step))
    }

    /// Trains.
    ///
    /// # Errors
    /// The model is not compiled or is being fitted already, the data do not fit it, a callback failed, or, with
    /// [`check_finite`](Fit::check_finite), a number is not finite. The model stays usable.
    pub fn run(mut self) -> Result<History> {
        let compiled = compiled(self.model)?;
        let _only = fitting(self.model, &compiled)?;
        self.options.validate()?;
        let wanted = compiled.wanted(self.model.functional().output_names.len());
        let weights = self.sample_weight.as_ref();
        let feed = Feed::new(self.model, &self.x, &self.y, weights, &wanted)?;
        check_classes(self.model, &compiled, &self.class_weight)?;
        let (mut train, mut validation) = self.options.split(&feed)?;
        if let Some(weights) = class_weights(&train, &self.class_weight)? {
            train = train.with_weights(DataArray::shared(weights));
        }
        if let Some((x, y)) = &self.validation {
            let weights = self.validation_weight.as_ref();
            validation = Some(Feed::new(self.model, x, y, weights, &wanted)?);
        }
        let mut callbacks = std::mem::take(&mut self.callbacks);
        let mut run = Run {
            model: self.model,
            compiled: &compiled,
            options: &self.options,
            train: &train,
            validation: validation.as_ref(),
            callbacks: &mut callbacks,
        };
        run.all()
    }
}

/// Makes sure that nothing else fits the model.
pub(crate) fn fitting<'c>(model: &Model, compiled: &'c Compiled) -> Result<MutexGuard<'c, ()>> {
    match compiled.fitting.try_lock() {
        Ok(guard) => Ok(guard),
        Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::State,
            format!("model `{}` is being fitted already", model.get_name()),
        )
        .hint("Wait for the other `fit` to end; callbacks may evaluate and predict, not fit")),
    }
}

impl Options {
    fn validate(&self) -> Result<()> {
        let wrong = |expected: &str, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        if !(0.0..1.0).contains(&self.validation_split) {
            let received = self.validation_split.to_string();
            return wrong("a validation_split of 0 or more and less than 1", received);
        }
        for (option, value) in [
            ("validation_freq", Some(self.validation_freq)),
            ("validation_batch_size", self.validation_batch_size),
            ("validation_steps", self.validation_steps),
        ] {
            if value == Some(0) {
                return wrong(&format!("a {option} of 1 or more"), "0".to_owned());
            }
        }
        if self.epochs == 0 {
            return wrong("1 epoch or more", "0".to_owned());
        }
        Ok(())
    }

    /// Training data, and the last part for validation if a fraction is set.
    fn split<'a>(&self, feed: &Feed<'a>) -> Result<(Feed<'a>, Option<Feed<'a>>)> {
        if self.validation_split == 0.0 {
            return Ok((feed.clone(), None));
        }
        let samples = feed.samples();
        let at = (samples as f64 * (1.0 - self.validation_split)).floor() as usize;
        if at == 0 || at == samples {
            return Err(Error::mismatch(
                ErrorKind::Data,
                format!(
                    "enough samples that validation_split={} leaves some for training and some for validation",
                    self.validation_split
                ),
                format!("{samples} samples"),
            ));
        }
        Ok((feed.slice(0..at), Some(feed.slice(at..samples))))
    }
}

/// Refuses weights of classes that the output of a classifier does not have.
pub(crate) fn check_classes(
    model: &Model,
    compiled: &Compiled,
    weights: &[(i64, f64)],
) -> Result<()> {
    let (outputs, losses) = (model.outputs(), compiled.losses.as_slice());
    let ([output], [loss]) = (outputs.as_slice(), losses) else {
        return Ok(());
    };
    let Some(classes) = loss.options.classes(output) else {
        return Ok(());
    };
    let known = |class: i64| usize::try_from(class).is_ok_and(|c| c < classes);
    match weights.iter().find(|(class, _)| !known(*class)) {
        None => Ok(()),
        Some((class, _)) => Err(Error::mismatch(
            ErrorKind::Config,
            format!(
                "class_weight for classes from 0 to {} of output `{}`",
                classes.saturating_sub(1),
                loss.output_name
            ),
            format!("class {class}"),
        )
        .hint("Name classes by their numbers, or give the output more units")),
    }
}

/// A sample weight for each sample, from its class.
pub(crate) fn class_weights(feed: &Feed<'_>, weights: &[(i64, f64)]) -> Result<Option<Vec<f32>>> {
    if weights.is_empty() {
        return Ok(None);
    }
    let refuse = |message: &str| Err(Error::new(ErrorKind::Config, message));
    let [Some(y)] = feed.targets() else {
        return refuse(
            "class_weight is for models with one output; give sample_weight for each output",
        );
    };
    if feed.has_weights() {
        return refuse(
            "class_weight and sample_weight cannot be given at the same time; multiply them yourself",
        );
    }
    let dims = y.dims();
    if dims.len() > 2 {
        let shape = refrain_graph::Shape::from(dims);
        let expected = "targets of one class for each sample for class_weight";
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("shape {shape}"),
        ));
    }
    let one_hot = dims.len() == 2 && dims[1] != 1;
    if let Some((class, weight)) = weights.iter().find(|(_, w)| !w.is_finite()) {
        return Err(Error::mismatch(
            ErrorKind::Config,
            "finite numbers as class_weight",
            format!("{weight} for class {class}"),
        ));
    }
    let weight = |sample: usize| {
        let (mut position, mut class, mut largest) = (0i64, 0i64, f64::NEG_INFINITY);
        y.for_each(sample, |value| {
            match one_hot {
                true if value > largest => (largest, class) = (value, position),
                true => {}
                // NumPy rounds halves to even numbers.
                false => class = value.round_ties_even() as i64,
            }
            position += 1;
        });
        let found = weights.iter().rev().find(|(c, _)| *c == class);
        found.map_or(1.0, |(_, w)| *w as f32)
    };
    Ok(Some((0..feed.samples()).map(weight).collect()))
}

/// A run of `fit`.
struct Run<'r, 'a> {
    model: &'r Model,
    compiled: &'r Compiled,
    options: &'r Options,
    train: &'r Feed<'a>,
    validation: Option<&'r Feed<'a>>,
    callbacks: &'r mut Vec<Box<dyn Callback + 'a>>,
}

/// Where a run is in its data.
struct Cursor {
    order: Order,
    next: usize,
}

impl Run<'_, '_> {
    fn all(&mut self) -> Result<History> {
        let o = self.options;
        let batch = batch_size(o.batch_size, o.steps_per_epoch, self.train.samples())?;
        let steps = o
            .steps_per_epoch
            .unwrap_or(self.train.samples().div_ceil(batch));
        self.check_batches(batch)?;
        let seed = o
            .shuffle
            .then(|| o.seed.unwrap_or_else(initializers::next_seed));
        let mut cursor = Cursor {
            order: Order::new(self.train.samples(), seed),
            next: self.train.samples(),
        };
        let mut session = Session::new(self.model, self.compiled, self.train, Mode::Train);
        session.prepare(batch.min(self.train.samples()))?;
        self.check_validation(batch)?;
        let mut progress = Progress::new(o.verbose, steps);
        let (mut history, mut logs) = (History::default(), Logs::default());
        let mut cx = TrainContext::new(self.model, self.compiled, o.epochs, steps);
        cx.validates = self.validation.is_some();
        self.each(|c| c.on_train_begin(&mut cx))?;
        for epoch in o.initial_epoch..o.epochs {
            logs.clear();
            session.refresh();
            self.compiled.train.iter().for_each(|t| t.reset());
            self.each(|c| c.on_epoch_begin(&mut cx, epoch))?;
            let headline = (o.epochs > 1).then(|| format!("Epoch {}/{}", epoch + 1, o.epochs));
            progress.begin(headline);
            let done = self.epoch(
                &mut session,
                &mut cursor,
                (epoch, steps, batch),
                &mut cx,
                &mut logs,
                &mut progress,
            )?;
            session.verify()?;
            self.validate(epoch, batch, &mut logs)?;
            progress.end(done, &logs);
            self.each(|c| c.on_epoch_end(&mut cx, epoch, &mut logs))?;
            history.push(epoch, &logs);
            if cx.stopped() {
                break;
            }
        }
        drop(session);
        self.compiled.state().finalize();
        self.each(|c| c.on_train_end(&mut cx, &logs))?;
        Ok(history)
    }

    fn each(&mut self, mut f: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        self.callbacks.iter_mut().try_for_each(|c| f(c.as_mut()))
    }

    /// The steps of one epoch; gives how many were made.
    fn epoch(
        &mut self,
        session: &mut Session<'_, '_>,
        cursor: &mut Cursor,
        (epoch, steps, batch): (usize, usize, usize),
        cx: &mut TrainContext<'_>,
        logs: &mut Logs,
        progress: &mut Progress,
    ) -> Result<usize> {
        if self.options.steps_per_epoch.is_none() {
            cursor.next = self.train.samples();
        }
        for step in 0..steps {
            self.each(|c| c.on_train_batch_begin(cx, step))?;
            let rows = cursor.advance(batch);
            match self.options.check_finite {
                true => session.checked_step(rows, epoch, step)?,
                false => session.step(rows)?,
            }
            logs.update(&self.compiled.train, "");
            self.each(|c| c.on_train_batch_end(cx, step, logs))?;
            progress.step(step + 1, logs);
            if cx.stopped() {
                return Ok(step + 1);
            }
        }
        Ok(steps)
    }

    /// Refuses batches that stateful layers cannot take, those of validation too.
    fn check_batches(&self, batch: usize) -> Result<()> {
        let o = self.options;
        let epochs = o.epochs.saturating_sub(o.initial_epoch);
        let training = Batches {
            samples: self.train.samples(),
            size: batch,
            steps: o.steps_per_epoch.map(|s| s.saturating_mul(epochs)),
        };
        training.check(self.model)?;
        match self.validation {
            Some(feed) => self.validation_pass(batch).batches(feed).check(self.model),
            None => Ok(()),
        }
    }

    /// Refuses data of validation that do not fit, before the first epoch rather than after it.
    fn check_validation(&self, batch: usize) -> Result<()> {
        let Some(feed) = self.validation.filter(|_| self.validates()) else {
            return Ok(());
        };
        let size = self.validation_pass(batch).batch_size.min(feed.samples());
        Session::new(self.model, self.compiled, feed, Mode::Test).prepare(size)
    }

    /// Whether an epoch of the run validates.
    fn validates(&self) -> bool {
        let Options {
            epochs,
            initial_epoch,
            validation_freq,
            ..
        } = *self.options;
        epochs / validation_freq > initial_epoch / validation_freq
    }

    fn validation_pass(&self, batch: usize) -> Pass {
        Pass {
            batch_size: self.options.validation_batch_size.unwrap_or(batch),
            steps: self.options.validation_steps,
            verbose: Verbose::Silent,
        }
    }

    fn validate(&self, epoch: usize, batch: usize, logs: &mut Logs) -> Result<()> {
        let Some(feed) = self.validation else {
            return Ok(());
        };
        if !(epoch + 1).is_multiple_of(self.options.validation_freq) {
            return Ok(());
        }
        let pass = self.validation_pass(batch);
        pass.evaluate(self.model, self.compiled, feed)?;
        logs.update(&self.compiled.test, "val_");
        Ok(())
    }
}

impl Cursor {
    /// The samples of the next batch; a new pass begins when the data have ended.
    fn advance(&mut self, batch: usize) -> Rows<'_> {
        let samples = self.order.rows().len();
        if self.next >= samples {
            self.order.next_pass();
            self.next = 0;
        }
        let start = self.next;
        let size = batch.min(samples - start);
        self.next += size;
        match self.order.shuffled() {
            true => Rows::Picked(&self.order.rows()[start..start + size]),
            false => Rows::Range(start, size),
        }
    }
}
