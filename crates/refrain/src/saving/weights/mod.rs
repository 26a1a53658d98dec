//! Weights of models in files: where they stand, and how they are read and written.

mod keras3;
mod legacy;
mod names;
mod once;
mod optimizer;
mod places;
mod plan;
mod safetensors;

pub(crate) use keras3::{plan_keras3, weights_tree};
pub(crate) use legacy::{legacy_tree, plan_legacy};
pub(crate) use names::unique;
pub(crate) use once::{named_once, stored_alike, stored_once};
pub(crate) use optimizer::{load_legacy_optimizer, load_optimizer, optimizer_group};
pub use plan::{Placed, WeightsReport};
pub(crate) use plan::{Plan, dims as array_dims, read as read_array};
pub(crate) use safetensors::{named_weights, plan_safetensors};

use std::collections::HashSet;

use crate::saving::storage::{ArrayRef, Group};

/// All arrays of a group and the groups inside it.
pub(crate) fn all_arrays(group: &Group<ArrayRef>) -> Vec<&ArrayRef> {
    unused(group, &HashSet::new(), &|_| false)
}

/// All arrays of a group that are not among the used ones, in order of their paths.
fn unused<'g>(
    group: &'g Group<ArrayRef>,
    used: &HashSet<String>,
    skip: &dyn Fn(&str) -> bool,
) -> Vec<&'g ArrayRef> {
    let mut found = Vec::new();
    let arrays = group.arrays.values();
    found.extend(arrays.filter(|array| !used.contains(array.path())));
    for (name, inner) in &group.groups {
        if !skip(name) {
            found.extend(unused(inner, used, &|_| false));
        }
    }
    found
}
