//! Copies of models with weights of their own.

use std::collections::HashMap;
use std::sync::Arc;

use super::functional::Functional;
use super::model::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::layers::node::Recorded;
use crate::tensor::{Tensor, TensorKey};

/// A copy of a model: the same layers under the same names, shared in the same way, with newly made weights. The copy is
/// not compiled.
///
/// ```
/// use refrain::{Model, clone_model, input, layers::Dense};
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(2).call(&x)?)?;
/// let copy = clone_model(&model)?;
/// assert_eq!(copy.count_params(), model.count_params());
/// assert_ne!(copy.weights()[0], model.weights()[0]);
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn clone_model(model: &Model) -> Result<Model> {
    let functional = model.functional();
    let mut copier = Copier::default();
    copier.copy_calls(functional)?;
    let inputs = functional.inputs.try_map(|t| copier.tensor(t))?;
    let outputs = functional.outputs.try_map(|t| copier.tensor(t))?;
    let mut copy = Functional::new(inputs, outputs)?;
    copy.class = functional.class;
    Ok(Model::from_functional(copy, model.get_name()))
}

#[derive(Default)]
struct Copier {
    layers: HashMap<usize, AnyLayer>,
    tensors: HashMap<TensorKey, Tensor>,
}

impl Copier {
    fn copy_calls(&mut self, functional: &Functional) -> Result<()> {
        for node in &functional.nodes {
            let layer = self.layer(&node.layer)?;
            let outputs = match node.is_input() {
                true => {
                    let specs = node.specs.clone();
                    let recorded = Recorded::Input(Some(node.layer.get_name()));
                    let outputs = node.outputs.clone();
                    let copy = layer.record(node.inputs.clone(), outputs, specs, recorded);
                    copy.tensors()
                }
                false => layer.call_structure(&node.inputs.try_map(|t| self.tensor(t))?)?,
            };
            for (i, tensor) in outputs.into_leaves().into_iter().enumerate() {
                self.tensors.insert((Arc::as_ptr(node) as usize, i), tensor);
            }
        }
        Ok(())
    }

    fn layer(&mut self, layer: &AnyLayer) -> Result<AnyLayer> {
        if let Some(copy) = self.layers.get(&layer.id()) {
            return Ok(copy.clone());
        }
        let copy = match layer.options::<Functional>() {
            Some(nested) => self.nested(layer, nested)?,
            None => layer.fresh_copy()?,
        };
        self.layers.insert(layer.id(), copy.clone());
        Ok(copy)
    }

    /// Layers that a nested model shares with its surroundings stay shared in the copy.
    fn nested(&mut self, layer: &AnyLayer, functional: &Functional) -> Result<AnyLayer> {
        self.copy_calls(functional)?;
        let inputs = functional.inputs.try_map(|t| self.tensor(t))?;
        let outputs = functional.outputs.try_map(|t| self.tensor(t))?;
        let mut copy = Functional::new(inputs, outputs)?;
        copy.class = functional.class;
        Ok(Model::from_functional(copy, layer.get_name()).any())
    }

    fn tensor(&self, tensor: &Tensor) -> Result<Tensor> {
        let found = tensor.key().and_then(|k| self.tensors.get(&k)).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::Internal, "a call was copied before its inputs"))
    }
}
