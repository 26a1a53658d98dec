//! The options of every command that loads a model.

use std::path::Path;

use clap::Args;
use refrain::Model;
use refrain::layers::AnyLayer;
use refrain::saving::{Expression, LoadOptions};

use crate::failure::{Failure, Result};

/// How a model is loaded.
#[derive(Args)]
#[command(next_help_heading = "Loading")]
pub struct Load {
    /// What the Lambda layer NAME computes from its input x; repeatable.
    ///
    /// Files hold Python code for Lambda layers, which is never run. EXPR is an expression over Keras's `ops`, such as
    /// `abs(x[0] - x[1])`, `x / 255`, `mean(x, axis=1)`.
    #[arg(long = "lambda", value_name = "NAME=EXPR", value_parser = lambda)]
    lambdas: Vec<(String, Expression)>,
    /// Decode one-expression Python lambdas (`lambda x: abs(x)`): read as data, never run.
    #[arg(long)]
    decode_lambdas: bool,
    /// Make one layer of those that stand in several models of a legacy .h5 with the same name, options and weights.
    #[arg(long)]
    share_equal_layers: bool,
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

    fn load(&self, path: &Path, compile: bool) -> Result<Model> {
        let model = self.options().compile(compile).load(path);
        let model = model.map_err(|e| Failure::from(e).at(format_args!("`{}`", path.display())))?;
        self.check_lambdas(&model, path)?;
        Ok(model)
    }

    /// Refuses a `--lambda` that no layer has the name of.
    fn check_lambdas(&self, model: &Model, path: &Path) -> Result<()> {
        if self.lambdas.is_empty() {
            return Ok(());
        }
        let mut names = Vec::new();
        lambda_names(&model.any(), &mut names);
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

fn lambda_names(layer: &AnyLayer, names: &mut Vec<String>) {
    for (_, inside) in layer.sublayers() {
        if inside.class_name() == "Lambda" {
            names.push(inside.get_name().to_owned());
        }
        lambda_names(&inside, names);
    }
}
