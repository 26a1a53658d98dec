//! `refrain convert`.

use std::path::{Path, PathBuf};

use clap::Args;
use refrain::Model;

use super::load::{LoadCompiled, Partial};
use super::model_file;
use crate::failure::{Failure, Result};
use crate::output::{check_target, target};

/// Write a model in another format, which the end of OUT's name chooses.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain convert old.h5 model.keras
  refrain convert model.keras model.safetensors
  refrain convert model.keras model.json
  refrain convert shared.keras model.keras --for-keras
  refrain convert trained.weights.h5 model.keras --architecture model.json
  refrain convert older.weights.h5 model.keras --architecture model.json --by-name --skip-mismatch

.keras holds all: architecture, weights, optimizer and its state. .h5 is Keras's legacy format of the same. .weights.h5 holds
weights and the optimizer's state. .safetensors holds weights and architecture. .json holds the architecture alone.")]
pub struct Convert {
    /// The model's file; its content says what it is.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where it is written: .keras, .h5, .weights.h5, .safetensors or .json.
    #[arg(value_name = "OUT", value_parser = target(model_file::any))]
    output: PathBuf,
    /// A file with the model's architecture, where IN holds weights alone.
    #[arg(long, value_name = "MODEL")]
    architecture: Option<PathBuf>,
    /// Take nested models apart where they share layers with others, which Keras cannot open.
    ///
    /// Their layers move into the model around them, where each is one layer with several calls. A layer that a wrapper
    /// (TimeDistributed) shares with others becomes several, with a warning.
    #[arg(long)]
    for_keras: bool,
    #[command(flatten)]
    partial: Partial,
    #[command(flatten)]
    load: LoadCompiled,
}

impl Convert {
    pub fn run(self) -> Result<()> {
        check_target(&self.output)?;
        let mut model = self.model()?;
        if self.for_keras {
            model = model.for_keras()?;
        }
        model_file::save(&model, &self.output)
    }

    /// Taking nested models apart calls their layers anew.
    fn load(&self, path: &Path) -> Result<Model> {
        match self.for_keras {
            true => self.load.model(path),
            false => self.load.unrun(path),
        }
    }

    fn model(&self) -> Result<Model> {
        let Some(architecture) = &self.architecture else {
            self.partial.refuse("--architecture MODEL")?;
            let model = self.load(&self.input).map_err(|e| match e {
                Failure::Message(text) if text.contains("no architecture") => {
                    let text = format!(
                        "`{}` holds weights and no architecture",
                        self.input.display()
                    );
                    Failure::new(text).hint("Give the architecture with `--architecture MODEL`")
                }
                e => e,
            })?;
            if model_file::is_json(&self.input)? {
                eprintln!(
                    "refrain: `{}` holds no weights: they are new",
                    self.input.display()
                );
            }
            return Ok(model);
        };
        let model = self.load(architecture)?;
        self.partial.read(&model, &self.input)?;
        Ok(model)
    }
}
