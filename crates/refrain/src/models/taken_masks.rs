//! Calls that Keras makes with other masks than they have here: taken off by its attention, put together or kept by other rules.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use refrain_graph::Spec;

use super::functional::Functional;
use crate::inputs::{Inputs, MaskRule};
use crate::layers::masks::{are_given, is_of_list, takes_masks};
use crate::layers::node::{Node, OutputSpec};
use crate::layers::{AnyLayer, MaskMerging, QUERY_MASK};
use crate::tensor::{Tensor, TensorKey};

/// What Keras knows of the mask that a tensor carries here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mask {
    Carried,
    /// Taken off, but an argument of calls that take masks.
    Lost,
    /// Put together by another rule.
    Merged,
}

/// What Keras knows of the masks of a graph's tensors, which hang on objects.
#[derive(Default)]
struct Masks {
    /// The first tensor that is the same object.
    objects: HashMap<TensorKey, TensorKey>,
    known: HashMap<TensorKey, Mask>,
}

impl Masks {
    fn object(&self, tensor: &Tensor) -> Option<TensorKey> {
        let key = tensor.key()?;
        Some(self.objects.get(&key).copied().unwrap_or(key))
    }

    fn of(&self, tensor: &Tensor) -> Option<Mask> {
        self.known.get(&self.object(tensor)?).copied()
    }

    fn set(&mut self, tensor: &Tensor, mask: Option<Mask>) {
        self.known.extend(self.object(tensor).zip(mask));
    }
}

/// A call that Keras would make without a mask that it has here, or with another one.
pub(crate) enum OtherMask {
    /// Its label. Attention took the mask off before, or does not use it.
    Taken(String),
    /// Its label. The mask was put together by Keras 2's rule.
    Merged(String),
    /// Its label. The call gives what it was given, which keeps its mask in Keras 3 on JAX.
    Kept(String),
}

impl OtherMask {
    /// The label of the call.
    pub(crate) fn call(&self) -> &str {
        match self {
            OtherMask::Taken(call) | OtherMask::Merged(call) | OtherMask::Kept(call) => call,
        }
    }

    fn at(node: &Node, mask: Option<Mask>) -> Option<Self> {
        match mask? {
            Mask::Carried => None,
            Mask::Lost => Some(OtherMask::Taken(node.label())),
            Mask::Merged => Some(OtherMask::Merged(node.label())),
        }
    }
}

/// The first call that Keras would make with other masks than it has here, if there is one.
pub(crate) fn other_mask(functional: &Functional) -> Option<OtherMask> {
    let masks = &mut Masks::default();
    let call = functional
        .nodes
        .iter()
        .try_for_each(|node| follow(node, masks));
    // Losses leave masked predictions out.
    let mut outputs = functional.outputs.flatten().into_iter();
    let output = |t: &Tensor| OtherMask::at(&t.as_symbolic()?.node, masks.of(t));
    call.err().or_else(|| outputs.find_map(output))
}

/// Whether a layer that takes masked values as they are, as Keras 3 does not, is called on masked ones, also within nested models.
pub(crate) fn has_masked_values(functional: &Functional) -> bool {
    let masked = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.mask.is_some());
    let mut seen = HashSet::new();
    let nodes = functional.nodes.iter();
    let mut calls: Vec<&Arc<Node>> = nodes
        .filter(|node| node.inputs.tensors().iter().any(masked))
        .collect();
    while let Some(node) = calls.pop() {
        match node.layer.options::<Functional>() {
            Some(nested) if seen.insert(node.layer.id()) => calls.extend(&nested.nodes),
            _ if node.layer.properties().merging == MaskMerging::Keras2WithValues => return true,
            _ => {}
        }
    }
    false
}

/// Whether a call takes masks off its inputs in Keras and not here.
pub(crate) fn keeps_masks(layer: &AnyLayer, inputs: &Inputs) -> bool {
    layer.properties().takes_masks_off && inputs.mask_rule() != MaskRule::Taken
}

/// The inputs whose masks a call loses, and Keras 3 keeps if the call changes nothing, which sizes may decide that only data have.
pub(crate) fn loses_masks(node: &Node) -> Vec<&Tensor> {
    if node.inputs.mask_rule() != MaskRule::Lost {
        return Vec::new();
    }
    let may_be = |input: &Tensor, output: &OutputSpec| {
        input.dtype() == output.spec.dtype && input.shape().compatible(&output.spec.shape)
    };
    let mut inputs = node.inputs.tensors();
    inputs.retain(|input| node.specs.iter().any(|output| may_be(input, output)));
    inputs
}

/// Whether masks of a call's inputs are put together by Keras 2's rule, which is Keras 3's for one mask of all inputs, or count
/// for the values in Keras 3.
fn merges_otherwise(node: &Node) -> bool {
    let inputs = node.inputs.tensors().into_iter();
    let keys: Vec<_> = inputs.map(|t| t.mask()?.key()).collect();
    let alike = |key: &Option<TensorKey>| key.is_some() && *key == keys[0];
    match node.layer.properties().merging {
        MaskMerging::Keras2WithValues => true,
        MaskMerging::Keras2 => !keys.iter().all(alike),
        MaskMerging::Keras3 | MaskMerging::Joined => false,
    }
}

/// Whether a wrapper's mask is that of the layer inside it, where Keras 3 passes on the one that the wrapper is called with.
fn makes_otherwise(node: &Node) -> bool {
    let ranks = |mask: &Option<Spec>| mask.as_ref().map(|mask| mask.shape.rank());
    let given = node.inputs.tensors().into_iter().next();
    let given = given.and_then(|t| ranks(&t.as_symbolic()?.mask));
    let made = node.specs.first().and_then(|output| ranks(&output.mask));
    node.inputs.mask_rule() == MaskRule::OfInner && made != given
}

/// Notes what becomes of the masks of a call's tensors. An error if the call has another mask in Keras.
fn follow(node: &Arc<Node>, masks: &mut Masks) -> Result<(), OtherMask> {
    let inputs = node.inputs.tensors();
    let worst = inputs.iter().filter_map(|t| masks.of(t)).max();
    let outputs = if let Some(nested) = node.layer.options::<Functional>() {
        follow_inside(node, nested, masks)?
    } else if node.layer.properties().takes_masks_off {
        let ignored = node.inputs.get(usize::MAX, QUERY_MASK).map(|_| Mask::Lost);
        let keeps = keeps_masks(&node.layer, &node.inputs);
        let other = worst
            .max(ignored)
            .filter(|&mask| keeps || mask == Mask::Merged);
        if let Some(other) = OtherMask::at(node, other) {
            return Err(other);
        }
        let query = inputs.first().and_then(|query| masks.of(query));
        for input in inputs.iter().filter(|_| keeps) {
            let lost = masks.of(input).map(|_| Mask::Lost);
            masks.set(input, lost);
        }
        vec![query]
    } else {
        let takes = takes_masks(&node.layer);
        // Keras gives a mask of one tensor as an argument, not those of a list.
        let listed = is_of_list(&node.inputs);
        let other = worst.filter(|&mask| listed || mask == Mask::Merged);
        let other = other.filter(|_| takes && !are_given(&node.layer, &node.inputs));
        if let Some(other) = OtherMask::at(node, other) {
            return Err(other);
        }
        let carried = |masked: bool| match worst {
            _ if masked && makes_otherwise(node) => Some(Mask::Merged),
            Some(_) if merges_otherwise(node) => Some(Mask::Merged),
            Some(mask) if node.layer.supports_masking() && !takes => Some(mask),
            _ => masked.then_some(Mask::Carried),
        };
        let specs = node.specs.iter();
        specs.map(|output| carried(output.mask.is_some())).collect()
    };
    let mut lost = loses_masks(node).into_iter();
    if lost.any(|input| masks.of(input).is_some()) {
        return Err(OtherMask::Kept(node.label()));
    }
    let tensors = node.tensors().into_leaves().into_iter();
    for (tensor, (output, mask)) in tensors.zip(node.specs.iter().zip(outputs)) {
        let Some(same) = node.same_as(output) else {
            masks.set(&tensor, mask);
            continue;
        };
        let object = masks.object(same);
        masks.objects.extend(tensor.key().zip(object));
    }
    Ok(())
}

/// The same inside a nested model, whose inputs are the tensors that it is called on. Gives its outputs' masks.
fn follow_inside(
    node: &Node,
    nested: &Functional,
    masks: &mut Masks,
) -> Result<Vec<Option<Mask>>, OtherMask> {
    let inner = &mut Masks::default();
    let given = node.inputs.first().and_then(|given| nested.arrange(given));
    let given = given.unwrap_or_default();
    let pairs = || nested.flat_inputs.iter().zip(&given);
    let mut objects = HashMap::new();
    for (declared, given) in pairs() {
        // One tensor given twice is one object.
        if let (Some(object), Some(key)) = (masks.object(given), declared.key()) {
            let first = *objects.entry(object).or_insert(key);
            inner.objects.insert(key, first);
        }
        let mask = match masks.of(given) {
            Some(Mask::Merged) if !are_given(&node.layer, &node.inputs) => Some(Mask::Merged),
            mask => given.mask().map(|_| Mask::Carried).or(mask),
        };
        inner.set(declared, mask);
    }
    nested
        .nodes
        .iter()
        .try_for_each(|node| follow(node, inner))?;
    for (declared, given) in pairs() {
        masks.set(given, inner.of(declared));
    }
    let outputs = nested.outputs.flatten().into_iter();
    Ok(outputs.map(|t| inner.of(t)).collect())
}
