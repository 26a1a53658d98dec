//! `refrain predict`.

use std::path::PathBuf;

use clap::Args;
use refrain::Literal;
use refrain::data::Arrays;

use super::load::{Load, OtherWeights};
use crate::data::DataFile;
use crate::failure::{Failure, Result};
use crate::numbers::count;
use crate::output::{check_target, target, write_whole};
use refrain_storage::npz::{to_npy, to_npz};

/// Compute a model's outputs for data.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain predict model.keras --inputs x.npz --output y.npz
  refrain predict model.keras --inputs image.npy --output scores.npy
  refrain predict siamese.keras --inputs pairs.npz --output y.npz --lambda distance='abs(x[0] - x[1])'

Inputs are x0, x1, … in the order of the model's inputs, or named as the inputs. Outputs are written as y0, y1, … in the
flat order of the model's outputs. A .npy file does where there is one array.")]
pub struct Predict {
    /// The model's file.
    model: PathBuf,
    /// The model's inputs.
    #[arg(long, value_name = "X.npz")]
    inputs: PathBuf,
    /// Where the outputs are written.
    #[arg(long, value_name = "Y.npz", value_parser = target(arrays))]
    output: PathBuf,
    /// Samples in a batch.
    #[arg(long, value_name = "SAMPLES", default_value = "32", value_parser = count, allow_negative_numbers = true)]
    batch_size: usize,
    /// Fail if an output is NaN or infinite.
    #[arg(long)]
    check_finite: bool,
    #[command(flatten)]
    weights: OtherWeights,
    #[command(flatten)]
    load: Load,
}

fn arrays(path: PathBuf) -> Result<PathBuf, String> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("npz" | "npy") => Ok(path),
        _ => Err("expected a name that ends in .npz or .npy".to_owned()),
    }
}

impl Predict {
    pub fn run(self) -> Result<()> {
        check_target(&self.output)?;
        let model = self.load.model(&self.model)?;
        self.weights.read(&model)?;
        let mut data = DataFile::open(&self.inputs)?;
        let x = data.inputs(&model)?;
        data.refuse_rest(&["x"])?;
        let x: Vec<&Literal> = x.iter().collect();
        let predictions = model
            .predict(Arrays::of_inputs(&model, x))
            .batch_size(self.batch_size)
            .run();
        let predictions = predictions.map_err(|e| data.explain(e, &self.model))?;
        let outputs = (0..predictions.len()).map(|i| predictions.literal(i));
        let outputs: Vec<Literal> = outputs.collect::<refrain::Result<_>>()?;
        if self.check_finite {
            check_finite(&outputs).map_err(|e| data.at(e))?;
        }
        write_whole(&self.output, &self.bytes(&outputs)?)
    }

    fn bytes(&self, outputs: &[Literal]) -> Result<Vec<u8>> {
        let one = self.output.extension().is_some_and(|e| e == "npy");
        match outputs {
            [only] if one => Ok(to_npy(only)),
            _ if one => {
                let text = format!(
                    "a .npy file holds one array, but the model has {} outputs",
                    outputs.len()
                );
                Err(Failure::new(text)
                    .at(format_args!("`{}`", self.output.display()))
                    .hint("Give `--output` a name that ends in .npz"))
            }
            _ => {
                let names: Vec<String> = (0..outputs.len()).map(|i| format!("y{i}")).collect();
                let named: Vec<_> = names.iter().map(String::as_str).zip(outputs).collect();
                Ok(to_npz(&named)?)
            }
        }
    }
}

fn check_finite(outputs: &[Literal]) -> Result<()> {
    for (i, output) in outputs.iter().enumerate() {
        let values = output.to_f64();
        let rows = output.dims().first().copied().unwrap_or(1).max(1);
        let width = (values.len() / rows).max(1);
        let bad = |row: &[f64]| row.iter().any(|v| !v.is_finite());
        if let Some(sample) = values.chunks(width).position(bad) {
            let text = format!("output y{i} of sample {sample} is NaN or infinite");
            return Err(Failure::new(text).hint("Without `--check-finite` it is written as it is"));
        }
    }
    Ok(())
}
