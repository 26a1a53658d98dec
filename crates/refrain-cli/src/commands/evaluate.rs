//! `refrain evaluate`.

use std::path::PathBuf;

use clap::Args;

use super::compile::Objective;
use super::load::{LoadCompiled, OtherWeights};
use super::{number_or_list, to_json};
use crate::data::DataFile;
use crate::failure::{Failure, Result};
use crate::numbers::count;
use crate::output::print;

/// Compute a model's loss and metrics for data, and print them as JSON.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain evaluate model.keras --data test.npz
  refrain evaluate model.keras --data test.npz --loss mse --metrics mae

Prints, for example, {\"loss\":0.31,\"accuracy\":0.88}; a value that is not finite is null, and a metric of
several results is a list. The data are inputs x0, x1, … (or named as the inputs), labels y0, y1, …, and sample weights w0, w1, … if wanted.")]
pub struct Evaluate {
    /// The model's file.
    model: PathBuf,
    /// Inputs, labels, sample weights.
    #[arg(long, value_name = "D.npz")]
    data: PathBuf,
    /// Samples in a batch.
    #[arg(long, value_name = "SAMPLES", default_value = "32", value_parser = count, allow_negative_numbers = true)]
    batch_size: usize,
    /// Batches to take; all by default.
    #[arg(long, value_name = "N", value_parser = count, allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Fail if a value is NaN or infinite.
    #[arg(long)]
    check_finite: bool,
    #[command(flatten)]
    weights: OtherWeights,
    #[command(flatten)]
    objective: Objective,
    #[command(flatten)]
    load: LoadCompiled,
}

impl Evaluate {
    pub fn run(self) -> Result<()> {
        self.objective.check()?;
        let model = self.load.model(&self.model)?;
        self.weights.read(&model)?;
        let place = format!("`{}`", self.model.display());
        self.objective
            .for_evaluation(&model)
            .map_err(|e| e.at(place))?;
        let mut data = DataFile::open(&self.data)?;
        let samples = data.samples(&model, "")?;
        data.refuse_rest(&["x", "y", "w"])?;
        let mut evaluate = model
            .evaluate(samples.x(&model), samples.y())
            .batch_size(self.batch_size);
        if let Some(weights) = samples.w() {
            evaluate = evaluate.sample_weight(weights);
        }
        if let Some(steps) = self.steps {
            evaluate = evaluate.steps(steps);
        }
        let evaluation = evaluate.run();
        let evaluation = evaluation.map_err(|e| data.explain(e, &self.model))?;
        let names = evaluation.names();
        let values = names
            .iter()
            .map(|&name| Ok((name, evaluation.values(name)?)));
        let values: Vec<(&str, &[f64])> = values.collect::<refrain::Result<_>>()?;
        let mut each = values
            .iter()
            .flat_map(|(name, all)| all.iter().map(move |v| (name, v)));
        match each.find(|(_, value)| self.check_finite && !value.is_finite()) {
            Some((name, value)) => Err(data
                .at(Failure::new(format!("`{name}` is {value}")))
                .hint("Without `--check-finite` it is printed as null")),
            None => print(to_json(
                values
                    .into_iter()
                    .map(|(name, all)| (name, number_or_list(all))),
            )),
        }
    }
}
