//! Layers that a model's description names several times but its file of weights holds once.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::legacy::WEIGHT_NAMES;
use super::places::{Habit, Members, join};
use crate::error::Result;
use crate::layers::registry::OPS_MODULE;
use crate::layers::restoring::description;
use crate::saving::storage::{ArrayFile, ArrayRef, Group};

/// Descriptions of the layers that are stored at some of their places and missing at others: they were one layer when the
/// file was written, shared by several nested models. Keras writes such files and cannot read them.
pub(crate) fn stored_once<D>(model: &Json, root: &Group<D>) -> HashSet<String> {
    if Habit::of(root).list != Habit::KERAS_3.list {
        return HashSet::new(); // such files cannot describe layers shared between models
    }
    let mut found = Found {
        root,
        stored: HashMap::new(),
    };
    found.visit(model, "");
    let stored = found.stored.into_iter();
    let partly = stored.filter(|(_, places)| places.contains(&true) && places.contains(&false));
    partly.map(|(description, _)| description).collect()
}

struct Found<'r, D> {
    root: &'r Group<D>,
    /// For each description, whether there are weights at each of its places.
    stored: HashMap<String, Vec<bool>>,
}

impl<D> Found<'_, D> {
    fn visit(&mut self, json: &Json, path: &str) {
        if !path.is_empty() {
            let stored = self.root.group(path).is_some_and(holds_arrays);
            let places = self.stored.entry(description(json)).or_default();
            places.push(stored);
        }
        let config = &json["config"];
        if config["layer"].is_object() && !config["merge_mode"].is_string() {
            self.visit(&config["layer"], &join(path, "layer"));
        }
        let sequential = json["class_name"].as_str() == Some("Sequential");
        let mut members = Members::default();
        for layer in config["layers"].as_array().into_iter().flatten() {
            let class = layer["class_name"].as_str().unwrap_or_default();
            let module = layer["module"].as_str().unwrap_or_default();
            if module.starts_with(OPS_MODULE) || (sequential && class == "InputLayer") {
                continue;
            }
            let path = join(path, &format!("layers/{}", members.next(class, 1)));
            self.visit(layer, &path);
        }
    }
}

fn holds_arrays<D>(group: &Group<D>) -> bool {
    !group.arrays.is_empty() || group.groups.values().any(holds_arrays)
}

/// Descriptions of the layers of a legacy file that stand in several models and have exactly the same weights at each of
/// their places. Such files store a layer once for every model that it is in, and say nowhere that it is one.
pub(crate) fn stored_alike(
    model: &Json,
    file: &ArrayFile,
    root: &Group<ArrayRef>,
) -> Result<HashSet<String>> {
    let mut places: HashMap<String, Vec<Weights<'_>>> = HashMap::new();
    for layer in model["config"]["layers"].as_array().into_iter().flatten() {
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        if let Some(group) = root.groups.get(name) {
            visit_legacy(layer, group, &mut places);
        }
    }
    let mut alike = HashSet::new();
    for (description, weights) in places {
        let [first, rest @ ..] = &weights[..] else {
            continue;
        };
        let mut equal = !first.is_empty() && !rest.is_empty();
        for other in rest {
            equal = equal && are_equal(file, first, other)?;
        }
        if equal {
            alike.insert(description);
        }
    }
    Ok(alike)
}

/// Arrays of a layer by what their names say after the layer's.
type Weights<'f> = BTreeMap<String, &'f ArrayRef>;

/// Notes a layer and all layers inside it, whose weights are all in the group of the outermost one.
fn visit_legacy<'f>(
    json: &Json,
    group: &'f Group<ArrayRef>,
    places: &mut HashMap<String, Vec<Weights<'f>>>,
) {
    let config = &json["config"];
    let name = config["name"].as_str().unwrap_or_default();
    let mut weights = Weights::new();
    for weight in group.texts(WEIGHT_NAMES).unwrap_or_default() {
        let mut parts = weight.split('/');
        if parts.any(|part| part == name)
            && let Some(array) = group.array(weight)
        {
            weights.insert(parts.collect::<Vec<_>>().join("/"), array);
        }
    }
    places.entry(description(json)).or_default().push(weights);
    for layer in config["layers"].as_array().into_iter().flatten() {
        visit_legacy(layer, group, places);
    }
}

fn are_equal(file: &ArrayFile, a: &Weights<'_>, b: &Weights<'_>) -> Result<bool> {
    if !a.keys().eq(b.keys()) {
        return Ok(false);
    }
    for (a, b) in a.values().zip(b.values()) {
        if a.spec() != b.spec() || file.read(a)? != file.read(b)? {
            return Ok(false);
        }
    }
    Ok(true)
}
