//! The options that compile a model, or change how it is compiled.

use clap::Args;
use refrain::Model;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use serde_json::{Map, Value as Json, json};

use super::optimizer::Training;
use crate::failure::{Failure, Result};
use crate::numbers::finite;

/// What is minimised and what is watched.
#[derive(Args)]
#[command(next_help_heading = "Compiling")]
pub struct Objective {
    #[arg(long, value_name = "LOSS", value_delimiter = ',', help = loss_help())]
    loss: Vec<String>,
    #[arg(long, value_name = "METRIC", value_delimiter = ',', help = metrics_help())]
    metrics: Vec<String>,
    /// The same, with sample weights and class weights counted [default: the model's].
    #[arg(long, value_name = "METRIC", value_delimiter = ',')]
    weighted_metrics: Vec<String>,
    /// What the losses of several outputs are multiplied by in their sum: one for each, or OUTPUT=WEIGHT [default: the
    /// model's].
    #[arg(
        long,
        value_name = "WEIGHT",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    loss_weights: Vec<String>,
}

fn loss_help() -> String {
    let names = Loss::names().join(", ");
    format!(
        "The loss: {names}; for several outputs one for each, or OUTPUT=LOSS [default: the model's]"
    )
}

fn metrics_help() -> String {
    let names = metrics().join(", ");
    format!(
        "What is watched: {names}; for several outputs one for each, or OUTPUT=METRIC [default: the model's]"
    )
}

/// What can be watched: metrics and losses.
fn metrics() -> Vec<&'static str> {
    let mut all = [Metric::names(), Loss::names()].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// A name that nothing has; lists those that something has.
pub fn unknown(option: &str, name: &str, all: &[&str]) -> Failure {
    let text = format!("`{option}` knows no `{name}`");
    Failure::new(text).hint(&format!("There are {}", all.join(", ")))
}

/// Any optimizer will do where none runs.
const UNUSED_OPTIMIZER: &str = "sgd";

/// What to do about a model that cannot be trained.
const COMPILE: &str = "Give `--optimizer` and `--loss`, for example `--optimizer adam --loss mse`";

/// What a model's file says of compiling.
fn of_file(model: &Model) -> Json {
    let mut json: Json = model.to_json().parse().unwrap_or_default();
    json["compile_config"].take()
}

/// What is compiled anew. Of what a file says and cannot be followed, the metrics are left out.
fn recorded(model: &Model) -> Json {
    if model.is_compiled() {
        return model.get_compile_config();
    }
    match of_file(model) {
        Json::Object(mut map) => {
            map.retain(|key, _| !["metrics", "weighted_metrics"].contains(&key.as_str()));
            Json::Object(map)
        }
        _ => Json::Null,
    }
}

/// A model is not compiled: its file says nothing, or what cannot be followed, as a warning told when it was loaded.
fn not_compiled(model: &Model, lacks: &str, hint: &str) -> Failure {
    match of_file(model)["optimizer"].is_null() {
        true => Failure::new(format!("the model is not compiled: {lacks}")).hint(hint),
        false => Failure::new("the model is not compiled as its file says")
            .hint("Give others with `--optimizer`, `--loss`, `--metrics`"),
    }
}

impl Objective {
    /// Refuses names of losses and metrics that there are not.
    pub fn check(&self) -> Result<()> {
        let name = |entry: &str| Json::from(entry.rsplit('=').next().unwrap_or_default());
        if let Some(entry) = (self.loss.iter()).find(|e| Loss::from_config(&name(e)).is_err()) {
            return Err(unknown("--loss", entry, &Loss::names()));
        }
        for (option, metrics) in self.watched() {
            let mut metrics = metrics.iter();
            if let Some(entry) = metrics.find(|e| Metric::from_config(&name(e)).is_err()) {
                return Err(unknown(option, entry, &self::metrics()));
            }
        }
        Ok(())
    }

    fn watched(&self) -> [(&'static str, &[String]); 2] {
        [
            ("--metrics", &self.metrics),
            ("--weighted-metrics", &self.weighted_metrics),
        ]
    }

    /// Makes sure that a model can be evaluated.
    pub fn for_evaluation(&self, model: &Model) -> Result<()> {
        match (self.is_empty(), model.is_compiled()) {
            (true, true) => return Ok(()),
            (true, false) => {
                let hint = "Give `--loss`, for example `--loss mse`";
                return Err(not_compiled(model, "it has no loss", hint));
            }
            _ => {}
        }
        let mut config = recorded(model);
        if !model.is_compiled() {
            config["optimizer"] = UNUSED_OPTIMIZER.into();
        }
        self.compile(model, config)
    }

    /// Makes sure that a model can be trained.
    pub fn for_training(&self, model: &Model, training: &Training) -> Result<()> {
        let nothing = self.is_empty() && training.is_empty();
        match (model.is_compiled(), training.only_rate()) {
            (true, Some(rate)) if self.is_empty() => return Ok(model.set_learning_rate(rate)?),
            (true, _) if nothing => return Ok(()),
            (false, _) if nothing => {
                return Err(not_compiled(model, "it has no optimizer", COMPILE));
            }
            _ => {}
        }
        let mut config = recorded(model);
        let optimizer = training.config(&config["optimizer"])?;
        config["optimizer"] = optimizer.ok_or_else(|| {
            Failure::new("the model is not compiled: it has no optimizer").hint(COMPILE)
        })?;
        self.compile(model, config)
    }

    fn is_empty(&self) -> bool {
        self.loss.is_empty()
            && self.loss_weights.is_empty()
            && self.watched().iter().all(|(_, metrics)| metrics.is_empty())
    }

    fn compile(&self, model: &Model, mut config: Json) -> Result<()> {
        let outputs = model.output_names();
        if !self.loss.is_empty() {
            let fits = [1, outputs.len()].contains(&self.loss.len());
            check_count("--loss", &self.loss, fits, &outputs)?;
            config["loss"] = entries("--loss", &self.loss, Form::Single)?;
        }
        if !self.loss_weights.is_empty() {
            let fits = self.loss_weights.len() == outputs.len();
            check_count("--loss-weights", &self.loss_weights, fits, &outputs)?;
            config["loss_weights"] = entries("--loss-weights", &self.loss_weights, Form::Number)?;
        }
        for (option, metrics) in self.watched() {
            if !metrics.is_empty() {
                let fits = outputs.len() == 1 || outputs.len() == metrics.len();
                check_count(option, metrics, fits, &outputs)?;
                let key = option.trim_start_matches('-').replace('-', "_");
                config[key] = entries(option, metrics, Form::List)?;
            }
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

/// What stands for one output.
#[derive(Clone, Copy)]
enum Form {
    Single,
    Number,
    List,
}

impl Form {
    fn json(self, option: &str, text: &str) -> Result<Json> {
        match self {
            Form::Number => finite(text)
                .map(Json::from)
                .map_err(|e| Failure::new(format!("`{option}`: {e}, not `{text}`"))),
            _ => Ok(text.into()),
        }
    }
}

/// Entries as Keras's `compile` takes them: one, a list, or a dict by outputs.
fn entries(option: &str, given: &[String], form: Form) -> Result<Json> {
    let pairs: Vec<(&str, &str)> = given
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .collect();
    match (&pairs[..], given) {
        ([], [one]) if matches!(form, Form::Single) => form.json(option, one),
        ([], _) => {
            let all = given.iter().map(|entry| form.json(option, entry));
            all.collect()
        }
        _ if pairs.len() < given.len() => {
            let text = format!("`{option}` names an output for some entries and none for others");
            Err(Failure::new(text).hint("Write OUTPUT=… for each"))
        }
        _ => {
            let mut by_output = Map::new();
            for (output, text) in pairs {
                let value = form.json(option, text)?;
                let entry = by_output.entry(output).or_insert_with(|| json!([]));
                match entry {
                    Json::Array(values) if matches!(form, Form::List) => values.push(value),
                    _ => *entry = value,
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
        let json = |given: &[&str], form| {
            let given: Vec<String> = given.iter().map(|s| (*s).to_owned()).collect();
            entries("--metrics", &given, form).map(|json| json.to_string())
        };
        assert_eq!(json(&["mse"], Form::Single).unwrap(), r#""mse""#);
        assert_eq!(json(&["mse"], Form::List).unwrap(), r#"["mse"]"#);
        assert_eq!(
            json(&["mse", "mae"], Form::Single).unwrap(),
            r#"["mse","mae"]"#
        );
        assert_eq!(
            json(&["a=mse", "b=mae"], Form::Single).unwrap(),
            r#"{"a":"mse","b":"mae"}"#
        );
        assert_eq!(
            json(&["a=mse", "a=mae"], Form::List).unwrap(),
            r#"{"a":["mse","mae"]}"#
        );
        assert_eq!(
            json(&["a=1", "b=0.5"], Form::Number).unwrap(),
            r#"{"a":1.0,"b":0.5}"#
        );
        assert_eq!(json(&["1"], Form::Number).unwrap(), "[1.0]");
        assert!(json(&["mse"], Form::Number).is_err());
        assert!(json(&["a=mse", "mae"], Form::List).is_err());
    }
}
