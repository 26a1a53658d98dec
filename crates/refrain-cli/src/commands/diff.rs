//! `refrain diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refrain::saving::ModelFile;

use super::load::Load;
use crate::compare::{architectures, weights};
use crate::failure::Result;
use crate::output::print;

/// Compare two models: what differs in their architectures and weights, and by how much.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain diff before.keras after.keras
  refrain diff model.keras model.h5 && echo equal

Prints one line for each difference. Layers and weights are paired by their names and those of the models that they are in:
encoder/dense/kernel. Memory is needed for one array at a time. Exit codes as of diff(1): 0 if there is none, 1 if there are some, 2 if a file cannot be
read. How the models are compiled, and the state of optimizers, is not compared. Against the JSON of an architecture, which
has no weights, architectures alone are.")]
pub struct Diff {
    /// A model's file.
    a: PathBuf,
    /// Another one.
    b: PathBuf,
    #[command(flatten)]
    load: Load,
}

impl Diff {
    pub fn run(self) -> Result<ExitCode> {
        let a = self.load.open(&self.a)?;
        let b = self.load.open(&self.b)?;
        let mut differs = false;
        let mut line = |text: String| {
            differs = true;
            print(text)
        };
        let mut lines = architectures(&json(&a), &json(&b)).into_iter();
        lines.try_for_each(&mut line)?;
        match a.has_weights() && b.has_weights() {
            true => weights(&a, &b, &mut line)?,
            false => eprintln!(
                "refrain: the JSON of an architecture has no weights: architectures alone are compared"
            ),
        }
        Ok(ExitCode::from(u8::from(differs)))
    }
}

fn json(file: &ModelFile) -> serde_json::Value {
    file.to_json().parse().unwrap_or_default()
}
