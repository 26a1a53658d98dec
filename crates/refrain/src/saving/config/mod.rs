//! Models as Keras's JSON.

mod compile;
mod ellipsis;
mod graph;
mod legacy;
mod versions;

use serde_json::Value as Json;

pub(crate) use compile::{compile_from_json, compile_to_json};
pub(crate) use ellipsis::spell_out_ellipses;
pub(crate) use legacy::{identities, is_before_keras3, is_legacy, upgrade, upgrade_training};
pub(crate) use versions::{takes_masks, warn_of_other_calls, warn_of_penalties};

use crate::config::unexpected;
use crate::error::Result;
use crate::layers::AnyLayer;
use crate::layers::restoring::Restoring;
use crate::models::Model;

/// Classes of models that are graphs of layers.
const FUNCTIONAL: [&str; 2] = ["Functional", "Model"];

/// Whether a serialised object is a model: a graph or a stack of layers.
pub(crate) fn is_model(json: &Json) -> bool {
    let class = json["class_name"].as_str().unwrap_or_default();
    let graph =
        json["config"]["input_layers"].is_array() || json["config"]["input_layers"].is_object();
    class == "Sequential" || FUNCTIONAL.contains(&class) || graph
}

/// What makes the layers of a file's description.
pub(crate) fn reader() -> Restoring {
    let mut context = Restoring::default();
    context.model = Some(nested_model);
    context
}

/// The model that a layer's description is one of.
fn nested_model(json: &Json, context: &Restoring) -> Result<Option<AnyLayer>> {
    let model = is_model(json).then(|| model_from_json(json, context));
    Ok(model.transpose()?.map(|model| model.any()))
}

/// The model that Keras's serialised form describes. Its weights are new.
pub(crate) fn model_from_json(json: &Json, context: &Restoring) -> Result<Model> {
    if !is_model(json) {
        return Err(unexpected(
            "a Functional or Sequential model",
            &json["class_name"],
        ));
    }
    let config = json["config"].as_object();
    let config = config.ok_or_else(|| unexpected("a model's configuration", &json["config"]))?;
    let model = match json["class_name"].as_str() {
        Some("Sequential") => graph::sequential(config, context)?,
        _ => graph::functional(config, context)?,
    };
    if config.get("trainable").and_then(Json::as_bool) == Some(false) {
        model.any().freeze_alone();
    }
    Ok(model)
}
