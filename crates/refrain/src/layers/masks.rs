//! Masks of symbolic tensors, as tensors of the declared graph.

use std::collections::HashSet;
use std::sync::Arc;

use super::call::Call;
use super::handle::AnyLayer;
use super::merging::has_keras2_masks;
use super::node::Node;
use super::rnn::RECURRENT;
use crate::error::{Error, ErrorKind};
use crate::inputs::Inputs;
use crate::models::Functional;
use crate::names;
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

/// Their argument.
const MASK: &str = "mask";

/// Whether a layer's call takes the masks of its first argument as an argument.
pub(crate) fn takes_masks(layer: &AnyLayer) -> bool {
    let class = layer.class_name();
    let known = TAKE_MASKS.contains(&class) || RECURRENT.contains(&class);
    known || layer.options::<Functional>().is_some()
}

/// Whether the masks of a call are given by an argument.
pub(crate) fn are_given(inputs: &Inputs) -> bool {
    inputs.get(usize::MAX, MASK).is_some() || inputs.plain(usize::MAX, MASK).is_some()
}

/// Whether masks are put together by the call or were before, and not by Keras 3's rule, or by functions whose names Keras would
/// give to functions of its own when it reads a file.
pub(crate) fn are_merged(layer: &AnyLayer, inputs: &Inputs) -> bool {
    let before = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.node.merges_masks);
    let keeps = !takes_masks(layer) || !are_given(inputs);
    layer.class_name() == "Concatenate"
        || has_keras2_masks(layer)
        || keeps && inputs.tensors().iter().any(before)
}

/// The call with merged masks as an argument, as Keras writes all calls that take masks.
pub(crate) fn as_argument(layer: &AnyLayer, inputs: Inputs) -> Inputs {
    let first = inputs.first().ok().filter(|_| takes_masks(layer));
    let Some(first) = first.filter(|_| !are_given(&inputs)) else {
        return inputs;
    };
    let merged = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.node.merges_masks);
    let tensors = first.flatten();
    let mut masks = tensors.iter().filter_map(|t| t.mask());
    if !tensors.iter().any(merged) || !masks.all(|mask| moves_no_weights(&mask)) {
        return inputs;
    }
    let masks = first.map(|t| t.mask().unwrap_or_else(|| Tensor::absent(no_mask())));
    match masks.flatten().iter().any(|mask| !mask.is_absent()) {
        true => inputs.kwarg(MASK, masks),
        false => inputs,
    }
}

/// Whether a mask is computed of inputs alone, by layers that nothing else calls. As an argument it then leaves the order of all
/// layers with weights as it is, by which files store them.
pub(crate) fn moves_no_weights(mask: &Tensor) -> bool {
    let mut waiting = vec![mask.clone()];
    let mut seen = HashSet::new();
    while let Some(tensor) = waiting.pop() {
        let Some(symbolic) = tensor.as_symbolic() else {
            continue;
        };
        if !seen.insert(Arc::as_ptr(&symbolic.node)) {
            continue;
        }
        let layer = &symbolic.node.layer;
        if !symbolic.node.is_input() && (layer.calls() > 1 || !layer.weights().is_empty()) {
            return false;
        }
        waiting.extend(symbolic.node.inputs.tensors().into_iter().cloned());
    }
    true
}

fn no_mask() -> Error {
    Error::mismatch(ErrorKind::Structure, "a mask", "None")
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
    if node.layer.options::<Functional>().is_some() {
        return Vec::new();
    }
    let cx = Call {
        trace: Trace::new(false),
        layer: node.layer.clone(),
        number: None,
    };
    let specs = node.specs.iter().enumerate();
    let outputs: Vec<Tensor> = specs
        .map(|(i, (spec, _))| Tensor::symbolic(spec.clone(), String::new(), node.clone(), i, None))
        .collect();
    let masks = names::for_masks(|| node.layer.compute_mask(&cx, &node.inputs, &outputs));
    let masks = masks.unwrap_or_default().into_iter();
    masks
        .map(|mask| mask.filter(|m| m.as_symbolic().is_some() || m.as_constant().is_some()))
        .collect()
}
