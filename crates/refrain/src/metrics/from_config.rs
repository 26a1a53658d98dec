//! Metrics by their names in files.

use serde_json::{Value as Json, json};

use super::Metric;
use super::accuracy::ByShapes;
use crate::config::unexpected;
use crate::error::Result;
use crate::losses::Loss;
use crate::objects::{Kind, from_json, own};

/// A metric from Keras's JSON. A word is a metric's name in logs too; what is no metric may be a loss.
pub(super) fn read(json: &Json) -> Result<Metric> {
    let word = own::function_name(json).or(json.as_str());
    let word = word.filter(|_| own::own_name(json).is_none());
    if let Some(name @ ("accuracy" | "acc")) = word {
        return Ok(Metric::new(ByShapes::named(name)));
    }
    let described = word.map(
        |name| json!({ "module": "keras.metrics", "class_name": name, "config": { "name": name } }),
    );
    let described = described.as_ref().unwrap_or(json);
    from_json(described).or_else(|error| {
        let loss = Loss::from_config(described).map(Metric::from);
        loss.map_err(|_| match word {
            Some(_) => unexpected(Metric::WHAT, json),
            None => error,
        })
    })
}
