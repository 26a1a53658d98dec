//! Layers that a model's description names several times but its file of weights holds once.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::legacy::WEIGHT_NAMES;
use super::places::{Habit, Members, join};
use crate::error::Result;
use crate::layers::registry::OPS_MODULE;
use crate::layers::restoring::{description, identity};
use crate::saving::storage::{ArrayFile, ArrayRef, Group};

/// Descriptions of the layers that are stored at some of their places and missing at others: they were one layer when the
/// file was written, shared by several nested models. Keras writes such files and cannot read them.
pub(crate) fn stored_once<D>(model: &Json, root: &Group<D>) -> HashSet<String> {
    if Habit::of(root).list != Habit::KERAS_3.list {
        return HashSet::new(); // such files cannot describe layers shared between models
    }
    let mut members = HashMap::new();
    partly_stored(
        model,
        &mut |outer, layer, attribute| {
            if let Some(attribute) = attribute {
                return join(outer, attribute);
            }
            let members: &mut Members = members.entry(outer.to_owned()).or_default();
            let class = layer["class_name"].as_str().unwrap_or_default();
            join(outer, &format!("layers/{}", members.next(class, 1)))
        },
        &|path| root.group(path).is_some_and(holds_arrays),
    )
}

/// [`stored_once`] for files whose arrays are named by layers.
pub(crate) fn named_once<D>(model: &Json, root: &Group<D>) -> HashSet<String> {
    partly_stored(
        model,
        &mut |outer, layer, _| join(outer, layer["config"]["name"].as_str().unwrap_or_default()),
        &|path| {
            root.arrays
                .keys()
                .any(|name| name.starts_with(&format!("{path}/")))
        },
    )
}

/// The path of a layer inside another: of a member of its list, or of the layer that it wraps under an attribute.
type PathOf<'p> = &'p mut dyn FnMut(&str, &Json, Option<&str>) -> String;

/// Descriptions of layers that are stored at some of their paths only.
fn partly_stored(
    model: &Json,
    path_of: PathOf<'_>,
    is_stored: &dyn Fn(&str) -> bool,
) -> HashSet<String> {
    let mut places: HashMap<String, Vec<bool>> = HashMap::new();
    visit(model, "", path_of, &mut |layer, path| {
        let stored = places.entry(description(layer)).or_default();
        stored.push(is_stored(path));
    });
    let partly = |stored: &Vec<bool>| stored.contains(&true) && stored.contains(&false);
    let partly = places.into_iter().filter(|(_, stored)| partly(stored));
    partly.map(|(description, _)| description).collect()
}

/// Visits all layers inside a model, with their paths.
fn visit(json: &Json, path: &str, path_of: PathOf<'_>, found: &mut dyn FnMut(&Json, &str)) {
    if !path.is_empty() {
        found(json, path);
    }
    let config = &json["config"];
    if config["layer"].is_object() && !config["merge_mode"].is_string() {
        let inner = path_of(path, &config["layer"], Some("layer"));
        visit(&config["layer"], &inner, path_of, found);
    }
    let sequential = json["class_name"].as_str() == Some("Sequential");
    for layer in config["layers"].as_array().into_iter().flatten() {
        let class = layer["class_name"].as_str().unwrap_or_default();
        let module = layer["module"].as_str().unwrap_or_default();
        if module.starts_with(OPS_MODULE) || (sequential && class == "InputLayer") {
            continue;
        }
        let path = path_of(path, layer, None);
        visit(layer, &path, path_of, found);
    }
}

fn holds_arrays<D>(group: &Group<D>) -> bool {
    !group.arrays.is_empty() || group.groups.values().any(holds_arrays)
}

/// Descriptions of layers of a legacy file that stand in several models and that no identity says to be one.
#[derive(Default)]
pub(crate) struct Alike {
    /// Those that share arrays between places, which only one layer does.
    pub(crate) one: HashSet<String>,
    /// Those with equal arrays at each place. They may be one layer as well as several that are equal, such as a network and
    /// its copy.
    pub(crate) equal: HashSet<String>,
}

/// The layers of a legacy file that stand in several models with the same weights. Such files store a layer once for every
/// layer of the outermost model that it is in.
pub(crate) fn stored_alike(
    model: &Json,
    file: &ArrayFile,
    root: &Group<ArrayRef>,
) -> Result<Alike> {
    let mut places: HashMap<String, Vec<Weights<'_>>> = HashMap::new();
    for layer in model["config"]["layers"].as_array().into_iter().flatten() {
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        if let Some(group) = root.group(name) {
            visit_legacy(layer, group, &mut places);
        }
    }
    let mut alike = Alike::default();
    for (description, weights) in places {
        let [first, rest @ ..] = &weights[..] else {
            continue;
        };
        if first.arrays.is_empty() || rest.is_empty() {
            continue;
        }
        let mut equal = true;
        for other in rest {
            equal = equal && are_equal(file, first, other)?;
        }
        let mut later = weights.iter().enumerate();
        let one = later.any(|(i, a)| weights[i + 1..].iter().any(|b| a.are_those_of(b)));
        match (equal, one) {
            (true, true) => alike.one.insert(description),
            (true, false) => alike.equal.insert(description),
            (false, _) => continue,
        };
    }
    Ok(alike)
}

/// Arrays of a layer by what their names say after the layer's.
#[derive(Default)]
struct Weights<'f> {
    arrays: BTreeMap<String, &'f ArrayRef>,
    /// Whether several arrays have one such name: another layer has the layer's name.
    ambiguous: bool,
}

impl Weights<'_> {
    fn are_those_of(&self, other: &Weights<'_>) -> bool {
        let paths = |weights: &Weights<'_>| -> Vec<String> {
            let arrays = weights.arrays.values();
            arrays.map(|array| array.path().to_owned()).collect()
        };
        !self.ambiguous && !other.ambiguous && paths(self) == paths(other)
    }
}

/// Notes a layer and all layers inside it, whose weights are all in the group of the outermost one.
fn visit_legacy<'f>(
    json: &Json,
    group: &'f Group<ArrayRef>,
    places: &mut HashMap<String, Vec<Weights<'f>>>,
) {
    let config = &json["config"];
    let name = config["name"].as_str().unwrap_or_default();
    let mut weights = Weights::default();
    for weight in group.texts(WEIGHT_NAMES).unwrap_or_default() {
        let mut parts = weight.split('/');
        if parts.any(|part| part == name)
            && let Some(array) = group.array(weight)
        {
            let name = parts.collect::<Vec<_>>().join("/");
            weights.ambiguous |= weights.arrays.insert(name, array).is_some();
        }
    }
    if identity(json).is_none() {
        places.entry(description(json)).or_default().push(weights);
    }
    for layer in config["layers"].as_array().into_iter().flatten() {
        visit_legacy(layer, group, places);
    }
}

fn are_equal(file: &ArrayFile, a: &Weights<'_>, b: &Weights<'_>) -> Result<bool> {
    if !a.arrays.keys().eq(b.arrays.keys()) {
        return Ok(false);
    }
    for (a, b) in a.arrays.values().zip(b.arrays.values()) {
        if a.spec() != b.spec() || file.read(a)? != file.read(b)? {
            return Ok(false);
        }
    }
    Ok(true)
}
