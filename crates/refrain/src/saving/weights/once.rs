//! Layers that a model's description names several times but its file of weights holds once.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::legacy::WEIGHT_NAMES;
use super::places::{Habit, join};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::restoring::{description, identity};
use crate::names::Members;
use crate::ops;
use crate::saving::config::{is_input, is_sequential};
use refrain_storage::{ArrayFile, ArrayRef, Group};

/// Identities of layers that are described several times, by the JSON pointers to their descriptions.
pub(crate) type Identities = HashMap<String, u64>;

/// An identity that is no other's. Those that files give are small numbers, or addresses of memory.
fn new_identity(identities: &Identities) -> u64 {
    u64::MAX - identities.len() as u64
}

/// Identities of the layers that were shared by several nested models when the file was written. Keras writes such files and
/// cannot read them: it stores a layer at the first place that it comes to, and nothing at the others.
///
/// # Errors
/// Several layers that are stored before may be the one that stands at a later place.
pub(crate) fn stored_once<D>(model: &Json, root: &Group<D>) -> Result<Identities> {
    if Habit::of(root).list != Habit::KERAS_3.list {
        return Ok(Identities::new()); // such files cannot describe layers shared between models
    }
    let mut members = HashMap::new();
    shared(
        model,
        &mut |outer, layer, attribute| match attribute {
            Attribute::Of(name) => join(outer, name),
            Attribute::List(list) => {
                let members: &mut Members = members.entry(outer.to_owned()).or_default();
                let class = layer["class_name"].as_str().unwrap_or_default();
                join(outer, &format!("{list}/{}", members.next(class, 1)))
            }
        },
        &|path| root.group(path).is_some_and(holds_arrays),
    )
}

/// [`stored_once`] for files whose arrays are named by layers.
pub(crate) fn named_once<D>(model: &Json, root: &Group<D>) -> Result<Identities> {
    shared(
        model,
        &mut |outer, layer, _| join(outer, layer["config"]["name"].as_str().unwrap_or_default()),
        &|path| {
            // Names are sorted: those that begin alike stand together.
            let inside = format!("{path}/");
            let next = root.arrays.range(inside.clone()..).next();
            next.is_some_and(|(name, _)| name.starts_with(&inside))
        },
    )
}

/// Where a layer holds another: under an attribute, or in a list under one.
#[derive(Clone, Copy)]
enum Attribute {
    Of(&'static str),
    List(&'static str),
}

/// The path of a layer inside another.
type PathOf<'p> = &'p mut dyn FnMut(&str, &Json, Attribute) -> String;

fn shared(
    model: &Json,
    path_of: PathOf<'_>,
    is_stored: &dyn Fn(&str) -> bool,
) -> Result<Identities> {
    let mut search = Search {
        path_of,
        is_stored,
        stored: HashMap::new(),
        identities: Identities::new(),
    };
    search.visit(model, "", "")?;
    Ok(search.identities)
}

/// A search for the layers that stand at places where nothing is stored.
struct Search<'p> {
    path_of: PathOf<'p>,
    is_stored: &'p dyn Fn(&str) -> bool,
    /// Paths and JSON pointers of the layers that are stored, by their descriptions.
    stored: HashMap<String, Vec<(String, String)>>,
    identities: Identities,
}

impl Search<'_> {
    /// Visits a layer and all inside it, in the order in which Keras stores them.
    fn visit(&mut self, json: &Json, path: &str, pointer: &str) -> Result<()> {
        if !path.is_empty() {
            let stored = self.stored.entry(description(json)).or_default();
            if (self.is_stored)(path) {
                stored.push((path.to_owned(), pointer.to_owned()));
            } else if let Some((found, first)) = stored.first().cloned() {
                self.check(json, path, &found)?;
                let new = new_identity(&self.identities);
                let id = *self.identities.entry(first).or_insert(new);
                self.identities.insert(pointer.to_owned(), id);
                return Ok(()); // what is inside it is one as well
            }
        }
        for (layer, inner, attribute) in members(json) {
            let path = (self.path_of)(path, layer, attribute);
            self.visit(layer, &path, &format!("{pointer}{inner}"))?;
        }
        Ok(())
    }

    /// Makes sure that a layer can be no other than that stored at a path, and each one inside it none but one in there.
    fn check(&self, json: &Json, path: &str, found: &str) -> Result<()> {
        let stored = self.stored.get(&description(json));
        let stored = stored.filter(|stored| stored.len() > 1);
        let inside = format!("{found}/");
        let other = |(p, _): &&(String, String)| p != found && !p.starts_with(&inside);
        if let Some((other, _)) = stored.and_then(|stored| stored.iter().find(other)) {
            let name = json["config"]["name"].as_str().unwrap_or_default();
            let message = format!(
                "nothing is stored of layer `{name}` in `{path}`: it may be that at `{found}` as well as that at `{other}`, \
                 which are described alike"
            );
            return Err(Error::new(ErrorKind::Unsupported, message)
                .hint("Give the layers names of their own and save the model again"));
        }
        members(json).try_for_each(|(layer, ..)| self.check(layer, path, found))
    }
}

/// The layers inside another that are stored by themselves, with the pointers to them and the attributes that hold them.
fn members(json: &Json) -> impl Iterator<Item = (&Json, String, Attribute)> {
    let config = &json["config"];
    let wrapped = Some(&config["layer"]).filter(|layer| {
        // Bidirectional layers have copies of it.
        layer.is_object() && config.get("merge_mode").is_none()
    });
    let cell = Some(&config["cell"]).filter(|cell| cell.is_object());
    let wrapped = wrapped.map(|layer| (layer, "/config/layer".to_owned(), Attribute::Of("layer")));
    let cell = cell.map(|cell| (cell, "/config/cell".to_owned(), Attribute::Of("cell")));
    let cells = config["cells"].as_array().into_iter().flatten().enumerate();
    let cells = cells.map(|(i, cell)| {
        let pointer = format!("/config/cells/{i}");
        (cell, pointer, Attribute::List("cells"))
    });
    let sequential = is_sequential(json);
    let listed = config["layers"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate();
    let listed = listed.filter(move |(_, layer)| {
        let module = layer["module"].as_str().unwrap_or_default();
        let left_out = ops::is_module(module) || (sequential && is_input(layer));
        !left_out
    });
    let listed = listed.map(|(i, layer)| {
        let pointer = format!("/config/layers/{i}");
        (layer, pointer, Attribute::List("layers"))
    });
    wrapped.into_iter().chain(cell).chain(cells).chain(listed)
}

fn holds_arrays<D>(group: &Group<D>) -> bool {
    !group.arrays.is_empty() || group.groups.values().any(holds_arrays)
}

/// The layers of a legacy file that stand in several models and that no identity says to be one. Such files store a layer
/// once for every layer of the outermost model that it is in.
#[derive(Default)]
pub(crate) struct Alike {
    /// Identities for those that have the same arrays, which only one layer does.
    pub(crate) same: Identities,
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
    for (layer, pointer) in inner(model, "") {
        let name = layer["config"]["name"].as_str().unwrap_or_default();
        places.visit(layer, &pointer, root.group(name));
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
        for stored in several.into_iter().filter(|s| s.pointers.len() > 1) {
            let id = new_identity(&alike.same);
            let pointers = stored.pointers.iter();
            alike
                .same
                .extend(pointers.map(|pointer| (pointer.clone(), id)));
        }
    }
    Ok(alike)
}

/// Arrays of a layer by what their names say after the layer's.
type Weights<'f> = BTreeMap<String, &'f ArrayRef>;

/// Arrays of a file and the pointers to the layers that have them.
struct Stored<'f> {
    weights: Weights<'f>,
    pointers: Vec<String>,
}

/// The layers of a description with arrays and without an identity: by their descriptions, and by the paths of their arrays.
#[derive(Default)]
struct Places<'f> {
    stored: HashMap<String, BTreeMap<Vec<String>, Stored<'f>>>,
}

impl<'f> Places<'f> {
    /// Notes a layer and all layers inside it, whose weights are all in the group of the outermost one.
    fn visit(&mut self, json: &Json, pointer: &str, group: Option<&'f Group<ArrayRef>>) {
        if let Some(group) = group.filter(|_| identity(json).is_none()) {
            self.note(json, pointer, group);
        }
        inner(json, pointer).for_each(|(layer, pointer)| self.visit(layer, &pointer, group));
    }

    fn note(&mut self, json: &Json, pointer: &str, group: &'f Group<ArrayRef>) {
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
            pointers: Vec::new(),
        });
        stored.pointers.push(pointer.to_owned());
    }
}

/// The layers inside a model, with the pointers to them.
fn inner<'j>(json: &'j Json, pointer: &str) -> impl Iterator<Item = (&'j Json, String)> {
    let layers = json["config"]["layers"].as_array().into_iter().flatten();
    let pointers = (0..).map(move |i| format!("{pointer}/config/layers/{i}"));
    layers.zip(pointers)
}

/// Writes identities into a model's descriptions of its layers.
pub(crate) fn identify(model: &mut Json, identities: &Identities) {
    for (pointer, &id) in identities {
        if let Some(layer) = model.pointer_mut(pointer).and_then(Json::as_object_mut) {
            layer.insert("shared_object_id".to_owned(), id.into());
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrappers_store_their_layer_but_for_those_with_copies_of_it() {
        let lstm = json!({ "class_name": "LSTM", "config": { "name": "lstm" } });
        let stored = |config: Json| members(&json!({ "config": config })).count();
        assert_eq!(stored(json!({ "layer": lstm })), 1);
        assert_eq!(stored(json!({ "layer": lstm, "merge_mode": "sum" })), 0);
        assert_eq!(stored(json!({ "layer": lstm, "merge_mode": null })), 0);
    }
}
