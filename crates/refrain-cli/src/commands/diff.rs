//! `refrain diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refrain::Model;

use super::load::Load;
use super::model_file;
use crate::compare::{architectures, weights};
use crate::failure::Result;
use crate::output::print;

/// Compare two models: what differs in their architectures and weights, and by how much.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain diff before.keras after.keras
  refrain diff model.keras model.h5 && echo equal

Prints one line for each difference. Exit codes as of diff(1): 0 if there is none, 1 if there are some, 2 if a file cannot be
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
        let a = self.load.model(&self.a)?;
        let b = self.load.model(&self.b)?;
        let mut differences = architectures(&json(&a), &json(&b));
        match model_file::is_json(&self.a)? || model_file::is_json(&self.b)? {
            true => eprintln!(
                "refrain: the JSON of an architecture has no weights: architectures alone are compared"
            ),
            false => differences.extend(weights(&a, &b)),
        }
        for difference in &differences {
            print(difference)?;
        }
        Ok(ExitCode::from(u8::from(!differences.is_empty())))
    }
}

fn json(model: &Model) -> serde_json::Value {
    model.to_json().parse().unwrap_or_default()
}
