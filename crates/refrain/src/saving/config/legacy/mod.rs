//! Models as Keras 1 and 2 describe them, rewritten as Keras 3 does.
//!
//! Legacy HDF5 files and the `.keras` files of TensorFlow's Keras 2.12 to 2.15 hold such descriptions. HDF5 files of Keras 3
//! leave the modules of classes out, which is mended here too.

mod families;
mod functions;
mod identities;
mod lambda;
mod layers;
mod nodes;
mod training;

use serde_json::Value as Json;

pub(crate) use identities::identities;
pub(crate) use training::upgrade_training;

use super::{is_model, is_sequential};
use crate::config::unexpected;
use crate::error::Result;
use nodes::Calls;

/// Whether a description is older than Keras 3, or lacks modules.
pub(crate) fn is_legacy(json: &Json) -> bool {
    json["module"].is_null() || has_legacy_layers(json)
}

/// Whether layers name shapes as Keras 2 does, or calls are lists rather than arguments.
fn has_legacy_layers(json: &Json) -> bool {
    let layers = json["config"]["layers"].as_array();
    layers.into_iter().flatten().any(|layer| {
        let calls = layer["inbound_nodes"].as_array();
        let mut calls = calls.into_iter().flatten();
        let shape = &layer["config"]["batch_input_shape"];
        shape.is_array() || calls.any(Json::is_array) || has_legacy_layers(layer)
    })
}

/// The description as Keras 3 would give it. The version of Keras tells whether defaults and names are of before Keras 3; a
/// description without a version shows it.
pub(crate) fn upgrade(json: &Json, version: Option<&str>) -> Result<Json> {
    let mut json = json.clone();
    let old = is_before_keras3(&json, version);
    upgrade_object(&mut json, old)?;
    identities::complete(&mut json);
    Ok(json)
}

/// Whether a description that lacks modules or has legacy layers is of before Keras 3.
pub(crate) fn is_before_keras3(json: &Json, version: Option<&str>) -> bool {
    let major = version.and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    major.map_or_else(|| has_legacy_layers(json), |major| major < 3)
}

/// Upgrades a layer or a model in place, with all layers inside it. `old`: from before Keras 3.
fn upgrade_object(json: &mut Json, old: bool) -> Result<()> {
    if !json.is_object() {
        return Err(unexpected("a layer", json));
    }
    if !is_model(json) {
        return layers::upgrade_layer(json, old);
    }
    if json["config"].is_array() {
        // Keras 1 and early Keras 2 describe a Sequential by the list of its layers.
        let name = crate::names::unique("sequential");
        let layers = json["config"].take();
        json["config"] = serde_json::json!({ "name": name, "layers": layers });
    }
    if !json["config"].is_object() {
        return Err(unexpected("a model's configuration", &json["config"]));
    }
    let calls = Calls::of(&json["config"]);
    let sequential = is_sequential(json);
    if sequential {
        layers::imply_input(&mut json["config"]);
    }
    let config = &mut json["config"];
    if let Some(layers) = config["layers"].as_array_mut() {
        let mut before = Vec::new();
        for layer in layers.iter_mut() {
            if !sequential && layer.is_object() {
                nodes::upgrade_calls(layer, &calls)?;
            }
            match functions::is_function(layer) {
                true => before.extend(functions::upgrade_function(layer)?),
                false => upgrade_object(layer, old)?,
            }
        }
        layers.append(&mut before);
    }
    for ends in ["input_layers", "output_layers"] {
        if calls.legacy && !sequential {
            nodes::upgrade_ends(&mut config[ends], &calls);
        }
        // Keras 2 lists a single tensor, which is no list to whoever calls the model.
        if old && let Some([Json::Array(_)]) = config[ends].as_array().map(Vec::as_slice) {
            config[ends] = config[ends][0].take();
        }
    }
    Ok(())
}
