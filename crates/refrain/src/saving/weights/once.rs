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

/// The layers of a legacy file that stand in several models and that no identity says to be one. Such files store a layer
/// once for every layer of the outermost model that it is in.
#[derive(Default)]
pub(crate) struct Alike {
    /// Identities for those that have the same arrays, which only one layer does, by their positions in the description.
    pub(crate) same: HashMap<usize, u64>,
    /// Descriptions of those with equal arrays. They may be one layer as well as several that are equal, such as a network and
    /// its copy.
    pub(crate) equal: HashSet<String>,
}

/// Finds layers with the same weights. `share`: those with equal arrays are to be one.
pub(crate) fn stored_alike(
    model: &Json,
    file: &ArrayFile,
    root: &Group<ArrayRef>,
    share: bool,
) -> Result<Alike> {
    let mut places = Places::default();
    for layer in inner(model) {
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        places.visit(layer, root.group(name));
    }
    let mut alike = Alike::default();
    for (description, stored) in places.stored {
        let several: Vec<&Stored<'_>> = stored.values().collect();
        if let [first, rest @ ..] = &several[..]
            && !rest.is_empty()
        {
            let mut equal = true;
            for other in rest {
                equal = equal && are_equal(file, &first.weights, &other.weights)?;
            }
            if equal {
                alike.equal.insert(description);
                if share {
                    continue;
                }
            }
        }
        for stored in several.into_iter().filter(|s| s.positions.len() > 1) {
            // Identities that a file gives are small numbers, or addresses of memory.
            let id = u64::MAX - alike.same.len() as u64;
            let positions = stored.positions.iter();
            alike.same.extend(positions.map(|&position| (position, id)));
        }
    }
    Ok(alike)
}

/// Arrays of a layer by what their names say after the layer's.
type Weights<'f> = BTreeMap<String, &'f ArrayRef>;

/// Arrays of a file and the positions of the layers that have them.
struct Stored<'f> {
    weights: Weights<'f>,
    positions: Vec<usize>,
}

/// The layers of a description with arrays and without an identity: by their descriptions, and by the paths of their arrays.
#[derive(Default)]
struct Places<'f> {
    position: usize,
    stored: HashMap<String, BTreeMap<Vec<String>, Stored<'f>>>,
}

impl<'f> Places<'f> {
    /// Notes a layer and all layers inside it, whose weights are all in the group of the outermost one.
    fn visit(&mut self, json: &Json, group: Option<&'f Group<ArrayRef>>) {
        if let Some(group) = group.filter(|_| identity(json).is_none()) {
            self.note(json, group);
        }
        self.position += 1;
        inner(json).for_each(|layer| self.visit(layer, group));
    }

    fn note(&mut self, json: &Json, group: &'f Group<ArrayRef>) {
        let name = json["config"]["name"].as_str().unwrap_or_default();
        let mut weights = Weights::new();
        for weight in group.texts(WEIGHT_NAMES).unwrap_or_default() {
            let mut parts = weight.split('/');
            let (true, Some(array)) = (parts.any(|part| part == name), group.array(weight)) else {
                continue;
            };
            let rest = parts.collect::<Vec<_>>().join("/");
            if weights.insert(rest, array).is_some() {
                return; // another layer has the layer's name: nothing tells which array is whose
            }
        }
        if weights.is_empty() {
            return;
        }
        let paths = weights.values().map(|array| array.path().to_owned());
        let places = self.stored.entry(description(json)).or_default();
        let stored = places.entry(paths.collect()).or_insert(Stored {
            weights,
            positions: Vec::new(),
        });
        stored.positions.push(self.position);
    }
}

/// The layers inside a model.
fn inner(json: &Json) -> impl Iterator<Item = &Json> {
    json["config"]["layers"].as_array().into_iter().flatten()
}

/// Writes identities into the descriptions at these positions.
pub(crate) fn identify(model: &mut Json, identities: &HashMap<usize, u64>) {
    fn give(json: &mut Json, position: &mut usize, identities: &HashMap<usize, u64>) {
        let config = json.get_mut("config");
        let layers = config.and_then(|config| config.get_mut("layers")?.as_array_mut());
        for layer in layers.into_iter().flatten() {
            if let (Some(&id), Some(layer)) = (identities.get(position), layer.as_object_mut()) {
                layer.insert("shared_object_id".to_owned(), id.into());
            }
            *position += 1;
            give(layer, position, identities);
        }
    }
    give(model, &mut 0, identities);
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
