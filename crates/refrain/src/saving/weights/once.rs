//! Layers that a model's description names several times but its file of weights holds once.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::places::{Habit, Members, join};
use crate::layers::registry::OPS_MODULE;
use crate::layers::restoring::description;
use crate::saving::storage::Group;

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
