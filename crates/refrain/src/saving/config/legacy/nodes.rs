//! Calls of layers in old descriptions: lists of `[layer, call, output, keyword arguments]`.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json, json};

use super::super::{is_input, is_model, is_sequential};
use super::families::Family;
use crate::config::{shown, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{array_of_numbers, array_to_json};

/// What the calls of one model refer to.
pub(super) struct Calls {
    /// Whether the calls are lists.
    pub(super) legacy: bool,
    names: HashSet<String>,
    /// Nested models whose calls are counted from 1: making such a model was its first call. True for graphs, whose ends
    /// Keras 3 counts in the same way.
    counted_from_one: HashMap<String, bool>,
}

/// Arguments of Keras's layers that are tensors.
const TENSORS: [&str; 4] = ["attention_mask", "key", "mask", "value"];

/// What stands in place of a layer's name before a plain value.
const CONSTANT: &str = "_CONSTANT_VALUE";

impl Calls {
    pub(super) fn of(config: &Json) -> Self {
        let layers = || config["layers"].as_array().into_iter().flatten();
        let name = |layer: &Json| {
            let name = layer["name"].as_str().or(layer["config"]["name"].as_str());
            name.unwrap_or_default().to_owned()
        };
        let legacy = layers().any(|layer| {
            let calls = layer["inbound_nodes"].as_array();
            calls.into_iter().flatten().any(Json::is_array)
        });
        let begins_with_input = |layer: &&Json| {
            let first = &layer["config"]["layers"][0];
            let implied = first["config"]["batch_input_shape"].is_array();
            is_model(layer) && (is_input(first) || implied)
        };
        let nested = layers().filter(begins_with_input);
        Calls {
            legacy,
            names: layers().map(name).collect(),
            counted_from_one: nested
                .map(|layer| (name(layer), !is_sequential(layer)))
                .collect(),
        }
    }

    /// `[layer, call, output, …]` with a layer of the model.
    fn is_reference(&self, json: &Json) -> bool {
        let Some([name, call, output, ..]) = json.as_array().map(Vec::as_slice) else {
            return false;
        };
        let known = name.as_str().is_some_and(|name| self.names.contains(name));
        known && call.is_u64() && output.is_u64()
    }

    /// A reference as Keras 3 writes it.
    fn tensor(&self, json: &Json) -> Json {
        let mut call = json[1].as_u64().unwrap_or_default();
        let name = json[0].as_str().unwrap_or_default();
        if self.counted_from_one.contains_key(name) {
            call = call.saturating_sub(1);
        }
        json!({
            "class_name": "__keras_tensor__",
            "config": { "keras_history": [name, call, json[2]] },
        })
    }

    /// An argument: references become tensors, everything else stays.
    fn argument(&self, json: &Json) -> Json {
        match json {
            json if self.is_reference(json) => self.tensor(json),
            Json::Array(items) if items.first().and_then(Json::as_str) == Some(CONSTANT) => {
                array(items.get(2).unwrap_or(&Json::Null))
            }
            Json::Array(items) => items.iter().map(|item| self.argument(item)).collect(),
            Json::Object(map) => {
                let items = map.iter();
                items
                    .map(|(k, item)| (k.clone(), self.argument(item)))
                    .collect()
            }
            other => other.clone(),
        }
    }
}

/// Lists of numbers as an array of NumPy's; everything else stays.
pub(super) fn array(json: &Json) -> Json {
    match array_of_numbers(json).filter(|_| json.is_array()) {
        Some(literal) => array_to_json(&literal),
        None => json.clone(),
    }
}

/// A keyword argument of a layer's call, in which arrays are lists of numbers. `listed`: the layer is called on a list, so
/// that it has a list of masks.
fn constants(name: &str, json: Json, listed: bool) -> Json {
    let each = name == "initial_state" || (name == "mask" && listed);
    match json.as_array() {
        Some(items) if each => items.iter().map(array).collect(),
        Some(_) if TENSORS.contains(&name) => array(&json),
        _ => json,
    }
}

/// Whether an entry of a call is `[layer, …]` or `["_CONSTANT_VALUE", …]`.
fn is_entry(json: &Json) -> bool {
    json[0].is_string() && json.as_array().is_some_and(|items| items.len() >= 3)
}

/// Rewrites the calls of a layer.
pub(super) fn upgrade_calls(layer: &mut Json, calls: &Calls) -> Result<()> {
    let class = layer["class_name"].as_str().unwrap_or_default().to_owned();
    let Some(nodes) = layer["inbound_nodes"].as_array_mut() else {
        layer["inbound_nodes"] = json!([]);
        return Ok(());
    };
    for node in nodes.iter_mut().filter(|node| !node["args"].is_array()) {
        *node = upgrade_call(node, &class, calls)?;
    }
    Ok(())
}

fn upgrade_call(node: &Json, class: &str, calls: &Calls) -> Result<Json> {
    if node.is_object() {
        let args = vec![calls.argument(node)];
        return Ok(json!({ "args": args, "kwargs": {} }));
    }
    let entries = match is_entry(node) {
        true => std::slice::from_ref(node),
        false => node.as_array().map_or(&[][..], Vec::as_slice),
    };
    let first = entries
        .first()
        .ok_or_else(|| unexpected("a call of a layer", node))?;
    let kwargs = first[3].as_object().into_iter().flatten();
    // The further entries of a recurrent layer are states: it has one mask.
    let family = Family::of(class);
    let listed = entries.len() > 1 && !family.takes_states();
    let kwargs = kwargs.map(|(k, v)| (k.clone(), constants(k, calls.argument(v), listed)));
    let mut kwargs: Map<String, Json> = kwargs.collect();
    // Keras 3 does not take all that Keras 2 writes down as not given.
    kwargs.retain(|name, value| name == "mask" || !value.is_null());
    let mut tensors: Vec<Json> = Vec::new();
    for entry in entries {
        let constant = entry[0].as_str() == Some(CONSTANT);
        if is_entry(entry) && !constant && !calls.is_reference(entry) {
            let entry = shown(entry);
            let message = format!("the model's graph refers to {entry}, which it does not have");
            return Err(Error::new(ErrorKind::Graph, message));
        }
        // The fourth part, the keyword arguments, is the same in all entries.
        let entry = match entry.as_array() {
            Some(parts) if is_entry(entry) => Json::from(parts[..3].to_vec()),
            _ => entry.clone(),
        };
        tensors.push(calls.argument(&entry));
    }
    let args = if family.takes_states() && tensors.len() > 1 {
        kwargs.insert("initial_state".to_owned(), tensors.split_off(1).into());
        tensors
    } else if tensors.len() == 1 && !family.takes_lists() && is_single(node, class) {
        tensors
    } else {
        vec![tensors.into()]
    };
    Ok(json!({ "args": args, "kwargs": kwargs }))
}

/// Whether one entry means one tensor: functions of TensorFlow tell a list of one from a tensor.
fn is_single(node: &Json, class: &str) -> bool {
    is_entry(node) || class != "TFOpLambda"
}

/// Rewrites the references at a model's ends. Keras 3 counts calls of nested graphs from 1 there, as Keras 2 does, and those
/// of stacks from 0.
pub(super) fn upgrade_ends(json: &mut Json, calls: &Calls) {
    if calls.is_reference(json) {
        let name = json[0].as_str().unwrap_or_default();
        if calls.counted_from_one.get(name) == Some(&false) {
            json[1] = json[1]
                .as_u64()
                .unwrap_or_default()
                .saturating_sub(1)
                .into();
        }
        return;
    }
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| upgrade_ends(item, calls)),
        Json::Object(map) => map.values_mut().for_each(|item| upgrade_ends(item, calls)),
        _ => {}
    }
}
