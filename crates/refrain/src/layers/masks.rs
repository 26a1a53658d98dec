//! Masks of symbolic tensors, as tensors of the declared graph.

use std::sync::Arc;

use super::call::Call;
use super::handle::AnyLayer;
use super::node::{Node, OutputSpec};
use super::properties::MaskMerging;
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

/// The argument of calls that take the masks of their first argument.
const MASK: &str = "mask";

/// Whether a layer's call takes the masks of its first argument as an argument.
pub(crate) fn takes_masks(layer: &AnyLayer) -> bool {
    layer.properties().takes_mask()
}

/// Whether the masks of a call are given by an argument.
pub(crate) fn are_given(layer: &AnyLayer, inputs: &Inputs) -> bool {
    let position = layer.properties().position(MASK).unwrap_or(1);
    inputs.get(position, MASK).is_some() || inputs.plain(position, MASK).is_some()
}

/// Whether a call is made on a list, whose masks Keras does not give as an argument.
pub(crate) fn is_of_list(inputs: &Inputs) -> bool {
    !matches!(inputs.first(), Ok(Structure::Leaf(_)))
}

/// Whether masks are put together by the call or were before, and not by Keras 3's rule, or by functions whose names Keras would
/// give to functions of its own when it reads a file.
pub(crate) fn are_merged(layer: &AnyLayer, inputs: &Inputs) -> bool {
    let before = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.node.merges_masks);
    let keeps = !takes_masks(layer) || !are_given(layer, inputs);
    layer.properties().merging != MaskMerging::Keras3
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
    match node.inputs.kwargs().is_empty() && takes_masks(&node.layer) {
        true => tensor.mask(),
        false => None,
    }
}

/// Whether the outputs keep masks on JAX that they do not have on TensorFlow: those of inputs that they are.
pub(crate) fn keeps_on_jax(layer: &AnyLayer) -> bool {
    !layer.supports_masking() && layer.properties().may_return_input
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
