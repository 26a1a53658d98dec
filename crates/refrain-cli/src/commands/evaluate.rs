//! `refrain evaluate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::compile::Objective;
use super::load::LoadCompiled;
use super::to_json;
use crate::data::DataFile;
use crate::failure::Result;
use crate::output::print;

/// Compute a model's loss and metrics for data, and print them as JSON.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain evaluate model.keras --data test.npz
  refrain evaluate model.keras --data test.npz --loss mse --metrics mae

Prints, for example, {\"loss\":0.31,\"accuracy\":0.88}; a value that is not finite is null. The data are inputs x0, x1, …
(or named as the inputs), labels y0, y1, …, and sample weights w0, w1, … if wanted.")]
pub struct Evaluate {
    /// The model's file.
    model: PathBuf,
    /// Inputs, labels, sample weights.
    #[arg(long, value_name = "D.npz")]
    data: PathBuf,
    /// Samples in a batch.
    #[arg(long, value_name = "SAMPLES", default_value = "32")]
    batch_size: NonZeroUsize,
    #[command(flatten)]
    objective: Objective,
    #[command(flatten)]
    load: LoadCompiled,
}

impl Evaluate {
    pub fn run(self) -> Result<()> {
        let model = self.load.model(&self.model)?;
        let place = format!("`{}`", self.model.display());
        self.objective
            .for_evaluation(&model)
            .map_err(|e| e.at(place))?;
        let mut data = DataFile::open(&self.data)?;
        let samples = data.samples(&model, "")?;
        data.refuse_rest(&["x", "y", "w"])?;
        let mut evaluate = model
            .evaluate(samples.x(&model), samples.y())
            .batch_size(self.batch_size.get());
        if let Some(weights) = samples.w() {
            evaluate = evaluate.sample_weight(weights);
        }
        let evaluation = evaluate.run().map_err(|e| data.at(e))?;
        print(to_json(evaluation.iter()))
    }
}
