//! Copies of models with weights of their own.

use std::collections::{HashMap, HashSet};
use std::mem::{replace, take};
use std::sync::Arc;

use super::functional::Functional;
use super::model::Model;
use super::sharing::has_tensors_alone;
use super::taken_masks::keeps_masks;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Inputs, MaskRule};
use crate::layers::node::{Node, Recorded};
use crate::layers::{AnyLayer, Handle, Identity, MaskMerging, Outputs, Rescaling, serialized};
use crate::ops;
use crate::structure::Structure;
use crate::tensor::{Tensor, TensorKey};

/// A copy of a model: the same layers under the same names, shared in the same way, with newly made weights. The copy is
/// not compiled.
///
/// Nested models share in the copy what they share in the model, as with Keras's `recursive=True`. What is inside a wrapper
/// (`TimeDistributed`, `Bidirectional`) is copied with it: if it is called elsewhere too, the copy has it twice, as in Keras.
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
    Copier::default().model(model)
}

/// Copies models, layer by layer and call by call.
#[derive(Default)]
pub(crate) struct Copier {
    /// Nested models that are taken apart: their layers move into the models around them.
    apart: HashSet<usize>,
    /// Copies behind their originals, by the originals.
    pub(crate) layers: HashMap<usize, (AnyLayer, AnyLayer)>,
    inputs: HashMap<TensorKey, Tensor>,
    /// Copies of the tensors of the model that is being copied.
    tensors: HashMap<TensorKey, Tensor>,
    /// Which layer has each name in the copy that is being made.
    names: HashMap<String, usize>,
    /// The model that is being taken apart.
    within: String,
    /// Whether attention is called on tensors that nothing else is called on.
    pub(crate) apart_for_attention: bool,
    /// Whether merging layers that take masked values as they are, as Keras 3 does not, are called on tensors without masks.
    pub(crate) apart_for_merging: bool,
}

impl Copier {
    pub(crate) fn taking_apart(apart: HashSet<usize>) -> Self {
        Copier {
            apart,
            ..Copier::default()
        }
    }

    pub(crate) fn model(&mut self, model: &Model) -> Result<Model> {
        let copy = self.functional(model.functional())?;
        let copy = Model::from_functional(copy, model.get_name());
        if !model.trainable() {
            copy.any().freeze_alone();
        }
        Ok(copy)
    }

    pub(crate) fn functional(&mut self, functional: &Functional) -> Result<Functional> {
        let stay = |l: &&AnyLayer| !self.apart.contains(&l.id());
        let operations = functional.operations.iter();
        let names = operations.filter(stay);
        let names: HashMap<String, usize> =
            names.map(|l| (l.get_name().to_owned(), l.id())).collect();
        let is_sequential = functional.is_sequential && names.len() == functional.operations.len();
        let outer = (take(&mut self.tensors), replace(&mut self.names, names));
        functional
            .nodes
            .iter()
            .try_for_each(|n| self.copy_call(n))?;
        let inputs = functional.inputs.try_map(|t| self.tensor(t))?;
        let outputs = functional.outputs.try_map(|t| self.output(t))?;
        (self.tensors, self.names) = outer;
        let mut copy = Functional::new(inputs, outputs)?;
        copy.is_sequential = is_sequential;
        Ok(copy)
    }

    fn copy_call(&mut self, node: &Arc<Node>) -> Result<()> {
        if node.is_input() {
            return self.copy_input(node);
        }
        let mut inputs = node.inputs.try_map(|t| self.tensor(t))?;
        if self.apart_for_attention && keeps_masks(&node.layer, &node.inputs) {
            let copied = self.on_copies(&node.layer, inputs)?;
            inputs = copied.with_mask_rule(MaskRule::Taken);
        }
        if self.apart_for_merging
            && node.layer.properties().merging == MaskMerging::Keras2WithValues
        {
            inputs = inputs.try_map(|tensor| self.unmasked(&node.layer, tensor))?;
        }
        let outputs = match node.layer.options::<Functional>() {
            Some(_) if self.apart.contains(&node.layer.id()) && !has_tensors_alone(node) => {
                let message = "a nested model that shares layers with others and is called with further arguments, such as a \
                               mask, has no form that Keras opens";
                return Err(Error::new(ErrorKind::Unsupported, message)
                    .in_layer(node.layer.get_name(), node.layer.class_name()));
            }
            Some(nested) if self.apart.contains(&node.layer.id()) => {
                self.take_apart(node.layer.get_name(), nested, &inputs)?
            }
            _ => self.layer(&node.layer)?.call_structure(&inputs)?,
        };
        for (i, tensor) in outputs.into_leaves().into_iter().enumerate() {
            self.tensors.insert((Arc::as_ptr(node) as usize, i), tensor);
        }
        Ok(())
    }

    /// The call on tensors of its own, whose masks nobody else misses.
    fn on_copies(&mut self, layer: &AnyLayer, inputs: Inputs) -> Result<Inputs> {
        let roles = ["query", "value", "key"].into_iter().enumerate();
        let roles = roles.filter_map(|(i, role)| inputs.get(i, role)?.single()?.key());
        let mut copies: HashMap<TensorKey, Option<Tensor>> = roles.map(|key| (key, None)).collect();
        inputs.try_map(|tensor| {
            let Some(copy) = tensor.key().and_then(|key| copies.get_mut(&key)) else {
                return Ok(tensor.clone());
            };
            if let Some(copy) = copy {
                return Ok(copy.clone());
            }
            let same = Rescaling::new(1.0).name(self.free_name(layer));
            self.names
                .insert(same.get_name().to_owned(), same.any().id());
            Ok(copy.insert(same.call(tensor)?).clone())
        })
    }

    /// A tensor as one that has no mask in any Keras.
    fn unmasked(&mut self, layer: &AnyLayer, tensor: &Tensor) -> Result<Tensor> {
        let multiply = ops::operation("Multiply", &Config::new());
        let multiply =
            multiply.ok_or_else(|| Error::new(ErrorKind::Internal, "no function `multiply`"))?;
        let same = Handle::from_options(multiply).name(self.free_name(layer));
        self.names
            .insert(same.get_name().to_owned(), same.any().id());
        let outputs = same.any().call_structure(&Inputs::new(tensor).value(1))?;
        Tensor::from_structure(outputs)
    }

    /// A name for what makes an input of a layer.
    fn free_name(&self, layer: &AnyLayer) -> String {
        let name = format!("{}_input", layer.get_name());
        let more = (1..).map(|i| format!("{name}_{i}"));
        let mut names = [name.clone()].into_iter().chain(more);
        names
            .find(|name| !self.names.contains_key(name))
            .unwrap_or(name)
    }

    /// An input layer may belong to several models; it has one tensor in all of them.
    fn copy_input(&mut self, node: &Arc<Node>) -> Result<()> {
        let key = (Arc::as_ptr(node) as usize, 0);
        if !self.inputs.contains_key(&key) {
            let (specs, name) = (node.specs.clone(), node.layer.get_name());
            let layer = self.layer(&node.layer)?;
            let (outputs, recorded) = (node.outputs.clone(), Recorded::Input(Some(name)));
            let copy = layer.record(node.inputs.clone(), outputs, specs, recorded);
            let tensor = copy.tensors().into_leaves().into_iter().next();
            self.inputs.extend(tensor.map(|tensor| (key, tensor)));
        }
        self.tensors
            .extend(self.inputs.get(&key).map(|t| (key, t.clone())));
        Ok(())
    }

    /// The calls inside a nested model, on what the model is called on.
    fn take_apart(
        &mut self,
        name: &str,
        nested: &Functional,
        inputs: &Inputs,
    ) -> Result<Structure<Tensor>> {
        let given = nested.arrange(inputs.first()?)?.into_iter();
        let pairs = nested.flat_inputs.iter().zip(given);
        let mut tensors = HashMap::new();
        for (declared, given) in pairs {
            let given = fitted(declared, given)?;
            tensors.extend(declared.key().map(|key| (key, given)));
        }
        let outer = replace(&mut self.tensors, tensors);
        let around = replace(&mut self.within, name.to_owned());
        let mut calls = nested.nodes.iter().filter(|n| !n.is_input());
        calls.try_for_each(|node| self.copy_call(node))?;
        let outputs = nested.outputs.try_map(|t| self.tensor(t))?;
        self.tensors = outer;
        self.within = around;
        Ok(outputs)
    }

    fn layer(&mut self, layer: &AnyLayer) -> Result<AnyLayer> {
        if let Some((_, copy)) = self.layers.get(&layer.id()) {
            return Ok(copy.clone());
        }
        let copy = match layer.options::<Functional>() {
            // Layers that a nested model shares with its surroundings stay shared in the copy.
            Some(nested) => {
                let copy = self.functional(nested)?;
                let copy = Model::from_functional(copy, &self.name(layer)).any();
                if !layer.trainable() {
                    copy.freeze_alone();
                }
                copy
            }
            // Without its rule, which no mask needs any more.
            None if self.apart_for_merging
                && layer.properties().merging == MaskMerging::Keras2WithValues =>
            {
                let (mut config, own) = (layer.full_config(), layer.properties().own_options);
                config.retain(|key, _| !own.contains(&key.as_str()));
                config.insert("name".to_owned(), self.name(layer).into());
                serialized::another(layer, &config)?
            }
            None => layer.fresh_copy_named(&self.name(layer))?,
        };
        self.layers
            .insert(layer.id(), (layer.clone(), copy.clone()));
        Ok(copy)
    }

    /// A name that no other layer has in the copy that is being made: the layer's own, else one behind that of the model
    /// that is taken apart.
    fn name(&mut self, layer: &AnyLayer) -> String {
        let own = layer.get_name();
        let longer = format!("{}_{own}", self.within);
        let more = (1..).map(|i| format!("{longer}_{i}"));
        let mut names = [own.to_owned(), longer.clone()].into_iter().chain(more);
        let free = |name: &String| self.names.get(name).is_none_or(|&id| id == layer.id());
        let name = names.find(free).unwrap_or(longer);
        self.names.insert(name.clone(), layer.id());
        name
    }

    /// A tensor at the end of a model. Behind a model that is taken apart stands a layer of its name, by which the output
    /// goes on being called.
    fn output(&mut self, tensor: &Tensor) -> Result<Tensor> {
        let copy = self.tensor(tensor)?;
        let maker = tensor.as_symbolic().map(|s| &s.node.layer);
        match maker.filter(|l| self.apart.contains(&l.id())) {
            Some(model) => {
                // Several outputs behind one model are calls of one layer.
                let known = self.layers.get(&model.id()).map(|(_, end)| end.clone());
                let end = known.unwrap_or_else(|| {
                    let name = self.name(model);
                    Identity::new().name(name).any()
                });
                self.layers.insert(model.id(), (model.clone(), end.clone()));
                let outputs = end.call_structure(&Inputs::new(&copy))?;
                Tensor::from_structure(outputs)
            }
            None => Ok(copy),
        }
    }

    fn tensor(&self, tensor: &Tensor) -> Result<Tensor> {
        let found = tensor.key().and_then(|k| self.tensors.get(&k)).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::Internal, "a call was copied before its inputs"))
    }
}

/// A tensor brought to a declared input's type and rank, as a nested model does with what it is called on.
fn fitted(declared: &Tensor, given: &Tensor) -> Result<Tensor> {
    let (wanted, mut tensor) = (declared.spec(), given.clone());
    if given.dtype() != wanted.dtype {
        tensor = ops::cast(&tensor, wanted.dtype);
    }
    let (rank, wanted) = (given.shape().rank(), wanted.shape.rank());
    if rank == wanted + 1 {
        tensor = ops::squeeze(&tensor, -1);
    } else if rank + 1 == wanted {
        tensor = ops::expand_dims(&tensor, -1);
    }
    tensor.check()?;
    Ok(tensor)
}
