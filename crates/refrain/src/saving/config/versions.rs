//! Calls that one version of Keras makes in another way than the next: masks, and `training`.

use std::collections::HashSet;
use std::sync::Arc;

use crate::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::node::Node;
use crate::layers::rnn::{has_batch_statistics, masks};
use crate::layers::{AnyLayer, MaskMerging, QUERY_MASK};
use crate::models::{Functional, OtherMask, other_mask, warn_of_older_penalties};
use crate::ops::{Difference, Operation};
use crate::tensor::Tensor;
use crate::warnings;

/// Whether attention of the Keras that wrote a file takes the masks off the tensors that it is called on.
pub(crate) fn takes_masks(version: Option<&str>) -> bool {
    is_since(version, [3, 8])
}

/// Whether the Keras that wrote a file divides penalties of outputs by the size of the batch.
fn divides_penalties(version: Option<&str>) -> bool {
    is_since(version, [3, 14])
}

/// Whether a version is this or a later one; so is an unknown one.
fn is_since(version: Option<&str>, first: [u32; 2]) -> bool {
    let numbers = version.map(|v| v.split('.').map_while(|n| n.parse::<u32>().ok()));
    numbers.is_none_or(|numbers| numbers.ge(first))
}

/// Warns of penalties that the Keras that wrote a file counts in another way.
pub(crate) fn warn_of_penalties(model: &AnyLayer, version: Option<&str>, keras2: bool) {
    if keras2 || !divides_penalties(version) {
        warn_of_older_penalties(model, keras2);
    }
}

/// A call as Keras 2 makes it. TensorFlow's mean of integers is an integer, which no function of Keras 3 gives.
pub(super) fn as_in_keras2(layer: &AnyLayer, inputs: Inputs) -> Result<Inputs> {
    let operation = layer.options::<Operation>();
    let gave_integers = operation.is_some_and(|o| o.def.differs(Difference::IntegersInKeras2));
    let whole = |tensor: &&Tensor| !tensor.dtype().is_float() && tensor.dtype() != DType::Bool;
    if gave_integers && inputs.tensors().iter().any(whole) {
        let message =
            "`tf.reduce_mean` of integers, which gives an integer there and a float in Keras 3";
        return Err(Error::new(ErrorKind::Unsupported, message)
            .in_layer(layer.get_name(), layer.class_name()));
    }
    Ok(match layer.properties().keras2_masks {
        MaskRule::Kept => inputs,
        rule => inputs.with_mask_rule(rule),
    })
}

/// A call as Keras 3 makes it, which overrides `training` when the model is run, and leaves the mask of a sequence alone
/// beside initial states.
pub(super) fn as_in_keras3(layer: &AnyLayer, inputs: Inputs) -> Inputs {
    let inputs = inputs.with_overridden_training();
    match is_recurrent(layer) {
        true => masks::left_alone(inputs),
        false => inputs,
    }
}

/// A call of attention as Keras 3.8 and later make it: it knows no mask of the query but the one that the query carries.
pub(super) fn attending_as_in_keras3(
    layer: &AnyLayer,
    inputs: Inputs,
    takes_masks: bool,
) -> Inputs {
    match takes_masks && layer.properties().takes_masks_off {
        true => inputs.without(QUERY_MASK).with_mask_rule(MaskRule::Taken),
        false => inputs,
    }
}

/// Warns of calls that Keras 3 would not make as they are made here.
pub(crate) fn warn_of_other_calls(model: &AnyLayer) {
    let (mut seen, mut masked) = (HashSet::new(), Masked::default());
    model.visit_layers(&mut |layer| match layer.options::<Functional>() {
        Some(functional) if seen.insert(layer.id()) => warn_of_calls(functional, &mut masked),
        _ => {}
    });
}

/// Nested models that masks go into, and calls with masks, that have been looked at.
#[derive(Default)]
struct Masked {
    models: HashSet<usize>,
    calls: HashSet<usize>,
    /// Calls, by their labels, that Keras makes with other masks, and that have been told.
    told: HashSet<String>,
}

fn warn_of_calls(functional: &Functional, masked: &mut Masked) {
    masked.warn_of(functional);
    let other = other_mask(functional);
    match other.filter(|other| masked.told.insert(other.call().to_owned())) {
        Some(OtherMask::Taken(call)) => warnings::mask_taken_by_keras(&call),
        Some(OtherMask::Merged(call)) => warnings::mask_merged_by_keras(&call),
        Some(OtherMask::Kept(call)) => warnings::mask_kept_by_keras(&call),
        None => {}
    }
    let statistics = |node: &&Arc<Node>| {
        node.inputs.mask_rule() == MaskRule::OfInner && has_batch_statistics(&node.layer)
    };
    if let Some(node) = functional.nodes.iter().find(statistics) {
        warnings::statistics_of_steps(&node.label());
    }
    let explicit = |node: &&Arc<Node>| node.inputs.training().is_some();
    for node in functional.nodes.iter().filter(explicit) {
        warnings::training_overridden_by_keras(&node.label());
    }
}

fn is_recurrent(layer: &AnyLayer) -> bool {
    layer.properties().takes_states()
}

/// Whether Keras would not use a mask that comes with the sequence, which refrain uses.
fn is_ignored(node: &Node) -> bool {
    is_recurrent(&node.layer)
        && masks::has_initial_state(&node.inputs)
        && !masks::is_given(&node.inputs)
}

impl Masked {
    /// Warns of calls whose masks Keras 3 will use in another way: also inside nested models that masks go into.
    fn warn_of(&mut self, functional: &Functional) {
        let masked = functional.nodes.iter().filter(|node| is_masked(node));
        masked.for_each(|node| self.look_at(node));
    }

    fn look_at(&mut self, node: &Arc<Node>) {
        match node.layer.options::<Functional>() {
            Some(nested) if self.models.insert(node.layer.id()) => {
                nested.nodes.iter().for_each(|node| self.look_at(node));
            }
            None if self.calls.insert(Arc::as_ptr(node) as usize) => warn_of_mask(node),
            _ => {}
        }
    }
}

fn warn_of_mask(node: &Node) {
    if is_ignored(node) {
        warnings::mask_ignored_by_keras(&node.label());
    } else if node.layer.properties().merging == MaskMerging::Keras2WithValues {
        warnings::values_left_out_by_keras(&node.label());
    }
}

fn is_masked(node: &Node) -> bool {
    let tensors = node.inputs.tensors().into_iter();
    match is_recurrent(&node.layer) {
        true => masks::is_masked(&node.inputs),
        false => tensors
            .filter_map(Tensor::as_symbolic)
            .any(|s| s.mask.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_takes_masks_from_keras_3_8_on() {
        for version in [None, Some("3.8.0"), Some("3.15.1"), Some("4.0")] {
            assert!(takes_masks(version), "{version:?}");
        }
        for version in ["3.0.5", "3.7.0", "2.21.0"] {
            assert!(!takes_masks(Some(version)), "{version}");
        }
    }
}
