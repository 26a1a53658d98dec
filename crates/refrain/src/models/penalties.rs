//! Penalties of outputs that Keras counts in another way on some backends or in older versions.

use std::collections::HashSet;

use super::functional::Functional;
use crate::layers::{AnyLayer, Penalized};
use crate::warnings;

/// Whether a layer has an activity regularizer, for its outputs or for what it computes within.
fn has_penalty(layer: &AnyLayer) -> bool {
    layer.activity_regularizer().is_some() || layer.properties().penalties == Penalized::Projections
}

/// The layers whose penalties a call of a layer adds, itself and those inside it.
fn penalized(layer: &AnyLayer) -> Vec<AnyLayer> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut waiting = vec![(layer.clone(), true)];
    while let Some((layer, own)) = waiting.pop() {
        if !seen.insert((layer.id(), own)) {
            continue;
        }
        let own_of_inner = layer.properties().penalties != Penalized::Steps;
        let inner = layer.sublayers().into_iter();
        waiting.extend(inner.map(|(_, inner)| (inner, own_of_inner)));
        if own && has_penalty(&layer) {
            found.push(layer);
        }
    }
    found
}

/// Warns of a layer whose penalty Keras on JAX counts for its last call alone: a call clears what all layers inside it added before.
pub(crate) fn warn_of_repeated_penalties(functional: &Functional) {
    let mut seen = HashSet::new();
    let calls = functional.nodes.iter();
    let mut penalized = calls.flat_map(|node| penalized(&node.layer));
    if let Some(layer) = penalized.find(|layer| !seen.insert(layer.id())) {
        warnings::penalty_of_last_call(&layer);
    }
}

/// Warns of a penalty that the Keras that wrote a file counts in another way.
pub(crate) fn warn_of_older_penalties(model: &AnyLayer, keras2: bool) {
    if !keras2 {
        let first = penalized(model).into_iter().next();
        first.iter().for_each(warnings::penalty_of_batch);
        return;
    }
    let mut found = None;
    model.visit_layers(&mut |layer| {
        let counts = match layer.properties().penalties {
            // Keras 2 counts the penalty of the layer, and those inside it for all steps together.
            Penalized::Steps => {
                let mut inside = false;
                layer.visit_layers(&mut |inner| inside |= has_penalty(inner));
                inside
            }
            // Keras 2 counts outputs and no projections.
            Penalized::Projections => true,
            Penalized::Outputs => false,
        };
        found = found.take().or_else(|| counts.then(|| layer.clone()));
    });
    found.iter().for_each(warnings::penalty_of_keras3);
}
