//! `refrain inspect`.

use std::path::PathBuf;

use clap::Args;

use super::load::Load;
use crate::failure::Result;
use crate::output::print;

/// Print what is in a model file: each array, the layer and variable that it is for, and why the model does not load, if it
/// does not.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain inspect model.keras
  refrain inspect old.h5 --decode-lambdas

Ends with 0 also if the model would not load: the reason is part of what is printed.")]
pub struct Inspect {
    /// The model's file, or a file of weights.
    model: PathBuf,
    #[command(flatten)]
    load: Load,
}

impl Inspect {
    pub fn run(self) -> Result<()> {
        let inspection = self.load.options().inspect(&self.model)?;
        print(inspection.to_string().trim_end())
    }
}
