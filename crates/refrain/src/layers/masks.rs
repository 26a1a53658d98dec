//! Masks of symbolic tensors, as tensors of the declared graph.

use std::sync::Arc;

use super::call::Call;
use super::node::Node;
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
