//! Layers that an old description names several times.
//!
//! TensorFlow's Keras gives a layer an identity when it describes it for the second time, and later ones the same. The first
//! description has none.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use crate::layers::restoring::{description, identity};

/// Gives first descriptions the identities of the later ones, where no other equal description could be meant.
pub(super) fn complete(json: &mut Json) {
    let mut first = First::default();
    first.visit(json);
    let missing = first.missing;
    give(json, &mut 0, &missing);
}

/// Which descriptions without an identity are those of layers that have one later, by their positions.
#[derive(Default)]
struct First {
    position: usize,
    seen: HashSet<u64>,
    without: HashMap<String, Vec<usize>>,
    missing: HashMap<usize, u64>,
}

impl First {
    fn visit(&mut self, json: &Json) {
        for layer in inner(json) {
            match identity(layer) {
                Some(id) if self.seen.insert(id) => {
                    let equal = self.without.get(&description(layer));
                    if let Some([only]) = equal.map(Vec::as_slice) {
                        self.missing.insert(*only, id);
                    }
                }
                Some(_) => {}
                None => {
                    let equal = self.without.entry(description(layer)).or_default();
                    equal.push(self.position);
                }
            }
            self.position += 1;
            self.visit(layer);
        }
    }
}

/// The layers inside a model or a wrapper.
fn inner(json: &Json) -> impl Iterator<Item = &Json> {
    let config = &json["config"];
    let layers = config["layers"].as_array().into_iter().flatten();
    layers.chain(config["layer"].is_object().then_some(&config["layer"]))
}

/// Writes identities into the descriptions at these positions.
fn give(json: &mut Json, position: &mut usize, missing: &HashMap<usize, u64>) {
    // Configurations of users' layers may have lists under this name that hold anything.
    let Some(config) = json.get_mut("config").and_then(Json::as_object_mut) else {
        return;
    };
    let mut each = |layer: &mut Json| {
        if let (Some(&id), Some(layer)) = (missing.get(position), layer.as_object_mut()) {
            layer.insert("shared_object_id".to_owned(), id.into());
        }
        *position += 1;
        give(layer, position, missing);
    };
    if let Some(layers) = config.get_mut("layers").and_then(Json::as_array_mut) {
        layers.iter_mut().for_each(&mut each);
    }
    if let Some(layer) = config.get_mut("layer").filter(|layer| layer.is_object()) {
        each(layer);
    }
}

/// Identities of the layers that a description names several times.
pub(crate) fn identities(json: &Json) -> HashSet<u64> {
    fn visit(json: &Json, counts: &mut HashMap<u64, usize>) {
        for layer in inner(json) {
            if let Some(id) = identity(layer) {
                *counts.entry(id).or_default() += 1;
            }
            visit(layer, counts);
        }
    }
    let mut counts = HashMap::new();
    visit(json, &mut counts);
    let several = counts.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(id, _)| id).collect()
}
