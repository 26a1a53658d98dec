//! Layers that stand in several models or wrappers at once, which Keras writes and does not read.

use std::collections::{HashMap, HashSet};

use super::functional::Functional;
use crate::layers::AnyLayer;
use crate::layers::node::Node;

/// A layer, and the nested models and wrappers that it stands in.
pub(crate) struct Shared {
    pub(crate) layer: AnyLayer,
    holders: Vec<AnyLayer>,
}

/// The layers with weights or other state that a model holds in several places, each once. Files of Keras describe such a
/// layer once for each place, and Keras makes a layer of each description.
pub(crate) fn held_twice(model: &AnyLayer) -> Vec<Shared> {
    held_twice_without(model, &HashSet::new())
}

/// [`held_twice`] if these nested models were taken apart.
pub(crate) fn held_twice_without(model: &AnyLayer, apart: &HashSet<usize>) -> Vec<Shared> {
    let mut holders = Holders {
        apart,
        found: Vec::new(),
        positions: HashMap::new(),
    };
    holders.visit(model, model);
    let found = holders.found.into_iter();
    let twice = found.filter(|shared| shared.holders.len() > 1 && has_state(&shared.layer));
    twice.collect()
}

struct Holders<'a> {
    apart: &'a HashSet<usize>,
    found: Vec<Shared>,
    positions: HashMap<usize, usize>,
}

impl Holders<'_> {
    /// Notes that the layers of a model or wrapper are held by it, or by what it is taken apart into.
    fn visit(&mut self, outer: &AnyLayer, holder: &AnyLayer) {
        for (_, layer) in outer.sublayers() {
            if self.apart.contains(&layer.id()) {
                self.visit(&layer, holder);
                continue;
            }
            let next = self.found.len();
            let position = *self.positions.entry(layer.id()).or_insert(next);
            if position == next {
                self.found.push(Shared {
                    layer: layer.clone(),
                    holders: Vec::new(),
                });
                self.visit(&layer, &layer);
            }
            let holders = &mut self.found[position].holders;
            if !holders.contains(holder) {
                holders.push(holder.clone());
            }
        }
    }
}

fn has_state(layer: &AnyLayer) -> bool {
    let mut found = false;
    layer.visit_layers(&mut |l| found |= !l.kept_variables().is_empty());
    found
}

/// The nested models that have to be taken apart for each layer to stand in one model. Layers in wrappers remain.
pub(crate) fn to_take_apart(model: &AnyLayer) -> HashSet<usize> {
    let mut apart = HashSet::new();
    loop {
        let mut next = apart.clone();
        for shared in held_twice_without(model, &apart) {
            let models = shared.holders.iter().filter(|h| h.is_model());
            let models: Vec<&AnyLayer> = models.collect();
            // One that holds all others can stay as it is.
            let whole = models.iter().find(|outer| {
                let mut others = models.iter().filter(|m| m != outer);
                others.all(|inner| holds(outer, inner))
            });
            let others = models.iter().filter(|m| whole != Some(m) && *m != &model);
            next.extend(
                others
                    .filter(|m| can_be_taken_apart(model, m))
                    .map(|m| m.id()),
            );
        }
        if next.len() == apart.len() {
            return apart;
        }
        apart = next;
    }
}

/// The nested models that put masks together as Keras 2 does, as far as they can be taken apart.
pub(crate) fn merging_models(model: &AnyLayer) -> HashSet<usize> {
    let mut merging = HashSet::new();
    model.visit_layers(&mut |nested| {
        let mut inside = false;
        nested.visit_layers(&mut |layer| inside |= layer.properties().merging.is_keras2());
        let apart =
            |nested| can_be_taken_apart(model, nested) && is_called_on_tensors_alone(model, nested);
        if inside && nested.is_model() && nested != model && apart(nested) {
            merging.insert(nested.id());
        }
    });
    merging
}

fn holds(outer: &AnyLayer, inner: &AnyLayer) -> bool {
    let mut found = false;
    outer.visit_layers(&mut |l| found |= l == inner);
    found
}

/// Whether a call has no arguments besides its tensors, which the calls inside a nested model could not be given.
pub(super) fn has_tensors_alone(node: &Node) -> bool {
    let others = node.inputs.args().len() + node.inputs.kwargs().len() > 1;
    !others || node.inputs.has_made_mask()
}

/// Whether all calls of a nested model are such.
fn is_called_on_tensors_alone(model: &AnyLayer, nested: &AnyLayer) -> bool {
    let mut alone = true;
    model.visit_layers(&mut |outer| {
        let functional = outer.options::<Functional>();
        let calls = functional.iter().flat_map(|f| &f.nodes);
        let mut calls = calls.filter(|node| node.layer == *nested);
        alone &= calls.all(|node| has_tensors_alone(node));
    });
    alone
}

/// Whether a nested model is called by models alone: a wrapper needs it whole.
fn can_be_taken_apart(model: &AnyLayer, nested: &AnyLayer) -> bool {
    let mut wrapped = false;
    model.visit_layers(&mut |outer| {
        let inside = outer.sublayers().iter().any(|(_, l)| l == nested);
        wrapped |= inside && !outer.is_model();
    });
    !wrapped
}
