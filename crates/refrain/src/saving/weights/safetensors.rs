//! Weights in a safetensors file: one tensor for each variable, under the names of layers.

use std::collections::HashSet;

use super::places::{Habit, places};
use super::plan::{Target, WeightPlan};
use super::unused;
use crate::models::Model;
use crate::variable::Variable;
use refrain_storage::{ArrayRef, Group};

/// The variables of a model under their names in such a file: the names of the models and layers that own them, then the
/// variable's, with slashes between: `encoder/lstm/lstm_cell/kernel`.
pub(crate) fn named_weights(model: &Model) -> Vec<(String, Variable)> {
    let places = places(model, Habit::KERAS_3);
    let named = places.iter().flat_map(|place| {
        let key = &place.key;
        let variables = place.variables.iter();
        variables.map(move |v| (format!("{key}/{}", v.name()), v.clone()))
    });
    named.collect()
}

/// Pairs the tensors of such a file with a model's variables.
pub(crate) fn plan_safetensors(model: &Model, root: &Group<ArrayRef>) -> WeightPlan {
    let mut plan = WeightPlan::new("safetensors, named by layers");
    let mut used = HashSet::new();
    for place in places(model, Habit::KERAS_3) {
        for variable in &place.variables {
            let path = format!("{}/{}", place.key, variable.name());
            let array = root.arrays.get(&path).or_else(|| root.array(&path));
            used.extend(array.map(|a| a.path().to_owned()));
            let target = Target {
                variable: variable.clone(),
                layer: place.layer.clone(),
                class: place.class.clone(),
            };
            plan.place(&target, &path, array);
        }
    }
    let stray = unused(root, &used, &|_| false);
    stray.into_iter().for_each(|array| plan.unused(array));
    plan
}
