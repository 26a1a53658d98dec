//! `refrain fit`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use refrain::initializers::set_random_seed;
use refrain::training::{History, Verbose};

use super::compile::{Objective, Training};
use super::load::LoadCompiled;
use super::{model_file, to_json};
use crate::data::{DataFile, Samples};
use crate::failure::{Failure, Result};
use crate::output::{check_target, target, write_whole};

/// Train a model on data and write it with its new weights.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain fit model.keras --data train.npz --epochs 5 --batch-size 32 --output trained.keras
  refrain fit model.json --data train.npz --epochs 5 --batch-size 32 --output trained.keras \\
      --optimizer adam --learning-rate 1e-3 --loss binary_crossentropy --metrics accuracy --seed 1
  refrain fit model.keras --data train.npz --epochs 5 --batch-size 32 --output trained.keras \\
      --validation-split 0.2 --history history.json

The data are inputs x0, x1, … (or named as the inputs), labels y0, y1, …; if wanted, sample weights w0, w1, … and data for
validation vx0, …, vy0, …, vw0, …. A compiled model goes on where its optimizer stopped; `--optimizer`, `--loss` and
`--metrics` compile it anew, which forgets the optimizer's state.")]
pub struct Fit {
    /// The model's file.
    model: PathBuf,
    /// Inputs, labels, sample weights, validation data.
    #[arg(long, value_name = "D.npz")]
    data: PathBuf,
    /// How often to go through the data.
    #[arg(long, value_name = "N")]
    epochs: NonZeroUsize,
    /// Samples in a batch.
    #[arg(long, value_name = "B")]
    batch_size: NonZeroUsize,
    /// Where the trained model is written: .keras, .h5, .weights.h5 or .safetensors.
    #[arg(long, value_name = "OUT.keras", value_parser = target(model_file::with_weights))]
    output: PathBuf,
    /// Take the samples in the order of the file in every epoch.
    #[arg(long)]
    no_shuffle: bool,
    /// What all random numbers depend on: the same seed gives the same weights.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The fraction of the samples, from the end, that validates.
    #[arg(long, value_name = "F", value_parser = fraction)]
    validation_split: Option<f64>,
    /// Where loss and metrics of each epoch are written as JSON under Keras's names; a value that is not finite is null.
    #[arg(long, value_name = "H.json")]
    history: Option<PathBuf>,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    objective: Objective,
    #[command(flatten)]
    load: LoadCompiled,
}

fn fraction(text: &str) -> Result<f64, String> {
    let fraction = text.parse().ok().filter(|f| (0.0..1.0).contains(f));
    fraction.ok_or_else(|| "expected a number from 0 to less than 1".to_owned())
}

impl Fit {
    pub fn run(self) -> Result<()> {
        check_target(&self.output)?;
        self.check_history()?;
        if let Some(seed) = self.seed {
            set_random_seed(seed);
        }
        let model = self.load.model(&self.model)?;
        let place = format!("`{}`", self.model.display());
        self.objective
            .for_training(&model, &self.training)
            .map_err(|e| e.at(place))?;
        let mut data = DataFile::open(&self.data)?;
        let samples = data.samples(&model, "")?;
        let validation = self.validation(&model, &mut data)?;
        data.refuse_rest(&["x", "y", "w", "vx", "vy", "vw"])?;
        let history = self.train(&model, &samples, validation.as_ref());
        let history = history.map_err(|e| data.at(e))?;
        model_file::save(&model, &self.output)?;
        match &self.history {
            Some(path) => {
                let json = to_json(history.iter().map(|(name, values)| (name, values.to_vec())));
                write_whole(path, format!("{json}\n").as_bytes())
            }
            None => Ok(()),
        }
    }

    /// The history must not take the place of the model or the data.
    fn check_history(&self) -> Result<()> {
        let Some(history) = &self.history else {
            return Ok(());
        };
        check_target(history)?;
        let written = std::path::absolute(history).ok();
        let taken = [&self.output, &self.model, &self.data];
        match taken
            .into_iter()
            .find(|p| std::path::absolute(p).ok() == written)
        {
            Some(path) => {
                let text = format!("the history would overwrite `{}`", path.display());
                Err(Failure::new(text).hint("Give `--history` another name"))
            }
            None => Ok(()),
        }
    }

    fn validation(&self, model: &refrain::Model, data: &mut DataFile) -> Result<Option<Samples>> {
        if !data.has_validation() {
            return Ok(None);
        }
        if self.validation_split.is_some() {
            let text = "there are data for validation (vx0, …) in the file, and `--validation-split` is given";
            return Err(data.at(Failure::new(text)).hint("Choose one of them"));
        }
        data.samples(model, "v").map(Some)
    }

    fn train(
        &self,
        model: &refrain::Model,
        samples: &Samples,
        validation: Option<&Samples>,
    ) -> refrain::Result<History> {
        let verbose = if self.quiet {
            Verbose::Silent
        } else {
            Verbose::Progress
        };
        let mut fit = model
            .fit(samples.x(&model), samples.y())
            .epochs(self.epochs.get())
            .batch_size(self.batch_size.get())
            .shuffle(!self.no_shuffle)
            .validation_split(self.validation_split.unwrap_or(0.0))
            .verbose(verbose);
        if let Some(seed) = self.seed {
            fit = fit.seed(seed);
        }
        if let Some(weights) = samples.w() {
            fit = fit.sample_weight(weights);
        }
        if let Some(validation) = validation {
            fit = fit.validation_data(validation.x(&model), validation.y());
            if let Some(weights) = validation.w() {
                fit = fit.validation_sample_weight(weights);
            }
        }
        fit.run()
    }
}
