//! Models that begin at intermediate tensors: the calls between are recorded anew behind inputs of their own.

use std::collections::HashMap;
use std::sync::Arc;

use super::order::{not_symbolic, order};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::InputLayer;
use crate::layers::core::input_tensor;
use crate::layers::node::{Node, Recorded};
use crate::structure::Structure;
use crate::tensor::{Tensor, TensorKey};

/// Inputs and outputs of the same computation in which every input is an input layer's.
///
/// An intermediate tensor becomes an input named `<tensor>CLONE`, and each call on the way to the outputs becomes one
/// more call of the same layer, as in Keras. Graphs whose inputs all are input layers' stay as they are.
pub(super) fn with_own_inputs(
    inputs: Structure<Tensor>,
    outputs: Structure<Tensor>,
) -> Result<(Structure<Tensor>, Structure<Tensor>)> {
    let is_input = |t: &Tensor| t.as_symbolic().is_some_and(|s| s.node.is_input());
    if inputs.flatten().into_iter().all(is_input) {
        return Ok((inputs, outputs));
    }
    inputs.flatten().into_iter().try_for_each(check_unmasked)?;
    let mut copies: HashMap<TensorKey, Tensor> = HashMap::new();
    let new_inputs = inputs.try_map(|t| {
        let key = t.key().ok_or_else(|| not_symbolic("a traced tensor"))?;
        let entry = copies.entry(key);
        Ok::<_, crate::Error>(entry.or_insert_with(|| fresh_input(t)).clone())
    })?;
    let nodes = order(&inputs.flatten(), &outputs.flatten())?.nodes;
    for node in nodes.iter().filter(|n| !n.is_input()) {
        copy_call(node, &mut copies)?;
    }
    let outputs = outputs.try_map(|t| copied(&copies, t))?;
    Ok((new_inputs, outputs))
}

/// Refuses to begin at a tensor that carries a mask, which data for an input do not have.
fn check_unmasked(tensor: &Tensor) -> Result<()> {
    let masked = tensor.as_symbolic().is_some_and(|s| s.mask.is_some());
    if !masked {
        return Ok(());
    }
    let message = format!(
        "a model cannot begin at tensor `{}`, which carries a mask: data given for it would not",
        tensor.name()
    );
    Err(Error::new(ErrorKind::Graph, message)
        .hint("Begin where the mask is made (before the Embedding or Masking), or after the layer that uses it"))
}

/// The tensor itself if it is an input layer's, else a new input of its spec.
fn fresh_input(tensor: &Tensor) -> Tensor {
    if tensor.as_symbolic().is_some_and(|s| s.node.is_input()) {
        return tensor.clone();
    }
    let spec = tensor.spec();
    let layer = InputLayer {
        batch_shape: spec.shape.clone(),
        dtype: spec.dtype,
        optional: false,
    };
    input_tensor(layer, Some(format!("{}CLONE", tensor.name())), spec)
}

fn copied(copies: &HashMap<TensorKey, Tensor>, tensor: &Tensor) -> Result<Tensor> {
    let key = tensor
        .key()
        .ok_or_else(|| not_symbolic("a traced tensor"))?;
    // Tensors that no copied call makes belong to input layers, which stay as they are.
    Ok(copies.get(&key).unwrap_or(tensor).clone())
}

fn copy_call(node: &Arc<Node>, copies: &mut HashMap<TensorKey, Tensor>) -> Result<()> {
    let key = |i: usize| (Arc::as_ptr(node) as usize, i);
    if (0..node.specs.len()).all(|i| copies.contains_key(&key(i))) {
        return Ok(());
    }
    let inputs = node.inputs.try_map(|t| copied(copies, t))?;
    let specs = node.specs.clone();
    let outputs = node.outputs.clone();
    let copy = node
        .layer
        .record(inputs, outputs, specs, Recorded::Repetition);
    for (i, tensor) in copy.tensors().into_leaves().into_iter().enumerate() {
        copies.entry(key(i)).or_insert(tensor);
    }
    Ok(())
}
