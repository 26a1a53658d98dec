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

/// Whether a serialised object is of a class.
fn is_of(json: &Json, class: &str) -> bool {
    json["class_name"].as_str() == Some(class)
}

/// Whether a serialised object is a stack of layers.
pub(crate) fn is_sequential(json: &Json) -> bool {
    is_of(json, "Sequential")
}

/// Whether a serialised layer is an input.
pub(crate) fn is_input(json: &Json) -> bool {
    is_of(json, "InputLayer")
}

/// Whether a serialised object is a model: a graph or a stack of layers.
pub(crate) fn is_model(json: &Json) -> bool {
    let inputs = &json["config"]["input_layers"];
    let graph = inputs.is_array() || inputs.is_object();
    is_sequential(json) || FUNCTIONAL.iter().any(|class| is_of(json, class)) || graph
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
    let model = match is_sequential(json) {
        true => graph::sequential(config, context)?,
        false => graph::functional(config, context)?,
    };
    if config.get("trainable").and_then(Json::as_bool) == Some(false) {
        model.any().freeze_alone();
    }
    Ok(model)
}
