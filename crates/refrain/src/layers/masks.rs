//! Masks of symbolic tensors, as tensors of the declared graph.

use std::sync::Arc;

use super::call::Call;
use super::handle::AnyLayer;
use super::merging::has_keras2_masks;
use super::node::{Node, OutputSpec};
use super::rnn::{self, RECURRENT};
use crate::error::{Error, ErrorKind};
use crate::inputs::{Argument, Inputs};
use crate::names;
use crate::structure::Structure;
use crate::tensor::{Symbolic, Tensor};
use crate::trace::Trace;

/// The mask that a symbolic tensor will carry, computed as Keras computes it: `not_equal(ids, 0)` behind an `Embedding`.
///
/// `None` without a mask, and where no call of the graph gives it: behind a nested model, or behind a layer whose
/// `compute_mask` needs more than functions of `ops`.
pub(crate) fn symbolic(tensor: &Symbolic) -> Option<Tensor> {
    tensor.mask.as_ref()?;
    // The makers of a chain are visited in a loop: files may hold very long ones.
    let mut waiting = vec![tensor.node.clone()];
    while let Some(node) = waiting.last() {
        match unknown_input(node) {
            Some(input) => waiting.push(input),
            None => {
                node.masks.get_or_init(|| compute(node));
                waiting.pop();
            }
        }
    }
    tensor.node.masks.get()?.get(tensor.index)?.clone()
}

/// Layers whose calls take the masks of their first argument as an argument, beside recurrent layers and models.
pub(crate) const TAKE_MASKS: [&str; 6] = [
    "Attention",
    "AdditiveAttention",
    "BatchNormalization",
    "GlobalAveragePooling1D",
    "Softmax",
    "TimeDistributed",
];

/// Those of them that are called on a list.
pub(crate) const DOT_ATTENTION: [&str; 2] = ["Attention", "AdditiveAttention"];

/// Their argument.
const MASK: &str = "mask";

/// Whether a layer's call takes the masks of its first argument as an argument.
pub(crate) fn takes_masks(layer: &AnyLayer) -> bool {
    let class = layer.class_name();
    let known = TAKE_MASKS.contains(&class) || RECURRENT.contains(&class);
    known || layer.is_model()
}

/// Whether the masks of a call are given by an argument: by name, or by position after the states of a recurrent layer.
pub(crate) fn are_given(layer: &AnyLayer, inputs: &Inputs) -> bool {
    match RECURRENT.contains(&layer.class_name()) {
        true => rnn::masks::is_given(inputs),
        false => inputs.get(1, MASK).is_some() || inputs.plain(1, MASK).is_some(),
    }
}

/// Whether masks are put together by the call or were before, and not by Keras 3's rule, or by functions whose names Keras would
/// give to functions of its own when it reads a file.
pub(crate) fn are_merged(layer: &AnyLayer, inputs: &Inputs) -> bool {
    let before = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.node.merges_masks);
    let keeps = !takes_masks(layer) || !are_given(layer, inputs);
    layer.class_name() == "Concatenate"
        || has_keras2_masks(layer)
        || keeps && inputs.tensors().iter().any(before)
}

/// The call with merged masks as an argument, as Keras writes all calls that take masks.
pub(crate) fn as_argument(layer: &AnyLayer, inputs: Inputs) -> Inputs {
    let first = inputs.first().ok().filter(|_| takes_masks(layer));
    let Some(first) = first.filter(|_| !are_given(layer, &inputs)) else {
        return inputs;
    };
    let merged = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.node.merges_masks);
    let tensors = first.flatten();
    if !tensors.iter().any(merged) {
        return inputs;
    }
    let masks = first.map(|t| t.mask().unwrap_or_else(|| Tensor::absent(no_mask())));
    match masks.flatten().iter().any(|mask| !mask.is_absent()) {
        true => inputs.with_made_mask(MASK, masks),
        false => inputs,
    }
}

/// The call without its argument.
pub(crate) fn without(inputs: &Inputs) -> Inputs {
    inputs.clone().without(MASK)
}

/// The mask that Keras 3 adds to a call of one tensor, if the call has none here.
pub(crate) fn given_by_keras(node: &Node) -> Option<Tensor> {
    let [Argument::Tensors(Structure::Leaf(tensor))] = node.inputs.args() else {
        return None;
    };
    let listed = DOT_ATTENTION.contains(&node.layer.class_name());
    let alone = node.inputs.kwargs().is_empty();
    match alone && !listed && takes_masks(&node.layer) {
        true => tensor.mask(),
        false => None,
    }
}

/// Layers and functions that give what they were given where they change nothing: on JAX, not on TensorFlow.
const SAME_ON_JAX: [&str; 12] = [
    "BroadcastTo",
    "Concatenate",
    "Cropping1D",
    "Cropping2D",
    "Einsum",
    "ExpandDims",
    "Flatten",
    "GetItem",
    "Permute",
    "Reshape",
    "Squeeze",
    "Transpose",
];

/// Layers that pass masks on in Keras 3 and not in Keras 2.
const UNMASKED_IN_KERAS2: [&str; 2] = ["Identity", "Rescaling"];

/// Whether the outputs keep masks on JAX that they do not have on TensorFlow: those of inputs that they are.
pub(crate) fn keeps_on_jax(layer: &AnyLayer) -> bool {
    !layer.supports_masking() && SAME_ON_JAX.contains(&layer.class_name())
}

/// Whether a call in Keras 2 gives tensors without the masks that they have in Keras 3.
pub(crate) fn loses_in_keras2(layer: &AnyLayer) -> bool {
    keeps_on_jax(layer) || UNMASKED_IN_KERAS2.contains(&layer.class_name())
}

fn no_mask() -> Error {
    Error::mismatch(ErrorKind::Structure, "a mask", "None")
}

/// The mask of an output that is an input, where it was put together in a way that Keras 3 does not have. Others stay on the
/// tensor without being an argument of the calls on it.
fn merged_before(node: &Node, output: &OutputSpec) -> Option<Tensor> {
    let same = node
        .same_as(output)
        .filter(|_| output.mask.is_some() && node.merges_masks);
    same?.mask()
}

/// The maker of a masked argument whose masks are not known yet.
fn unknown_input(node: &Node) -> Option<Arc<Node>> {
    let tensors = node.inputs.tensors().into_iter();
    let mut masked = tensors.filter_map(|t| t.as_symbolic().filter(|s| s.mask.is_some()));
    let unknown = masked.find(|s| s.node.masks.get().is_none());
    unknown.map(|s| s.node.clone())
}

/// What the layer's `compute_mask` gives on symbolic tensors.
fn compute(node: &Arc<Node>) -> Vec<Option<Tensor>> {
    if node.layer.is_model() {
        return Vec::new();
    }
    let cx = Call {
        trace: Trace::new(false),
        layer: node.layer.clone(),
        number: None,
    };
    let specs = node.specs.iter().enumerate();
    let outputs: Vec<Tensor> = specs
        .map(|(i, output)| {
            Tensor::symbolic(output.spec.clone(), String::new(), node.clone(), i, None)
        })
        .collect();
    let masks = names::for_masks(|| node.layer.compute_mask(&cx, &node.inputs, &outputs));
    let masks = masks.unwrap_or_default();
    let specs = node.specs.iter().enumerate();
    specs
        .map(|(i, output)| {
            let mask = masks.get(i).cloned().flatten();
            let mask = mask.filter(|m| m.as_symbolic().is_some() || m.as_constant().is_some());
            mask.or_else(|| merged_before(node, output))
        })
        .collect()
}
