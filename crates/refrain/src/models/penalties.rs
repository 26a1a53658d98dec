//! Penalties of outputs that Keras counts in another way on some backends or in older versions.

use std::collections::HashMap;

use super::functional::Functional;
use crate::layers::AnyLayer;
use crate::warnings;

/// Whether a layer, or one inside it, has an activity regularizer.
fn has_penalties(layer: &AnyLayer) -> bool {
    let mut found = false;
    layer.visit_layers(&mut |l| found |= l.activity_regularizer().is_some());
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
        let counts = match keras2 {
            // It divides by the batch size as Keras does now, but in this layer, which Keras 3 calls without penalties.
            true => layer.class_name() == "TimeDistributed" && wraps_penalty(layer),
            false => layer.activity_regularizer().is_some(),
        };
        found = found.take().or_else(|| counts.then(|| layer.clone()));
    });
    match found {
        Some(layer) if keras2 => warnings::penalty_in_time(&layer),
        Some(layer) => warnings::penalty_of_batch(&layer),
        None => {}
    }
}

fn wraps_penalty(layer: &AnyLayer) -> bool {
    let mut inside = layer.sublayers().into_iter();
    inside.any(|(_, l)| l.activity_regularizer().is_some())
}
