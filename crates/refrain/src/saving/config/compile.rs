//! What `compile` recorded, from and to Keras's JSON.

use serde_json::{Value as Json, json};

use crate::config::{short, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{Loss, Losses};
use crate::metrics::{Metric, Metrics};
use crate::models::Model;
use crate::optimizers::Optimizer;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::training::LossWeights;

/// Compiles a model as the file says; does nothing if the file says nothing. What was in Keras 3's form is kept, to be
/// written as it was.
pub(crate) fn compile_from_json(model: &Model, json: &Json, keep: bool) -> Result<()> {
    if json["optimizer"].is_null() {
        return Ok(());
    }
    let optimizer = Optimizer::from_config(&json["optimizer"])?;
    let reader = Reader { model };
    let mut compile = model
        .compile(optimizer, reader.losses(&json["loss"])?)
        .metrics(reader.metrics(&json["metrics"])?)
        .weighted_metrics(reader.metrics(&json["weighted_metrics"])?)
        .source(keep.then(|| json.clone()));
    if let Some(weights) = reader.loss_weights(&json["loss_weights"])? {
        compile = compile.loss_weights(weights);
    }
    compile.run()
}

/// Reads losses and metrics for a model's outputs.
struct Reader<'m> {
    model: &'m Model,
}

impl Reader<'_> {
    /// The entries of a dict for each output in flat order: by output names, or by the keys of dict outputs.
    fn by_output<'j>(&self, json: &'j Json) -> Result<Option<Vec<&'j Json>>> {
        let Some(map) = json
            .as_object()
            .filter(|map| !map.contains_key("class_name"))
        else {
            return Ok(None);
        };
        let names = self.model.functional().output_keys();
        if let Some(stray) = map.keys().find(|key| !names.contains(*key)) {
            let expected = format!("losses and metrics for the outputs {names:?}");
            return Err(Error::mismatch(
                ErrorKind::Config,
                expected,
                format!("`{}`", short(stray)),
            ));
        }
        let entries = names
            .iter()
            .map(|name| map.get(name).unwrap_or(&Json::Null));
        Ok(Some(entries.collect()))
    }

    fn losses(&self, json: &Json) -> Result<Losses> {
        let outputs = self.model.functional().outputs.flatten().len();
        let all = |items: &[&Json]| -> Result<Losses> {
            let losses = items.iter().map(|json| self.loss(json));
            losses.collect::<Result<Vec<_>>>().map(Losses::List)
        };
        if let Some(items) = self.by_output(json)? {
            return all(&items);
        }
        match json {
            Json::Null => Ok(Losses::List(vec![None; outputs])),
            Json::Array(items) => all(&items.iter().collect::<Vec<_>>()),
            json => Ok(self
                .loss(json)?
                .map_or(Losses::List(Vec::new()), Losses::Same)),
        }
    }

    fn loss(&self, json: &Json) -> Result<Option<Loss>> {
        if json.is_null() {
            return Ok(None);
        }
        let loss = Loss::from_config(json).map(Some);
        loss.map_err(|e| with_own_hint(e, "loss", "Loss", "another as `--loss`"))
    }

    fn metrics(&self, json: &Json) -> Result<Metrics> {
        let each = |items: &[&Json]| {
            let lists = items.iter().map(|json| self.metric_list(json));
            lists.collect::<Result<Vec<_>>>().map(Metrics::Lists)
        };
        if let Some(items) = self.by_output(json)? {
            return each(&items);
        }
        let one_output = self.model.functional().outputs.flatten().len() == 1;
        match json {
            Json::Null => Ok(Metrics::Empty),
            Json::Array(items) if items.is_empty() => Ok(Metrics::Empty),
            Json::Array(items) if one_output => {
                let lists = items.iter().map(|json| self.metric_list(json));
                Ok(Metrics::Flat(lists.collect::<Result<Vec<_>>>()?.concat()))
            }
            Json::Array(items) => each(&items.iter().collect::<Vec<_>>()),
            json => Err(unexpected("a list or a dict of metrics", json)),
        }
    }

    fn metric_list(&self, json: &Json) -> Result<Vec<Metric>> {
        match json {
            Json::Null => Ok(Vec::new()),
            Json::Array(items) => items.iter().map(|json| self.metric(json)).collect(),
            json => Ok(vec![self.metric(json)?]),
        }
    }

    fn metric(&self, json: &Json) -> Result<Metric> {
        Metric::from_config(json)
            .map_err(|e| with_own_hint(e, "metric", "Metric", "others as `--metrics`"))
    }

    fn loss_weights(&self, json: &Json) -> Result<Option<LossWeights>> {
        let number = |json: &Json| {
            json.as_f64()
                .ok_or_else(|| unexpected("a loss weight", json))
        };
        if let Some(items) = self.by_output(json)? {
            let default = |json: &Json| {
                if json.is_null() {
                    Ok(1.0)
                } else {
                    number(json)
                }
            };
            let weights = items.into_iter().map(default);
            return weights
                .collect::<Result<_>>()
                .map(|w| Some(LossWeights::List(w)));
        }
        match json {
            Json::Null => Ok(None),
            Json::Array(items) => {
                let weights = items.iter().map(number).collect::<Result<_>>()?;
                Ok(Some(LossWeights::List(weights)))
            }
            json => {
                let outputs = self.model.functional().outputs.flatten().len();
                Ok(Some(LossWeights::List(vec![number(json)?; outputs])))
            }
        }
    }
}

/// Says what to do about a loss or metric whose class is not known. A wrong option of a known class is something else.
fn with_own_hint(error: Error, what: &str, kind: &str, option: &str) -> Error {
    match error.kind() {
        ErrorKind::Unsupported => error.hint(format!(
            "Make a {what} of your own known with `refrain::register::<{kind}, _>`, or to one reader with \
             `LoadOptions::custom_objects`; on the command line, `fit` and `evaluate` take {option}"
        )),
        _ => error,
    }
}

/// Keras's configuration of what `compile` recorded: as it was read, or made anew; `{}` for a model that is not compiled.
pub(crate) fn compile_to_json(model: &Model) -> Json {
    let Some(compiled) = model.compiled() else {
        return json!({});
    };
    let mut json = compiled.source.clone().unwrap_or_else(|| {
        let outputs: &Structure<Tensor> = &model.functional().outputs;
        let count = outputs.flatten().len();
        let (mut losses, mut weights) = (vec![Json::Null; count], vec![Json::Null; count]);
        for loss in &compiled.losses {
            losses[loss.output] = loss.loss.to_config();
            weights[loss.output] = loss.weight.map_or(Json::Null, Json::from);
        }
        let metrics = |weighted: bool| {
            let mut lists = vec![Vec::new(); count];
            for metric in compiled.metrics.iter().filter(|m| m.weighted == weighted) {
                lists[metric.output].push(metric.metric.to_config());
            }
            match lists.iter().all(Vec::is_empty) {
                true => Json::Null,
                false => per_output(outputs, lists.into_iter().map(Json::from).collect()),
            }
        };
        let weights = match weights.iter().all(Json::is_null) {
            true => Json::Null,
            false => {
                let set = |w: &Json| if w.is_null() { json!(1.0) } else { w.clone() };
                per_output(outputs, weights.iter().map(set).collect())
            }
        };
        json!({
            "loss": per_output(outputs, losses),
            "loss_weights": weights,
            "metrics": metrics(false),
            "weighted_metrics": metrics(true),
            "run_eagerly": false,
            "steps_per_execution": 1,
            "jit_compile": true,
        })
    });
    json["optimizer"] = compiled.optimizer.to_config();
    if let Ok(rate) = model.learning_rate() {
        json["optimizer"]["config"]["learning_rate"] = rate.into();
    }
    json
}

/// One entry for each output: bare for one output, by key for a dict, else a list.
fn per_output(outputs: &Structure<Tensor>, mut entries: Vec<Json>) -> Json {
    match outputs {
        Structure::Dict(items) => items.keys().cloned().zip(entries).collect(),
        _ if entries.len() == 1 => entries.swap_remove(0),
        _ => entries.into(),
    }
}
