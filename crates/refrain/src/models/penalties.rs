//! Penalties of outputs that Keras counts in another way on some backends or in older versions.

use std::collections::HashMap;

use super::functional::Functional;
use crate::layers::registry::ACTIVITY;
use crate::layers::{ATTENTION, AnyLayer};
use crate::warnings;

/// Whether a layer has an activity regularizer, for its outputs or for what it computes within.
fn has_penalty(layer: &AnyLayer) -> bool {
    let config = layer.config();
    let option = config.get(ACTIVITY).filter(|json| !json.is_null());
    layer.activity_regularizer().is_some() || option.is_some()
}

fn has_penalties(layer: &AnyLayer) -> bool {
    let mut found = false;
    layer.visit_layers(&mut |l| found |= has_penalty(l));
    found
}

/// Warns of layers whose penalties Keras on JAX counts for their last call alone.
pub(crate) fn warn_of_repeated_penalties(functional: &Functional) {
    let mut calls: HashMap<usize, usize> = HashMap::new();
    for node in &functional.nodes {
        *calls.entry(node.layer.id()).or_default() += 1;
    }
    let mut layers = functional.operations.iter();
    let repeated = layers.find(|l| calls.get(&l.id()) > Some(&1) && has_penalties(l));
    if let Some(layer) = repeated {
        warnings::penalty_of_last_call(layer);
    }
}

/// Warns of penalties that the Keras that wrote a file counts in another way.
pub(crate) fn warn_of_older_penalties(model: &AnyLayer, keras2: bool) {
    let mut found = None;
    model.visit_layers(&mut |layer| {
        let counts = match (keras2, layer.class_name()) {
            // Keras 3 calls the layer without a penalty.
            (true, "TimeDistributed") => layer.sublayers().iter().any(|(_, l)| has_penalty(l)),
            // Keras 2 counts outputs and no projections.
            (true, ATTENTION) | (false, _) => has_penalty(layer),
            (true, _) => false,
        };
        found = found.take().or_else(|| counts.then(|| layer.clone()));
    });
    match found {
        Some(layer) if keras2 => warnings::penalty_of_keras3(&layer),
        Some(layer) => warnings::penalty_of_batch(&layer),
        None => {}
    }
}
