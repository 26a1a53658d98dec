//! Calls that Keras 2 and Keras 3 make in different ways, in files of both: masks of recurrent layers, and `training`.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::inputs::Inputs;
use crate::layers::AnyLayer;
use crate::layers::node::Node;
use crate::layers::rnn::{RECURRENT, ZERO_BEFORE_FIRST, masks};
use crate::models::Functional;
use crate::warnings;

/// A call as the Keras that wrote the file makes it: Keras 3 leaves the mask of a sequence alone beside initial states, and
/// `training` is overridden when the model is run.
pub(super) fn as_written(layer: &AnyLayer, inputs: Inputs, keras2: bool) -> Inputs {
    if keras2 {
        return inputs;
    }
    let inputs = inputs.with_overridden_training();
    match is_recurrent(layer) {
        true => masks::left_alone(inputs),
        false => inputs,
    }
}

/// Warns of calls that Keras 3 would not make as they are made here.
pub(super) fn warn_of_other_calls(functional: &Functional) {
    warn_of_ignored(functional);
    let explicit = |node: &&Arc<Node>| node.inputs.training().is_some();
    for node in functional.nodes.iter().filter(explicit) {
        warnings::training_overridden_by_keras(&node.label());
    }
}

fn is_recurrent(layer: &AnyLayer) -> bool {
    RECURRENT.contains(&layer.class_name())
}

/// Whether Keras would not use a mask that comes with the sequence, which refrain uses.
fn is_ignored(node: &Node) -> bool {
    is_recurrent(&node.layer)
        && masks::has_initial_state(&node.inputs)
        && !masks::is_given(&node.inputs)
}

/// Warns of calls whose masks Keras will not use: those that come out of a nested model, or into one.
fn warn_of_ignored(functional: &Functional) {
    let masked = |node: &&Arc<Node>| masks::is_masked(&node.inputs);
    for node in functional.nodes.iter().filter(masked) {
        match node.layer.options::<Functional>() {
            Some(nested) => warn_inside(nested),
            None if is_ignored(node) => warnings::mask_ignored_by_keras(&node.label()),
            None => {}
        }
    }
}

fn warn_inside(functional: &Functional) {
    for node in &functional.nodes {
        match node.layer.options::<Functional>() {
            Some(nested) => warn_inside(nested),
            None if is_ignored(node) => warnings::mask_ignored_by_keras(&node.label()),
            None => {}
        }
    }
}

/// Keras 2's rule of masked steps as Keras 3 has it: in unrolled loops.
pub(super) fn unroll(json: &mut Json, layer: &AnyLayer, nodes: &[&Arc<Node>]) {
    for (part, path) in parts(layer) {
        let flag = |name: &str| part.config().get(name).and_then(Json::as_bool) == Some(true);
        if !flag(ZERO_BEFORE_FIRST) || flag("zero_output_for_mask") {
            continue;
        }
        let starts = |node: &Node| flag("stateful") || masks::has_initial_state(&node.inputs);
        let affected = |node: &Node| starts(node) && masks::has_mask(&node.inputs);
        let Some(first) = nodes.iter().find(|node| affected(node)) else {
            continue;
        };
        let length = |node: &Node| masks::sequence(&node.inputs).and_then(|x| x.dim(1));
        match json.pointer_mut(path) {
            Some(config) if nodes.iter().all(|node| length(node).is_some()) => {
                config["unroll"] = true.into();
            }
            _ => warnings::zeros_unknown_to_keras(&first.label()),
        }
    }
}

/// The layers that loop, and where their configurations stand in a layer's.
fn parts(layer: &AnyLayer) -> Vec<(AnyLayer, &'static str)> {
    match (layer.class_name(), &layer.sublayers()[..]) {
        ("Bidirectional", [(_, forward), (_, backward)]) => vec![
            (forward.clone(), "/config/layer/config"),
            (backward.clone(), "/config/backward_layer/config"),
        ],
        _ if is_recurrent(layer) => vec![(layer.clone(), "/config")],
        _ => Vec::new(),
    }
}
