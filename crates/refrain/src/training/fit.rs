//! `model.fit(…)`.

use std::sync::{MutexGuard, TryLockError};

use ndarray::Array1;

use super::Plan;
use super::cache::Mode;
use super::compiled::{Compiled, compiled};
use super::evaluate::{BATCH_SIZE, Data, EvaluationPass, batch_size};
use super::feed::Feed;
use super::history::History;
use super::progress::Verbose;
use super::run::{Run, Validation};
use super::steps::{ArraySteps, BatchSteps, OneBatch, TrainSteps};
use crate::callbacks::{Callbacks, takes_callbacks};
use crate::data::{Arrays, BatchSource, DataArray, IntoArrays, Stream};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Model;

/// Builder of [`Model::fit`]: options, then [`run`](Fit::run).
#[must_use = "nothing is trained until `.run()`"]
pub struct Fit<'a> {
    data: Data<'a>,
    beside: Beside<'a>,
    settings: Settings<'a>,
}

/// Options of a run besides its steps.
struct Beside<'a> {
    validation: Option<Data<'a>>,
    callbacks: Callbacks<'a>,
}

/// How the steps are made.
struct Settings<'a> {
    model: &'a Model,
    sample_weight: Option<Arrays<'a>>,
    class_weight: Vec<(i64, f64)>,
    validation_weight: Option<Arrays<'a>>,
    options: Options,
}

impl Model {
    /// Trains on data.
    ///
    /// Data are references to `ndarray` arrays (or slices, views, literals), in lists or dicts for several inputs or outputs.
    /// They are read batch by batch; nothing else is copied, and after the first step nothing is allocated. So data larger
    /// than memory may be arrays mapped from files (crates such as `memmap2`): `ndarray_npy::ViewNpyExt` gives a view of a
    /// mapped `.npy` file, a slice of numbers is given with its shape, `(&values[..], [60000, 28, 28])`. Batches that are
    /// made on the way are for [`fit_batches`](Model::fit_batches).
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
        Fit::new(self, Data::Arrays(x.into_arrays(), y.into_arrays()))
    }

    /// Trains on batches from an iterator or a [`data::Passes`](crate::data::Passes).
    ///
    /// Items are `(x, y)` or `(x, y, sample_weight)`, with arrays owned or borrowed, or a `Result` of one: an error ends the
    /// run and is returned as it is, and the steps made before it have trained the model. Batches may differ in their
    /// number of samples and in all axes that the model leaves open; the program for a shape is made once.
    ///
    /// An epoch has [`steps_per_epoch`](Fit::steps_per_epoch) steps, or lasts for one pass. An iterator is one pass and goes
    /// on from epoch to epoch; when it ends early, so does the training, with a warning, as in Keras. Options that arrange
    /// samples (`batch_size`, `validation_split`, `sample_weight`) are refused, and `shuffle` has no effect.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use refrain::{Model, input, layers::Dense, losses::Loss, optimizers::Sgd};
    /// let x = input([4]);
    /// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    /// model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    ///
    /// let batches = (1..).map(|n| (Array2::<f32>::ones((8 + n % 2, 4)), Array2::<f32>::zeros((8 + n % 2, 1))));
    /// let history = model.fit_batches(batches).steps_per_epoch(5).epochs(3).run()?;
    /// assert!(history.last("loss")? < history.get("loss")?[0]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn fit_batches<'a>(&'a self, batches: impl BatchSource<'a> + 'a) -> Fit<'a> {
        Fit::new(self, Data::Batches(Box::new(batches)))
    }
}

/// Declares plain options: their types, defaults and setters.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($value:ident: $taken:ty): $ty:ty = $default:expr;)*) => {
        pub(crate) struct Options {
            $( pub(crate) $name: $ty, )*
        }

        impl Default for Options {
            fn default() -> Self {
                Options { $( $name: $default, )* }
            }
        }

        impl Fit<'_> {$(
            $(#[$doc])*
            pub fn $name(mut self, $value: $taken) -> Self {
                self.settings.options.$name = $value.into();
                self
            }
        )*}
    };
}

options! {
    /// Number of epochs, those before [`initial_epoch`](Fit::initial_epoch) included; 1 by default.
    epochs(epochs: usize): usize = 1;
    /// The epoch to start at, to resume an earlier run; 0 by default.
    initial_epoch(epoch: usize): usize = 0;
    /// Number of samples in a batch; 32 by default. The last batch of an epoch may be smaller.
    batch_size(size: usize): Option<usize> = None;
    /// Number of steps in an epoch; by default one pass over the data. With fewer, the next epoch continues in the data.
    steps_per_epoch(steps: usize): Option<usize> = None;
    /// The fraction of the samples (0 to 1) that is held out for validation: the last ones, before shuffling; none by default.
    validation_split(fraction: f64): f64 = 0.0;
    /// Number of samples in a batch of validation; `batch_size` by default.
    validation_batch_size(size: usize): Option<usize> = None;
    /// Number of batches of a validation; all by default.
    validation_steps(steps: usize): Option<usize> = None;
    /// Validation runs after every so many epochs; 1 by default.
    validation_freq(epochs: usize): usize = 1;
    /// Whether samples are shuffled before each epoch; `true` by default.
    shuffle(shuffle: bool): bool = true;
    /// The seed of shuffling. Without it, the seed of [`set_random_seed`](crate::initializers::set_random_seed) counts.
    seed(seed: u64): Option<u64> = None;
    /// Whether a loss or weight that becomes NaN or infinite ends the training with an error, which names the step and the
    /// first operation that made such a number, or the input that holds one. The weights are those from before that step.
    ///
    /// A loss of validation that is not finite ends it too; the weights are then those after the epoch.
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
    check_finite(check: bool): bool = false;
    /// The progress display; [`Verbose::Auto`] by default.
    verbose(verbose: Verbose): Verbose = Verbose::Auto;
}

impl<'a> Fit<'a> {
    fn new(model: &'a Model, data: Data<'a>) -> Self {
        let settings = Settings {
            model,
            sample_weight: None,
            class_weight: Vec::new(),
            validation_weight: None,
            options: Options::default(),
        };
        let beside = Beside {
            validation: None,
            callbacks: Vec::new(),
        };
        Fit {
            data,
            beside,
            settings,
        }
    }

    /// The weight of each sample in the loss, 1 by default: an array `(samples,)` for all outputs, or one for each.
    pub fn sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.settings.sample_weight = Some(weights.into_arrays());
        self
    }

    /// The weight of the samples of each class in the loss; 1 for classes not named.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (i64, f64)>) -> Self {
        self.settings.class_weight = weights.into_iter().collect();
        self
    }

    /// Data to validate on after each epoch.
    pub fn validation_data(mut self, x: impl IntoArrays<'a>, y: impl IntoArrays<'a>) -> Self {
        self.beside.validation = Some(Data::Arrays(x.into_arrays(), y.into_arrays()));
        self
    }

    /// Batches to validate on after each epoch: [`validation_steps`](Fit::validation_steps) of them, or a pass.
    pub fn validation_batches(mut self, batches: impl BatchSource<'a> + 'a) -> Self {
        self.beside.validation = Some(Data::Batches(Box::new(batches)));
        self
    }

    /// The weight of each sample of the validation data, 1 by default.
    pub fn validation_sample_weight(mut self, weights: impl IntoArrays<'a>) -> Self {
        self.settings.validation_weight = Some(weights.into_arrays());
        self
    }

    takes_callbacks!(beside.callbacks);

    /// The memory and the operations that one step takes.
    ///
    /// # Errors
    /// The model is not compiled, or the data do not fit it.
    pub fn plan(&self) -> Result<Plan> {
        let Settings { model, options, .. } = &self.settings;
        let compiled = compiled(model)?;
        let Data::Arrays(x, y) = &self.data else {
            let message =
                "what a step needs is known once there is a batch: plan with arrays of its shape";
            return Err(Error::new(ErrorKind::State, message));
        };
        let feed = self.settings.feed(&compiled, x, y)?;
        let batch = batch_size(options.batch_size, options.steps_per_epoch, feed.samples())?;
        let specs = feed.specs(batch.min(feed.samples()));
        let step = model.loss_step(&compiled, Mode::Train, specs)?;
        Ok(Plan::of(&step))
    }

    /// Trains.
    ///
    /// # Errors
    /// The model is not compiled or is being fitted already, the data do not fit it, a callback or a source of batches
    /// failed, or, with [`check_finite`](Fit::check_finite), a number is not finite. The model stays usable, with what the
    /// steps before have trained.
    pub fn run(self) -> Result<History> {
        let Fit {
            data,
            beside,
            settings,
        } = self;
        let compiled = compiled(settings.model)?;
        let _only = fitting(settings.model, &compiled)?;
        settings.options.validate()?;
        check_classes(settings.model, &compiled, &settings.class_weight)?;
        match data {
            Data::Arrays(x, y) => settings.run_arrays(&compiled, &x, &y, beside),
            Data::Batches(source) => settings.run_batches(&compiled, source, beside),
        }
    }
}

impl<'a> Settings<'a> {
    /// The data to train on.
    fn feed(&self, compiled: &Compiled, x: &Arrays<'a>, y: &Arrays<'a>) -> Result<Feed<'a>> {
        let wanted = compiled.wanted(self.model.functional().output_names.len());
        let weights = self.sample_weight.as_ref();
        Feed::new(self.model, x, y, weights, &wanted)
    }

    fn run_arrays(
        &self,
        compiled: &Compiled,
        x: &Arrays<'a>,
        y: &Arrays<'a>,
        beside: Beside<'a>,
    ) -> Result<History> {
        let feed = self.feed(compiled, x, y)?;
        let (mut train, part) = self.options.split(&feed)?;
        if let Some(weights) = class_weights(&train, &self.class_weight)? {
            train = train.with_weights(weights);
        }
        let o = &self.options;
        let batch = batch_size(o.batch_size, o.steps_per_epoch, train.samples())?;
        let mut steps = ArraySteps::new(self.model, compiled, &train, batch, o);
        let part = part.map(|feed| o.validation(feed, batch));
        self.run_steps(compiled, &mut steps, part, batch, beside)
    }

    fn run_batches(
        &self,
        compiled: &Compiled,
        source: Box<dyn BatchSource<'a> + 'a>,
        beside: Beside<'a>,
    ) -> Result<History> {
        self.refuse_options_of_arrays()?;
        let o = &self.options;
        if o.steps_per_epoch == Some(0) {
            return Err(Error::mismatch(ErrorKind::Config, "at least one step", "0"));
        }
        let epochs = o.epochs.saturating_sub(o.initial_epoch);
        let stream = Stream::new(source, o.steps_per_epoch, epochs, "steps_per_epoch")?;
        let one = OneBatch::new(self.model, compiled, &self.class_weight);
        let mut steps = BatchSteps::new(stream, one, o.check_finite);
        self.run_steps(compiled, &mut steps, None, BATCH_SIZE, beside)
    }

    /// Options that arrange samples say nothing about batches that come as they are.
    fn refuse_options_of_arrays(&self) -> Result<()> {
        let o = &self.options;
        let given = [
            ("batch_size", o.batch_size.is_some()),
            ("validation_split", o.validation_split != 0.0),
            ("sample_weight", self.sample_weight.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => {
                let message = format!(
                    "`{option}` is for arrays, and `fit_batches` takes batches as they are"
                );
                Err(Error::new(ErrorKind::Config, message)
                    .hint("Let the source make batches of that size, with their weights: (x, y, sample_weight)"))
            }
        }
    }

    /// Trains on these steps; `part` of the training data validates unless there are data for that.
    fn run_steps(
        &self,
        compiled: &Compiled,
        steps: &mut dyn TrainSteps,
        part: Option<Validation<'a>>,
        batch: usize,
        mut beside: Beside<'a>,
    ) -> Result<History> {
        let validation = match beside.validation {
            Some(data) => {
                let made = self.validation(compiled, data, batch);
                Some(made.map_err(in_validation)?)
            }
            None => part,
        };
        let mut run = Run {
            model: self.model,
            compiled,
            options: &self.options,
            validation,
            callbacks: &mut beside.callbacks,
        };
        run.all(steps)
    }

    fn validation(
        &self,
        compiled: &Compiled,
        data: Data<'a>,
        batch: usize,
    ) -> Result<Validation<'a>> {
        let o = &self.options;
        match data {
            Data::Arrays(x, y) => {
                let wanted = compiled.wanted(self.model.functional().output_names.len());
                let weights = self.validation_weight.as_ref();
                let feed = Feed::new(self.model, &x, &y, weights, &wanted)?;
                Ok(o.validation(feed, batch))
            }
            Data::Batches(source) => {
                let (steps, rounds) = (o.validation_steps, o.validations());
                let stream = Stream::new(source, steps, rounds, "validation_steps")?;
                Ok(Validation::Batches(stream))
            }
        }
    }
}

/// Says that it is not the training data that do not fit.
pub(crate) fn in_validation(e: Error) -> Error {
    e.in_part("validation".to_owned())
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

    /// How validation goes over arrays.
    fn validation<'a>(&self, feed: Feed<'a>, batch: usize) -> Validation<'a> {
        let pass = EvaluationPass {
            batch_size: self.validation_batch_size.unwrap_or(batch),
            steps: self.validation_steps,
            verbose: Verbose::Silent,
        };
        Validation::Arrays(feed, pass)
    }

    /// How many epochs of the run validate.
    pub(crate) fn validations(&self) -> usize {
        let before = |epoch| epoch / self.validation_freq;
        before(self.epochs).saturating_sub(before(self.initial_epoch))
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
    let Some(classes) = loss.loss.targets().classes(output) else {
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
pub(crate) fn class_weights<'a>(
    feed: &Feed<'_>,
    weights: &[(i64, f64)],
) -> Result<Option<DataArray<'a>>> {
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
        y.for_each(sample, &mut |value| {
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
    let weights: Array1<f32> = (0..feed.samples()).map(weight).collect();
    Ok(Some(DataArray::owned(weights)))
}
