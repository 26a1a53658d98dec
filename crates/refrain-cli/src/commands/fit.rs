//! `refrain fit`.

use std::path::{Path, PathBuf};

use clap::Args;
use refrain::initializers::set_random_seed;
use refrain::training::{Fit as LibraryFit, History, Verbose};
use refrain::{ErrorKind, Model};

use super::callbacks::Callbacks;
use super::compile::Objective;
use super::load::{LoadCompiled, OtherWeights};
use super::optimizer::Training;
use super::{model_file, number_or_list, to_json};
use crate::data::{DataFile, Samples, of_data};
use crate::failure::{Failure, Result};
use crate::numbers::{class_weight, count, fraction, seed, whole};
use crate::output::{check_target, target, write_whole};

/// Train a model on data and write it with its new weights.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain fit model.keras --data train.npz --epochs 5 --output trained.keras
  refrain fit model.json --data train.npz --epochs 5 --batch-size 64 --output trained.keras \\
      --optimizer adam --learning-rate 1e-3 --loss binary_crossentropy --metrics accuracy --seed 1
  refrain fit model.keras --data train.npz --epochs 50 --output trained.keras --validation-split 0.2 \\
      --early-stopping val_loss,patience=3 --checkpoint best.keras,save_best_only=True --history history.json
  refrain fit model.keras --data train.npz --output trained.keras --class-weight 0=1,1=5
  refrain fit model.keras --data train.npz --epochs 20 --output trained.keras --optimizer sgd,momentum=0.9,clipnorm=1 \\
      --schedule cosine,decay_steps=2000 --learning-rate 0.1

The data are inputs x0, x1, … (or named as the inputs), labels y0, y1, …; if wanted, sample weights w0, w1, … and data for
validation vx0, …, vy0, …, vw0, …. A compiled model goes on where its optimizer stopped, with another `--learning-rate` too;
the other options of compiling compile it anew, which forgets the optimizer's state.

A loss, of validation too, or a weight that becomes NaN or infinite ends the training with the step and the first operation
that made it, and nothing is written.")]
pub struct Fit {
    /// The model's file.
    model: PathBuf,
    /// Inputs, labels, sample weights, validation data.
    #[arg(long, value_name = "D.npz")]
    data: PathBuf,
    /// Where the trained model is written: .keras, .h5, .weights.h5 or .safetensors.
    #[arg(long, value_name = "OUT.keras", value_parser = target(model_file::with_weights))]
    output: PathBuf,
    /// The number of the epoch to stop after.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count, allow_negative_numbers = true)]
    epochs: usize,
    /// Epochs that were trained before, to go on with the next.
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole, allow_negative_numbers = true)]
    initial_epoch: usize,
    /// Samples in a batch.
    #[arg(long, value_name = "B", default_value = "32", value_parser = count, allow_negative_numbers = true)]
    batch_size: usize,
    /// Batches in an epoch [default: as many as go through the data once].
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    steps_per_epoch: Option<usize>,
    /// How much each class counts in the loss; classes not named count 1.
    #[arg(long, value_name = "CLASS=WEIGHT", value_delimiter = ',', value_parser = class_weight, allow_hyphen_values = true)]
    class_weight: Vec<(i64, f64)>,
    /// Take the samples in the order of the file in every epoch.
    #[arg(long)]
    no_shuffle: bool,
    /// What all random numbers depend on: the same seed gives the same weights.
    #[arg(long, value_name = "S", value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Stop when a loss or weight becomes NaN or infinite: the default.
    #[arg(long, conflicts_with = "allow_nan")]
    check_finite: bool,
    /// Go on when a loss or weight becomes NaN or infinite, and write what comes out.
    #[arg(long)]
    allow_nan: bool,
    /// Where loss and metrics of each epoch are written as JSON under Keras's names; a value that is not finite is null.
    #[arg(long, value_name = "H.json")]
    history: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    validation: Validation,
    #[command(flatten)]
    callbacks: Callbacks,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    objective: Objective,
    #[command(flatten)]
    weights: OtherWeights,
    #[command(flatten)]
    load: LoadCompiled,
}

/// What the model is tried on after each epoch.
#[derive(Args)]
#[command(next_help_heading = "Validation")]
struct Validation {
    /// The fraction of the samples, from the end, that validates.
    #[arg(long, value_name = "F", value_parser = fraction, allow_negative_numbers = true)]
    validation_split: Option<f64>,
    /// A file of inputs, labels and sample weights that validate.
    #[arg(long, value_name = "V.npz", conflicts_with = "validation_split")]
    validation_data: Option<PathBuf>,
    /// Samples in a batch of validation [default: that of training].
    #[arg(long, value_name = "B", value_parser = count, allow_negative_numbers = true)]
    validation_batch_size: Option<usize>,
    /// Batches of validation [default: all].
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    validation_steps: Option<usize>,
    /// After how many epochs validation runs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count, allow_negative_numbers = true)]
    validation_freq: usize,
}

impl Validation {
    /// The samples that validate, from a file of their own or from that of the training.
    fn samples(&self, model: &Model, data: &mut DataFile) -> Result<Option<Samples>> {
        let option = match (&self.validation_data, self.validation_split) {
            (Some(_), _) => "--validation-data",
            (_, Some(_)) => "--validation-split",
            _ => "",
        };
        if data.has_validation() && !option.is_empty() {
            let text = format!(
                "there are data for validation (vx0, …) in the file, and `{option}` is given"
            );
            return Err(data.at(Failure::new(text)).hint("Choose one of them"));
        }
        match &self.validation_data {
            Some(path) => {
                let mut own = DataFile::open(path)?;
                let samples = own.samples(model, "")?;
                own.refuse_rest(&["x", "y", "w"])?;
                Ok(Some(samples))
            }
            None if data.has_validation() => data.samples(model, "v").map(Some),
            None => Ok(None),
        }
    }

    fn add<'a>(
        &self,
        model: &Model,
        mut fit: LibraryFit<'a>,
        samples: Option<&'a Samples>,
    ) -> LibraryFit<'a> {
        fit = fit
            .validation_split(self.validation_split.unwrap_or(0.0))
            .validation_freq(self.validation_freq);
        if let Some(size) = self.validation_batch_size {
            fit = fit.validation_batch_size(size);
        }
        if let Some(steps) = self.validation_steps {
            fit = fit.validation_steps(steps);
        }
        if let Some(samples) = samples {
            fit = fit.validation_data(samples.x(model), samples.y());
            if let Some(weights) = samples.w() {
                fit = fit.validation_sample_weight(weights);
            }
        }
        fit
    }
}

impl Fit {
    pub fn run(self) -> Result<()> {
        self.check()?;
        if let Some(seed) = self.seed {
            set_random_seed(seed);
        }
        let model = self.model()?;
        let mut data = DataFile::open(&self.data)?;
        let samples = data.samples(&model, "")?;
        let validation = self.validation.samples(&model, &mut data)?;
        data.refuse_rest(&["x", "y", "w", "vx", "vy", "vw"])?;
        let frequency = self.validation.validation_freq;
        let validates = (validation.is_some() || self.validation.validation_split > Some(0.0))
            && self.epochs / frequency > self.initial_epoch / frequency;
        self.callbacks.check(&model, validates)?;
        let fit = self.fit(&model, &samples, validation.as_ref())?;
        let history = fit.run().map_err(|e| self.explain(e, &data))?;
        model_file::save(&model, &self.output)?;
        self.write_history(&history)
    }

    /// Refuses what cannot end well before anything is read.
    fn check(&self) -> Result<()> {
        check_target(&self.output)?;
        self.check_tables()?;
        self.objective.check()?;
        self.training.check()?;
        if self.initial_epoch >= self.epochs {
            let (first, last) = (self.initial_epoch, self.epochs);
            let text =
                format!("after `--initial-epoch {first}` no epoch of `--epochs {last}` is left");
            return Err(Failure::new(text).hint("`--epochs` counts those before too"));
        }
        Ok(())
    }

    /// History and table of epochs must not take the place of the model, the data, or each other.
    fn check_tables(&self) -> Result<()> {
        let table = self.callbacks.csv_path();
        let history = self.history.as_deref();
        let mut taken: Vec<&Path> = vec![&self.output, &self.model, &self.data];
        taken.extend(self.validation.validation_data.as_deref());
        let absolute = |path: &Path| std::path::absolute(path).ok();
        for (what, option, path) in [
            ("history", "--history", history),
            ("table", "--csv-log", table),
        ] {
            let Some(path) = path else { continue };
            check_target(path)?;
            if let Some(other) = taken.iter().find(|p| absolute(p) == absolute(path)) {
                let text = format!("the {what} would overwrite `{}`", other.display());
                return Err(Failure::new(text).hint(&format!("Give `{option}` another name")));
            }
            taken.push(path);
        }
        Ok(())
    }

    /// The model as it is before the first step.
    fn model(&self) -> Result<Model> {
        let model = self.load.model(&self.model)?;
        self.weights.read(&model)?;
        let place = format!("`{}`", self.model.display());
        let compiled = self.objective.for_training(&model, &self.training);
        compiled.map_err(|e| e.at(place))?;
        Ok(model)
    }

    fn fit<'a>(
        &self,
        model: &'a Model,
        samples: &'a Samples,
        validation: Option<&'a Samples>,
    ) -> Result<LibraryFit<'a>> {
        let mut fit = model
            .fit(samples.x(model), samples.y())
            .epochs(self.epochs)
            .initial_epoch(self.initial_epoch)
            .batch_size(self.batch_size)
            .class_weight(self.class_weight.iter().copied())
            .shuffle(!self.no_shuffle)
            .check_finite(self.check_finite || !self.allow_nan)
            .verbose(match self.quiet {
                true => Verbose::Silent,
                false => Verbose::Progress,
            });
        if let Some(steps) = self.steps_per_epoch {
            fit = fit.steps_per_epoch(steps);
        }
        if let Some(seed) = self.seed {
            fit = fit.seed(seed);
        }
        if let Some(weights) = samples.w() {
            fit = fit.sample_weight(weights);
        }
        self.callbacks
            .add(self.validation.add(model, fit, validation))
    }

    /// Names the data if it is they that do not fit.
    fn explain(&self, e: refrain::Error, data: &DataFile) -> Failure {
        match (e.kind(), &self.validation.validation_data) {
            (ErrorKind::NonFinite, _) => {
                Failure::from(e).hint("`--allow-nan` goes on all the same")
            }
            (kind, Some(path)) if of_data(kind) && e.to_string().contains("validation: ") => {
                Failure::from(e).at(format_args!("`{}`", path.display()))
            }
            _ => data.explain(e, &self.model),
        }
    }

    fn write_history(&self, history: &History) -> Result<()> {
        let Some(path) = &self.history else {
            return Ok(());
        };
        let values = history.keys().map(|name| {
            let epochs = history.values(name)?.into_iter().map(number_or_list);
            Ok((name, epochs.collect::<Vec<_>>()))
        });
        let json = to_json(values.collect::<refrain::Result<Vec<_>>>()?);
        write_whole(path, format!("{json}\n").as_bytes())
    }
}
