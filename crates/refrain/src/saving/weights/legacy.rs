//! The weights of legacy `.h5` files: a group for each layer of the model, named as the layer, with lists of names.

use std::collections::HashSet;

use refrain_graph::Literal;
use serde_json::Value as Json;

use super::plan::{Target, WeightPlan, dims};
use super::{unique, unused};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::models::Model;
use crate::saving::config::is_sequential;
use crate::variable::Variable;
use refrain_storage::{ArrayRef, Attribute, Group};

/// The attribute that lists a model's layers.
pub(crate) const LAYER_NAMES: &str = "layer_names";
/// The attribute that lists a layer's weights.
pub(crate) const WEIGHT_NAMES: &str = "weight_names";
/// A layer's arrays by their names.
struct Stored<'f> {
    name: String,
    weights: Vec<(String, &'f ArrayRef)>,
}

/// Pairs the arrays below a group with `layer_names` with a model's variables.
pub(crate) fn plan_legacy(
    model: &Model,
    root: &Group<ArrayRef>,
    by_name: bool,
) -> Result<WeightPlan> {
    let stored = stored_layers(root)?;
    let layers = listed(model);
    let named = |layer: &AnyLayer| stored.iter().find(|s| s.name == layer.get_name());
    let all_named = layers.iter().all(|l| named(l).is_some());
    let mut plan = WeightPlan::new(match all_named || by_name {
        true => "legacy HDF5, layers by their names",
        false => "legacy HDF5, layers in their order",
    });
    let mut used = HashSet::new();
    for (i, layer) in layers.iter().enumerate() {
        let found = match all_named || by_name {
            true => named(layer),
            false => stored.get(i),
        };
        let weights = found.map_or(&[][..], |s| &s.weights);
        let name = found.map_or(layer.get_name(), |s| &s.name);
        pair(&mut plan, &mut used, layer, name, weights);
    }
    // Names of layers of Keras 2 may have slashes: groups inside groups.
    let first = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
    let listed: HashSet<String> = stored.iter().map(|s| first(&s.name)).collect();
    // Other groups hold the optimizer's variables, or weights of no layer.
    let skip = |path: &str| !path.contains('/') && !listed.contains(path) && path != TOP_LEVEL;
    let stray = unused(root, &used, &skip);
    stray.into_iter().for_each(|array| plan.unused(array));
    Ok(plan)
}

/// The group of a model's own variables, which graphs of layers do not have.
const TOP_LEVEL: &str = "top_level_model_weights";

/// The layers that have weights, as such files list them.
fn listed(model: &Model) -> Vec<AnyLayer> {
    let mut layers = model.layers();
    layers.retain(|l| !l.weights().is_empty());
    layers
}

/// The layers of a file that have weights.
fn stored_layers(root: &Group<ArrayRef>) -> Result<Vec<Stored<'_>>> {
    let missing = |what: String| Error::new(ErrorKind::Io, format!("the file is damaged: {what}"));
    let names = root.texts(LAYER_NAMES);
    let names = names.ok_or_else(|| missing(format!("it has no `{LAYER_NAMES}`")))?;
    let mut all = Vec::new();
    for name in names {
        let Some(group) = root.group(name) else {
            return Err(missing(format!(
                "it lists layer `{name}` and has no group for it"
            )));
        };
        let mut weights = Vec::new();
        for weight in group.texts(WEIGHT_NAMES).unwrap_or_default() {
            let array = group.array(weight).ok_or_else(|| {
                missing(format!(
                    "it lists weight `{weight}` of layer `{name}` and does not hold it"
                ))
            })?;
            weights.push((weight.to_owned(), array));
        }
        if !weights.is_empty() {
            let name = name.to_owned();
            all.push(Stored { name, weights });
        }
    }
    Ok(all)
}

/// A layer's variables as such files order them: those that train, then the others.
fn variables(layer: &AnyLayer) -> Vec<Variable> {
    let mut all = layer.trainable_weights();
    all.extend(layer.non_trainable_weights());
    all
}

fn pair(
    plan: &mut WeightPlan,
    used: &mut HashSet<String>,
    layer: &AnyLayer,
    group: &str,
    weights: &[(String, &ArrayRef)],
) {
    let variables = variables(layer);
    let order = by_names(&variables, weights).unwrap_or_else(|| (0..variables.len()).collect());
    for (variable, position) in variables.iter().zip(order) {
        let found = weights.get(position);
        let path = found.map_or_else(
            || format!("{group}/{}", variable.path()),
            |(_, array)| array.path().to_owned(),
        );
        let array = found.map(|(_, array)| *array);
        used.extend(array.map(|a| a.path().to_owned()));
        let target = Target {
            variable: variable.clone(),
            layer: layer.get_name().to_owned(),
            class: layer.class_name().to_owned(),
        };
        plan.place(&target, &path, array);
    }
}

/// For each variable the position of the weight of its name, if names and shapes fit one to one. Otherwise the order
/// decides, as in Keras.
fn by_names(variables: &[Variable], weights: &[(String, &ArrayRef)]) -> Option<Vec<usize>> {
    if variables.len() != weights.len() {
        return None;
    }
    let mut taken = HashSet::new();
    let find = |variable: &Variable| {
        let own = plain(variable.path());
        let fits = |name: &str| {
            let name = plain(name);
            name == own || own.ends_with(&format!("/{name}")) || name.ends_with(&format!("/{own}"))
        };
        let mut fitting = weights
            .iter()
            .enumerate()
            .filter(|(_, (name, _))| fits(name));
        let (position, (_, array)) = fitting.next()?;
        let only = fitting.next().is_none() && dims(array) == variable.shape();
        (only && taken.insert(position)).then_some(position)
    };
    variables.iter().map(find).collect()
}

/// A weight's name without TensorFlow's number of the output: `dense/kernel:0` is `dense/kernel`.
fn plain(name: &str) -> &str {
    name.strip_suffix(":0").unwrap_or(name)
}

/// The layers, by their names in the file, whose weights Keras 3 takes to be in another order than that of the file: it opens a
/// frozen `Sequential` as one that trains, in which layers that train come before those that do not.
pub(crate) fn reordered_by_keras(model: &Model, description: &Json) -> Vec<String> {
    let functional = model.functional();
    let described = description["config"]["layers"].as_array();
    let frozen: HashSet<&str> = described
        .into_iter()
        .flatten()
        .filter(|l| is_sequential(l) && l["config"]["trainable"] == false)
        .filter_map(|l| l["config"]["name"].as_str())
        .collect();
    let differs = |layer: &AnyLayer| {
        let weights = layer.weights();
        let frozen = weights.iter().skip_while(|w| w.trainable());
        frozen.into_iter().any(Variable::trainable)
    };
    let layers = functional.operations.iter().zip(functional.written_names());
    let differing = layers.filter(|(layer, name)| frozen.contains(&**name) && differs(layer));
    differing.map(|(_, name)| name).collect()
}

/// A model's weights as such files hold them, below `model_weights`.
pub(crate) fn legacy_tree(model: &Model) -> Result<Group<Literal>> {
    let mut root = Group::default();
    let functional = model.functional();
    let layers = functional.operations.iter().zip(functional.written_names());
    let layers: Vec<_> = layers.filter(|(l, _)| functional.is_listed(l)).collect();
    for (layer, written) in &layers {
        let variables = variables(layer);
        let names: Vec<String> = unique(variables.iter().map(|v| v.path().to_owned()).collect());
        let mut group = Group::default();
        for (variable, name) in variables.iter().zip(&names) {
            let (inner, last) = name.rsplit_once('/').unwrap_or(("", name));
            let group: &mut Group<Literal> = group.group_mut(inner);
            group.arrays.insert(last.to_owned(), variable.value()?);
        }
        let names = Attribute::Texts(names);
        group.attributes.insert(WEIGHT_NAMES.to_owned(), names);
        root.groups.insert(written.clone(), group);
    }
    let text = |t: &str| Attribute::Text(t.to_owned());
    let names = layers.into_iter().map(|(_, written)| written).collect();
    root.attributes
        .insert(LAYER_NAMES.to_owned(), Attribute::Texts(names));
    root.attributes.insert("backend".to_owned(), text("jax"));
    root.attributes.insert(
        "keras_version".to_owned(),
        text(crate::saving::KERAS_VERSION),
    );
    let mut own: Group<Literal> = Group::default();
    own.attributes
        .insert(WEIGHT_NAMES.to_owned(), Attribute::Texts(Vec::new()));
    root.groups.insert(TOP_LEVEL.to_owned(), own);
    Ok(root)
}
