//! `model.weights.h5`: Keras 3's layout, which TensorFlow's Keras 2.12 to 2.15 nearly has.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::places::{Habit, VariablePlace, join, places};
use super::plan::{Target, WeightPlan};
use super::{optimizer_group, unused};
use crate::error::Result;
use crate::models::Model;
use refrain_graph::Literal;
use refrain_storage::{ArrayRef, Attribute, Group};

/// Groups of a model that hold the state of its training, not weights: of the outermost model, and of every model inside it
/// that was ever compiled by itself.
const TRAINING: [&str; 10] = [
    "optimizer",
    "loss",
    "metrics",
    "_metrics",
    "compile_metrics",
    "_compile_metrics",
    "compiled_metrics",
    "_compile_loss",
    "loss_tracker",
    "_loss_tracker",
];

/// Where the variables of an object stand below its group.
const VARS: &str = "vars";

/// Pairs the arrays of such a file with a model's variables: by their paths, or by the names of layers.
pub(crate) fn plan_keras3(model: &Model, root: &Group<ArrayRef>, by_name: bool) -> WeightPlan {
    let habit = Habit::of(root);
    let mut plan = WeightPlan::new(habit.describe());
    let mut used = HashSet::new();
    let mut training = HashSet::new();
    let named = by_name.then(|| groups_by_name(root));
    for place in places(model, habit) {
        // The place of a layer whose name the file does not have may be another layer's there.
        let (path, there) = match named.as_ref().map(|named| find(named, &place)) {
            Some(Some(path)) => (path, true),
            Some(None) => (place.path.clone(), false),
            None => (place.path.clone(), true),
        };
        let arrays = there.then_some(root);
        pair(&mut plan, &mut used, arrays, &place, &path);
        if place.is_model {
            training.extend(TRAINING.map(|group| join(&path, group)));
        }
    }
    let skip = |path: &str| training.contains(path);
    unused(root, &used, &skip)
        .into_iter()
        .for_each(|array| plan.unused(array));
    plan
}

fn pair(
    plan: &mut WeightPlan,
    used: &mut HashSet<String>,
    root: Option<&Group<ArrayRef>>,
    place: &VariablePlace,
    path: &str,
) {
    for (i, variable) in place.variables.iter().enumerate() {
        let path = join(path, &format!("{VARS}/{i}"));
        let array = root.and_then(|root| root.array(&path));
        used.extend(array.map(|a| a.path().to_owned()));
        let target = Target {
            variable: variable.clone(),
            layer: place.layer.clone(),
            class: place.class.clone(),
        };
        plan.place(&target, &path, array);
    }
}

/// Where a place is by its name; an inner part of a layer, which may have any name, by that of the layer.
fn find(named: &HashMap<String, String>, place: &VariablePlace) -> Option<String> {
    let inside = || {
        let (_, part) = place.path.rsplit_once('/')?;
        let layer = named
            .get(&place.layer)
            .filter(|_| place.key != place.layer)?;
        Some(join(layer, part))
    };
    named.get(&place.key).cloned().or_else(inside)
}

/// Paths of groups by the names that Keras wrote beside their variables, behind those of the models around them.
fn groups_by_name(root: &Group<ArrayRef>) -> HashMap<String, String> {
    fn visit(
        group: &Group<ArrayRef>,
        path: &str,
        outer: &str,
        found: &mut HashMap<String, String>,
    ) {
        let name = group.groups.get(VARS).and_then(|vars| vars.text("name"));
        let name = match (path, name) {
            ("", _) => String::new(),
            (_, Some(name)) => join(outer, name),
            (_, None) => outer.to_owned(),
        };
        if !name.is_empty() {
            found.entry(name.clone()).or_insert_with(|| path.to_owned());
        }
        for (key, inner) in group.groups.iter().filter(|(key, _)| *key != VARS) {
            visit(inner, &join(path, key), &name, found);
        }
    }
    let mut found = HashMap::new();
    visit(root, "", "", &mut found);
    found
}

/// A model's weights, and its optimizer's variables if it is compiled, as Keras 3 lays them out.
pub(crate) fn weights_tree(model: &Model) -> Result<Group<Literal>> {
    let mut root = Group::default();
    for place in places(model, Habit::KERAS_3) {
        let values = place.variables.iter().map(|v| v.value());
        let values = values.collect::<Result<Vec<_>>>()?;
        *root.group_mut(&join(&place.path, VARS)) = vars(&place.name, values);
    }
    if let Some(group) = optimizer_group(model)? {
        *root.group_mut(&format!("optimizer/{VARS}")) = vars(&group.name, group.values);
    }
    Ok(root)
}

/// The group of an object's variables.
fn vars(name: &str, values: Vec<Literal>) -> Group<Literal> {
    let arrays = values.into_iter().enumerate();
    let name = Attribute::Text(name.to_owned());
    Group {
        attributes: BTreeMap::from([("name".to_owned(), name)]),
        arrays: arrays.map(|(i, value)| (i.to_string(), value)).collect(),
        groups: BTreeMap::new(),
    }
}
