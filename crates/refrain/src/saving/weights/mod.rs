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
pub(crate) use legacy::{legacy_tree, plan_legacy, reordered_by_keras};
pub(crate) use names::unique;
pub(crate) use once::{Identities, identify, named_once, stored_alike, stored_once};
pub(crate) use optimizer::{
    OptimizerGroup, load_legacy_optimizer, load_optimizer, optimizer_group, stored_optimizer,
};
pub use plan::{Placed, WeightsReport};
pub(crate) use plan::{WeightPlan, dims as array_dims, read as read_array};
pub(crate) use safetensors::{named_weights, plan_safetensors};

use std::collections::HashSet;

use refrain_storage::{ArrayRef, Group};

/// All arrays of a group and the groups inside it.
pub(crate) fn all_arrays(group: &Group<ArrayRef>) -> Vec<&ArrayRef> {
    unused(group, &HashSet::new(), &|_| false)
}

/// All arrays of a group that are not among the used ones, in order of their paths. The paths of groups to be skipped begin at
/// the group.
fn unused<'g>(
    group: &'g Group<ArrayRef>,
    used: &HashSet<String>,
    skip: &dyn Fn(&str) -> bool,
) -> Vec<&'g ArrayRef> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), group)];
    while let Some((path, group)) = waiting.pop() {
        let arrays = group.arrays.values();
        found.extend(arrays.filter(|array| !used.contains(array.path())));
        let inner = group.groups.iter().rev();
        let inner = inner.map(|(name, inner)| (places::join(&path, name), inner));
        waiting.extend(inner.filter(|(path, _)| !skip(path)));
    }
    found
}
