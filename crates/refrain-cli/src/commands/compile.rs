//! The options that compile a model, or change how it is compiled.

use clap::Args;
use refrain::Model;
use refrain::layers::Config;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::optimizers::Optimizer;
use serde_json::{Map, Value as Json, json};

use crate::failure::{Failure, Result};
use crate::numbers::rate;

/// What is minimised and what is watched.
#[derive(Args)]
#[command(next_help_heading = "Compiling")]
pub struct Objective {
    /// The loss: mse, mae, huber, binary_crossentropy, categorical_crossentropy or sparse_categorical_crossentropy; for
    /// several outputs one for each, or OUTPUT=LOSS [default: the model's].
    #[arg(long, value_name = "LOSS", value_delimiter = ',')]
    loss: Vec<String>,
    /// What is watched: accuracy, binary_accuracy, mse, mae, …; for several outputs one for each, or OUTPUT=METRIC [default:
    /// the model's].
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    metrics: Vec<String>,
}

/// How it is minimised.
#[derive(Args)]
#[command(next_help_heading = "Compiling")]
pub struct Training {
    /// The optimizer, with Keras's defaults: adam, adamw, sgd or rmsprop [default: the model's].
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,
    /// The optimizer's learning rate [default: the model's, or the optimizer's].
    #[arg(long, value_name = "RATE", value_parser = rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,
}

impl Training {
    /// Refuses the name of an optimizer that there is not.
    pub fn check(&self) -> Result<()> {
        let known = |name: &str| Optimizer::from_config(name, &Config::default()).is_ok();
        let mut given = self.optimizer.iter();
        given.try_for_each(|name| check_name("--optimizer", name, known(name), &Optimizer::NAMES))
    }
}

/// Refuses a name that nothing has, and lists those that something has.
fn check_name(option: &str, name: &str, known: bool, all: &[&str]) -> Result<()> {
    match known {
        true => Ok(()),
        false => {
            let text = format!("`{option}` knows no `{name}`");
            Err(Failure::new(text).hint(&format!("There are {}", all.join(", "))))
        }
    }
}

/// Any optimizer will do where none runs.
const UNUSED_OPTIMIZER: &str = "sgd";

impl Objective {
    /// Refuses names of losses and metrics that there are not.
    pub fn check(&self) -> Result<()> {
        let name = |entry: &str| Json::from(entry.rsplit('=').next().unwrap_or_default());
        for entry in &self.loss {
            let known = Loss::from_config(&name(entry)).is_ok();
            check_name("--loss", entry, known, &Loss::NAMES)?;
        }
        for entry in &self.metrics {
            let known = Metric::from_config(&name(entry)).is_ok();
            check_name("--metrics", entry, known, &Metric::NAMES)?;
        }
        Ok(())
    }

    /// Makes sure that a model can be evaluated.
    pub fn for_evaluation(&self, model: &Model) -> Result<()> {
        if self.is_empty() {
            return match model.is_compiled() {
                true => Ok(()),
                false => Err(Failure::new("the model is not compiled: it has no loss")
                    .hint("Give `--loss`, for example `--loss mse`")),
            };
        }
        let mut config = model.get_compile_config();
        if config["optimizer"].is_null() {
            config["optimizer"] = UNUSED_OPTIMIZER.into();
        }
        self.compile(model, config)
    }

    /// Makes sure that a model can be trained.
    pub fn for_training(&self, model: &Model, training: &Training) -> Result<()> {
        let mut config = model.get_compile_config();
        match (&training.optimizer, training.learning_rate) {
            (Some(name), None) => config["optimizer"] = name.as_str().into(),
            (Some(name), Some(rate)) => {
                config["optimizer"] =
                    json!({ "class_name": name, "config": { "learning_rate": rate } });
            }
            (None, _) if config["optimizer"].is_null() => {
                return Err(Failure::new("the model is not compiled: it has no optimizer")
                    .hint("Give `--optimizer` and `--loss`, for example `--optimizer adam --loss mse`"));
            }
            (None, Some(rate)) if self.is_empty() => return Ok(model.set_learning_rate(rate)?),
            (None, None) if self.is_empty() => return Ok(()),
            (None, Some(rate)) => config["optimizer"]["config"]["learning_rate"] = rate.into(),
            (None, None) => {}
        }
        self.compile(model, config)
    }

    fn is_empty(&self) -> bool {
        self.loss.is_empty() && self.metrics.is_empty()
    }

    fn compile(&self, model: &Model, mut config: Json) -> Result<()> {
        let outputs = model.output_names();
        if !self.loss.is_empty() {
            let fits = [1, outputs.len()].contains(&self.loss.len());
            check_count("--loss", &self.loss, fits, &outputs)?;
            config["loss"] = entries("--loss", &self.loss, false)?;
        }
        if !self.metrics.is_empty() {
            let fits = outputs.len() == 1 || outputs.len() == self.metrics.len();
            check_count("--metrics", &self.metrics, fits, &outputs)?;
            config["metrics"] = entries("--metrics", &self.metrics, true)?;
        }
        if config["loss"].is_null() {
            return Err(Failure::new("the model is not compiled: it has no loss")
                .hint("Give `--loss`, for example `--loss mse`"));
        }
        Ok(model.compile_from_config(&config)?)
    }
}

/// Refuses names without outputs that are neither for all outputs nor one for each.
fn check_count(option: &str, given: &[String], fits: bool, outputs: &[String]) -> Result<()> {
    if fits || given.iter().any(|entry| entry.contains('=')) {
        return Ok(());
    }
    let count = given.len();
    let text = format!("`{option}` has {count} names for the outputs {outputs:?}");
    Err(Failure::new(text).hint("Give one for each, or OUTPUT=NAME"))
}

/// Names as Keras's `compile` takes them: one, a list, or a dict by outputs.
fn entries(option: &str, given: &[String], lists: bool) -> Result<Json> {
    let pairs: Vec<(&str, &str)> = given
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .collect();
    match (&pairs[..], given) {
        ([], [one]) if !lists => Ok(json!(one)),
        ([], _) => Ok(json!(given)),
        _ if pairs.len() < given.len() => {
            let text = format!("`{option}` names an output for some entries and none for others");
            Err(Failure::new(text).hint("Write OUTPUT=NAME for each"))
        }
        _ => {
            let mut by_output = Map::new();
            for (output, name) in pairs {
                let entry = by_output.entry(output).or_insert_with(|| json!([]));
                match entry {
                    Json::Array(names) if lists => names.push(name.into()),
                    _ => *entry = name.into(),
                }
            }
            Ok(by_output.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_keras_takes() {
        let json = |given: &[&str], lists| {
            let given: Vec<String> = given.iter().map(|s| (*s).to_owned()).collect();
            entries("--metrics", &given, lists).map(|json| json.to_string())
        };
        assert_eq!(json(&["mse"], false).unwrap(), r#""mse""#);
        assert_eq!(json(&["mse"], true).unwrap(), r#"["mse"]"#);
        assert_eq!(json(&["mse", "mae"], false).unwrap(), r#"["mse","mae"]"#);
        assert_eq!(
            json(&["a=mse", "b=mae"], false).unwrap(),
            r#"{"a":"mse","b":"mae"}"#
        );
        assert_eq!(
            json(&["a=mse", "a=mae"], true).unwrap(),
            r#"{"a":["mse","mae"]}"#
        );
        assert!(json(&["a=mse", "mae"], true).is_err());
    }
}
