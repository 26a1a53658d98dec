//! The options of every command that loads a model.

use std::path::{Path, PathBuf};

use clap::Args;
use refrain::Model;
use refrain::saving::{Expression, LoadOptions, ModelFile};
use serde_json::Value as Json;

use crate::failure::{Failure, Result};

/// How a model is loaded.
#[derive(Args)]
#[command(next_help_heading = "Loading")]
pub struct Load {
    /// What the Lambda layer NAME computes from its input x; repeatable.
    ///
    /// Files hold Python code for Lambda layers, which is never run. EXPR is an expression over Keras's `ops`, such as
    /// `abs(x[0] - x[1])`, `x / 255`, `mean(x, axis=1)`. What Keras's `Lambda(…, arguments={"scale": 2})`
    /// gives is `arguments['scale']`.
    #[arg(long = "lambda", value_name = "NAME=EXPR", value_parser = lambda)]
    lambdas: Vec<(String, Expression)>,
    /// Decode one-expression Python lambdas (`lambda x: abs(x)`): read as data, never run.
    #[arg(long)]
    decode_lambdas: bool,
    /// Make one layer of those that stand in several models of a legacy .h5 with the same name, options and weights.
    #[arg(long)]
    share_equal_layers: bool,
}

/// Weights from another file than the model's.
#[derive(Args)]
#[command(next_help_heading = "Loading")]
pub struct OtherWeights {
    /// Weights from this file in place of the model's: .weights.h5, .keras, .h5 or .safetensors.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    partial: Partial,
}

/// What of a file of weights need not fit.
#[derive(Args)]
pub struct Partial {
    /// Give weights to the layers of the same names only; what else the file holds is left out.
    #[arg(long)]
    by_name: bool,
    /// Leave out weights of another shape.
    #[arg(long)]
    skip_mismatch: bool,
}

impl OtherWeights {
    /// Gives a model the weights.
    pub fn read(&self, model: &Model) -> Result<()> {
        match &self.weights {
            Some(path) => self.partial.read(model, path),
            None => self.partial.refuse("--weights FILE"),
        }
    }
}

impl Partial {
    /// Gives a model the weights of a file, and says which it keeps.
    pub fn read(&self, model: &Model, path: &Path) -> Result<()> {
        let load = model.load_weights(path).by_name(self.by_name);
        let load = load.skip_mismatch(self.skip_mismatch);
        let report = load.run().map_err(|e| failed(e, path))?;
        let kept = report.missing.iter().chain(&report.mismatched);
        let kept: Vec<String> = kept
            .map(|p| format!("{}/{}", p.layer, p.variable))
            .collect();
        if !kept.is_empty() {
            let (count, file) = (report.placed.len(), path.display());
            let all = count + kept.len();
            eprintln!(
                "refrain: `{file}` has {count} of {all} weights; these stay as they were: {}",
                kept.join(", ")
            );
        }
        match report.placed.is_empty() {
            true => Err(Failure::new("no weight of the file fits the model")
                .at(format_args!("`{}`", path.display()))
                .hint("`refrain inspect` shows what is in the file")),
            false => Ok(()),
        }
    }

    /// Refuses the options where no file of weights is read.
    pub fn refuse(&self, needed: &str) -> Result<()> {
        let given = [
            ("--by-name", self.by_name),
            ("--skip-mismatch", self.skip_mismatch),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                let text = format!("`{option}` is for weights from another file");
                Err(Failure::new(text).hint(&format!("Name it with `{needed}`")))
            }
            None => Ok(()),
        }
    }
}

/// How a model is loaded that may be compiled.
#[derive(Args)]
#[command(next_help_heading = "Loading")]
pub struct LoadCompiled {
    #[command(flatten)]
    load: Load,
    /// Leave out the optimizer, loss and metrics that are in the file.
    #[arg(long)]
    no_compile: bool,
}

impl LoadCompiled {
    /// The model, compiled as the file says.
    pub fn model(&self, path: &Path) -> Result<Model> {
        self.load.load(path, !self.no_compile)
    }

    /// The model for being written again, not run.
    pub fn unrun(&self, path: &Path) -> Result<Model> {
        let options = self.load.options().compile(!self.no_compile);
        self.load.load_with(options.described_lambdas(true), path)
    }
}

fn lambda(text: &str) -> Result<(String, Expression), String> {
    let (name, expression) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("expected NAME=EXPR, for example distance='abs(x[0] - x[1])'")?;
    let expression = Expression::parse(expression).map_err(|e| e.to_string())?;
    Ok((name.to_owned(), expression))
}

impl Load {
    /// The model for what needs no optimizer, loss or metrics.
    pub fn model(&self, path: &Path) -> Result<Model> {
        self.load(path, false)
    }

    /// The library's options.
    pub fn options(&self) -> LoadOptions {
        let options = LoadOptions::new()
            .decode_lambdas(self.decode_lambdas)
            .share_equal_layers(self.share_equal_layers);
        let lambdas = self.lambdas.iter().cloned();
        lambdas.fold(options, |options, (name, expression)| {
            options.lambda_expression(name, expression)
        })
    }

    /// The file of a model, for its weights to be read one by one. Its Lambda layers are not run.
    pub fn open(&self, path: &Path) -> Result<ModelFile> {
        let options = self.options().described_lambdas(true);
        let file = options.open(path).map_err(|e| failed(e, path))?;
        self.check_lambdas(|| file.to_json().to_owned(), path)?;
        Ok(file)
    }

    /// The model for being shown: uncompiled, and not run.
    pub fn unrun(&self, path: &Path) -> Result<Model> {
        let options = self.options().compile(false);
        self.load_with(options.described_lambdas(true), path)
    }

    fn load(&self, path: &Path, compile: bool) -> Result<Model> {
        self.load_with(self.options().compile(compile), path)
    }

    fn load_with(&self, options: LoadOptions, path: &Path) -> Result<Model> {
        let model = options.load(path);
        let model = model.map_err(|e| failed(e, path))?;
        self.check_lambdas(|| model.to_json(), path)?;
        Ok(model)
    }

    /// Refuses a `--lambda` that no layer has the name of.
    fn check_lambdas(&self, architecture: impl FnOnce() -> String, path: &Path) -> Result<()> {
        if self.lambdas.is_empty() {
            return Ok(());
        }
        let mut names = Vec::new();
        lambda_names(&architecture().parse().unwrap_or_default(), &mut names);
        match self.lambdas.iter().find(|(name, _)| !names.contains(name)) {
            Some((name, _)) => {
                let text = format!(
                    "`{}` has no Lambda layer `{name}`, only {names:?}",
                    path.display()
                );
                Err(Failure::new(text).hint("Correct the name in `--lambda NAME=EXPR`"))
            }
            None => Ok(()),
        }
    }
}

fn failed(e: refrain::Error, path: &Path) -> Failure {
    Failure::from(e).at(format_args!("`{}`", path.display()))
}

/// The names of all Lambda layers in a description, also inside others.
fn lambda_names(json: &Json, names: &mut Vec<String>) {
    let inside: Vec<&Json> = match json {
        Json::Object(map) => map.values().collect(),
        Json::Array(items) => items.iter().collect(),
        _ => return,
    };
    if json["class_name"] == "Lambda"
        && let Some(name) = json["config"]["name"].as_str()
    {
        names.push(name.to_owned());
    }
    inside
        .into_iter()
        .for_each(|json| lambda_names(json, names));
}
