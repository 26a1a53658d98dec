//! Masked steps of recurrent layers, which Keras 3 has as Keras 2 had them in unrolled loops only.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::layers::node::Node;
use crate::layers::rnn::masks;
use crate::layers::{AnyLayer, Recurrence};
use crate::warnings;

/// Keras 2's rule of masked steps as Keras 3 has it: in unrolled loops.
pub(super) fn unroll(json: &mut Json, layer: &AnyLayer, nodes: &[&Arc<Node>]) {
    if !layer.properties().takes_states() {
        return;
    }
    if let Some(recurrence) = layer.properties().recurrence {
        return unroll_loop(&mut json["config"], recurrence, nodes);
    }
    for (_, inner) in layer.sublayers() {
        let config = json["config"].as_object_mut();
        let mut parts = config.into_iter().flat_map(|config| config.values_mut());
        let named = |part: &&mut Json| part["config"]["name"] == inner.get_name();
        if let (Some(recurrence), Some(part)) = (inner.properties().recurrence, parts.find(named)) {
            unroll_loop(&mut part["config"], recurrence, nodes);
        }
    }
}

fn unroll_loop(config: &mut Json, recurrence: Recurrence, nodes: &[&Arc<Node>]) {
    if !recurrence.zero_before_first || recurrence.zero_output_for_mask {
        return;
    }
    let starts = |node: &Node| recurrence.stateful || masks::has_initial_state(&node.inputs);
    let affected = |node: &Node| starts(node) && masks::has_mask(&node.inputs);
    let Some(first) = nodes.iter().find(|node| affected(node)) else {
        return;
    };
    let length = |node: &Node| masks::sequence(&node.inputs).and_then(|x| x.dim(1));
    match nodes.iter().all(|node| length(node).is_some()) {
        true => config["unroll"] = true.into(),
        false => warnings::zeros_unknown_to_keras(&first.label()),
    }
}
