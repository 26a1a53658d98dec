//! Masks that Keras loses: its attention takes them off the tensors that it is called on, so that later calls see none.

use std::collections::HashMap;
use std::sync::Arc;

use super::functional::Functional;
use crate::inputs::Inputs;
use crate::layers::node::Node;
use crate::layers::rnn::RECURRENT;
use crate::layers::{ATTENTION, AnyLayer, QUERY_MASK};
use crate::tensor::{Tensor, TensorKey};

/// Layers that Keras gives the mask of their input as an argument of the call, which it does not lose.
const GIVEN_MASKS: [&str; 6] = [
    "Attention",
    "AdditiveAttention",
    "BatchNormalization",
    "GlobalAveragePooling1D",
    "Softmax",
    "TimeDistributed",
];

/// What Keras knows of the mask that a tensor carries here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mask {
    Carried,
    Lost,
}

type Masks = HashMap<TensorKey, Mask>;

/// A call, written by its label, that Keras would make without a mask that it has here, if there is one.
pub(crate) fn without_mask(functional: &Functional) -> Option<String> {
    let masks = &mut Masks::new();
    let lost = functional.nodes.iter().find_map(|node| follow(node, masks));
    // Losses leave masked predictions out.
    let outputs = functional.outputs.flatten().into_iter();
    let mut unmasked = outputs.filter(|output| of(output, masks) == Some(Mask::Lost));
    lost.or_else(|| unmasked.next()?.as_symbolic().map(|s| s.node.label()))
}

/// Whether a call takes masks off its inputs in Keras and not here.
pub(crate) fn keeps_masks(layer: &AnyLayer, inputs: &Inputs) -> bool {
    layer.class_name() == ATTENTION && !inputs.takes_masks()
}

fn of(tensor: &Tensor, masks: &Masks) -> Option<Mask> {
    masks.get(&tensor.key()?).copied()
}

/// Notes what becomes of the masks of a call's tensors. Gives the call if it lacks one.
fn follow(node: &Arc<Node>, masks: &mut Masks) -> Option<String> {
    let inputs = node.inputs.tensors();
    let worst = inputs.iter().filter_map(|t| of(t, masks)).max();
    let mut outputs = vec![None; node.specs.len()];
    let class = node.layer.class_name();
    if let Some(nested) = node.layer.options::<Functional>() {
        let inner = &mut Masks::new();
        let given = node.inputs.first().and_then(|given| nested.arrange(given));
        let given = given.unwrap_or_default();
        let pairs = || nested.flat_inputs.iter().zip(&given);
        for (declared, given) in pairs() {
            let mask = match given.mask() {
                Some(_) => Some(Mask::Carried),
                None => of(given, masks),
            };
            inner.extend(declared.key().zip(mask));
        }
        if let Some(call) = nested.nodes.iter().find_map(|node| follow(node, inner)) {
            return Some(call);
        }
        for (declared, given) in pairs() {
            masks.extend(given.key().zip(of(declared, inner)));
        }
        outputs = nested
            .outputs
            .flatten()
            .into_iter()
            .map(|t| of(t, inner))
            .collect();
    } else if keeps_masks(&node.layer, &node.inputs) {
        if worst == Some(Mask::Lost) || node.inputs.get(usize::MAX, QUERY_MASK).is_some() {
            return Some(node.label());
        }
        outputs[0] = inputs.first().and_then(|query| of(query, masks));
        for input in inputs {
            let key = input.key().filter(|key| masks.contains_key(key));
            masks.extend(key.map(|key| (key, Mask::Lost)));
        }
    } else {
        let given = GIVEN_MASKS.contains(&class) || RECURRENT.contains(&class);
        for (output, (_, masked)) in outputs.iter_mut().zip(&node.specs) {
            *output = match worst {
                Some(mask) if node.layer.supports_masking() && !given => Some(mask),
                _ => masked.is_some().then_some(Mask::Carried),
            };
        }
    }
    let key = Arc::as_ptr(node) as usize;
    let outputs = outputs.into_iter().enumerate();
    masks.extend(outputs.filter_map(|(i, mask)| Some(((key, i), mask?))));
    None
}
