//! Options of layers whose names or meanings changed.

use serde_json::{Map, Value as Json};

use super::families::Family;
use super::{lambda, upgrade_object};
use crate::activations::Activation;
use crate::config::ConfigValue;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::merging::KERAS2_MASKS;
use crate::layers::rnn::ZERO_BEFORE_FIRST;
use crate::layers::serialized::is_only_built_in;
use crate::objects::own;
use crate::ops;

/// Rewrites a layer in place.
pub(super) fn upgrade_layer(json: &mut Json, old: bool) -> Result<()> {
    let class = json["class_name"].as_str().unwrap_or_default().to_owned();
    let own = own::own_name(json).is_some();
    if !own {
        add_module(json, &class);
    }
    let name = json["config"]["name"].as_str().unwrap_or(&class).to_owned();
    let Some(config) = json["config"].as_object_mut() else {
        return Ok(());
    };
    for inner in ["layer", "backward_layer", "cell", "cells"] {
        let layers = match config.get_mut(inner) {
            Some(Json::Array(layers)) => layers.as_mut_slice(),
            Some(layer) => std::slice::from_mut(layer),
            None => &mut [],
        };
        let mut layers = layers.iter_mut().filter(|layer| layer.is_object());
        layers.try_for_each(|layer| upgrade_object(layer, old))?;
    }
    if class == "Lambda" && !own {
        lambda::upgrade(config);
    }
    if !old || own {
        return Ok(());
    }
    upgrade_options(&class, config).map_err(|e| e.in_layer(&name, &class))
}

/// Files of Keras 3 without modules call functions as layers are called. Layers have a type, as few functions have.
fn add_module(json: &mut Json, class: &str) {
    if !json["module"].is_null() {
        return;
    }
    let config = json["config"].as_object();
    let is_layer = config.is_none_or(|c| c.contains_key("dtype") || c.contains_key("trainable"));
    let operation = config.and_then(|config| ops::operation(class, config));
    let is_layer = is_layer && is_only_built_in(class);
    if let Some(operation) = operation.filter(|_| !is_layer) {
        json["module"] = operation.def.module().into();
    } else if is_only_built_in(class) {
        json["module"] = "keras.layers".into();
    }
}

/// Options that were renamed: class, old name, new name.
const RENAMED: [(&str, &str, &str); 2] = [
    ("InputLayer", "batch_input_shape", "batch_shape"),
    ("LeakyReLU", "alpha", "negative_slope"),
];

/// Options that changed what is computed and that refrain, like Keras 3, does not have: it must not be set.
const GONE: [(&str, &str); 6] = [
    ("LSTM", "time_major"),
    ("GRU", "time_major"),
    ("RNN", "time_major"),
    ("SimpleRNN", "time_major"),
    ("BatchNormalization", "renorm"),
    ("BatchNormalization", "virtual_batch_size"),
];

fn upgrade_options(class: &str, config: &mut Map<String, Json>) -> Result<()> {
    for (_, old, new) in RENAMED.iter().filter(|(c, ..)| *c == class) {
        if let Some(value) = config.shift_remove(*old) {
            config.insert((*new).to_owned(), value);
        }
    }
    for (_, option) in GONE.iter().filter(|(c, _)| *c == class) {
        let value = config.get(*option);
        if value.is_some_and(|v| !v.is_null() && *v != Json::Bool(false)) {
            let message = format!("option `{option}` of Keras 2, which Keras 3 does not have");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    if class == "BatchNormalization"
        && let Some([axis]) = config
            .get("axis")
            .and_then(Json::as_array)
            .map(Vec::as_slice)
    {
        let axis = axis.clone();
        config.insert("axis".to_owned(), axis);
    }
    let masks = match Family::of(class) {
        Family::Recurrent => Some(ZERO_BEFORE_FIRST),
        Family::Merging => Some(KERAS2_MASKS),
        _ => None,
    };
    if let Some(option) = masks {
        config.insert(option.to_owned(), true.into());
    }
    if matches!(class, "GRU" | "GRUCell") && !config.contains_key("reset_after") {
        // The default before Keras 2.1 had the option.
        config.insert("reset_after".to_owned(), false.into());
    }
    for option in ["activation", "recurrent_activation"] {
        if config.get(option).and_then(Json::as_str) == Some("hard_sigmoid") {
            config.insert(option.to_owned(), Activation::Keras2HardSigmoid.to_json());
        }
    }
    Ok(())
}

/// Gives a stack whose first layer names its input's shape the input itself.
pub(super) fn imply_input(config: &mut Json) {
    let first = &config["layers"][0]["config"];
    let shape = first["batch_input_shape"].clone();
    if shape.is_array() && config["build_input_shape"].is_null() {
        config["build_input_shape"] = shape;
    }
}
