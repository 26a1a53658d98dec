//! `refrain summary`.

use std::path::PathBuf;

use clap::Args;

use super::load::LoadCompiled;
use crate::failure::Result;
use crate::output::print;

/// Print a model's layers, shapes, numbers of weights and connections.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain summary model.keras
  refrain summary model.keras --expand-nested
  refrain summary model.keras --json | jq .total_params")]
pub struct Summary {
    /// The model's file.
    model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show the layers of nested models below them.
    #[arg(long)]
    expand_nested: bool,
    #[command(flatten)]
    load: LoadCompiled,
}

impl Summary {
    pub fn run(self) -> Result<()> {
        let model = self.load.unrun(&self.model)?;
        let summary = model.summary().expand_nested(self.expand_nested);
        match self.json {
            true => print(format_args!("{:#}", summary.to_json())),
            false => print(summary),
        }
    }
}
