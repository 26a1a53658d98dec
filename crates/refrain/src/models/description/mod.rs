//! Models as Keras's JSON.

pub(crate) mod arguments;
mod unrolling;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use self::arguments::{Reference, inputs_to_json, structure_to_json, tensor_to_json};
use super::functional::Functional;
use super::taken_masks::{keeps_masks, loses_masks};
use crate::config::dtype_policy;
use crate::layers::node::Node;
use crate::layers::{AnyLayer, serialized};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// What is written of a call of attention that leaves its inputs their masks, which Keras 3 takes off.
pub(crate) const KEEPS_MASKS: &str = "keeps_masks";

/// What is written of a call that loses the mask of an input, which its output keeps in Keras 3.
pub(crate) const LOSES_MASKS: &str = "loses_masks";

/// Keras's serialised form of a model.
pub(crate) fn model_to_json(layer: &AnyLayer, functional: &Functional) -> Json {
    match functional.is_sequential {
        true => sequential(layer, functional),
        false => graph(layer, functional),
    }
}

fn graph(layer: &AnyLayer, functional: &Functional) -> Json {
    let calls = Calls::of(functional);
    let layers = functional.operations.iter().map(|l| calls.layer_to_json(l));
    json!({
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": layer.get_name().replace('/', "_"),
            "trainable": layer.trainable(),
            "layers": layers.collect::<Vec<_>>(),
            "input_layers": calls.ends(&functional.inputs),
            "output_layers": calls.ends(&functional.outputs),
        },
        "registered_name": "Functional",
        "build_config": { "input_shape": null },
        "compile_config": {},
    })
}

fn sequential(layer: &AnyLayer, functional: &Functional) -> Json {
    let calls = Calls::of(functional);
    let layers = functional.operations.iter();
    let layers = layers.map(|l| {
        let mut json = calls.described(l);
        if calls
            .nodes(l)
            .iter()
            .any(|node| !loses_masks(node).is_empty())
        {
            json[LOSES_MASKS] = true.into();
        }
        json
    });
    let input = functional.inputs.single().map(Tensor::shape);
    let shape = input.as_ref().map(|shape| json!(shape.dims()));
    json!({
        "module": "keras",
        "class_name": "Sequential",
        "config": {
            "name": layer.get_name().replace('/', "_"),
            "trainable": layer.trainable(),
            "dtype": dtype_policy(layer.dtype()),
            "layers": layers.collect::<Vec<_>>(),
            "build_input_shape": shape,
        },
        "registered_name": null,
        "build_config": { "input_shape": shape },
        "compile_config": {},
    })
}

/// A layer's description under a name that Keras 3 takes.
fn named(mut json: Json, name: &str) -> Json {
    json["config"]["name"] = name.into();
    json
}

/// The calls of a model by layer, numbered from 0 within the model.
struct Calls<'m> {
    by_layer: HashMap<usize, Vec<&'m Arc<Node>>>,
    names: HashMap<usize, String>,
}

impl<'m> Calls<'m> {
    fn of(functional: &'m Functional) -> Self {
        let mut by_layer: HashMap<usize, Vec<&Arc<Node>>> = HashMap::new();
        for node in &functional.nodes {
            by_layer.entry(node.layer.id()).or_default().push(node);
        }
        by_layer
            .values_mut()
            .for_each(|nodes| nodes.sort_by_key(|n| n.index));
        let layers = functional.operations.iter().map(AnyLayer::id);
        let names = layers.zip(functional.written_names()).collect();
        Calls { by_layer, names }
    }

    fn name<'n>(&'n self, layer: &'n AnyLayer) -> &'n str {
        let name = self.names.get(&layer.id());
        name.map_or(layer.get_name(), String::as_str)
    }

    fn nodes(&self, layer: &AnyLayer) -> &[&'m Arc<Node>] {
        self.by_layer.get(&layer.id()).map_or(&[][..], |n| n)
    }

    /// A layer as Keras 3 has it.
    fn described(&self, layer: &AnyLayer) -> Json {
        let mut json = named(serialized::to_json(layer), self.name(layer));
        unrolling::unroll(&mut json, layer, self.nodes(layer));
        json
    }

    fn layer_to_json(&self, layer: &AnyLayer) -> Json {
        let mut json = self.described(layer);
        let calls = self.nodes(layer).iter().filter(|node| !node.is_input());
        let calls = calls.map(|node| {
            let mut json = inputs_to_json(&node.inputs, |t| self.tensor_to_json(t));
            if keeps_masks(layer, &node.inputs) {
                json[KEEPS_MASKS] = true.into();
            }
            if !loses_masks(node).is_empty() {
                json[LOSES_MASKS] = true.into();
            }
            json
        });
        json["name"] = self.name(layer).into();
        json["inbound_nodes"] = calls.collect();
        json
    }

    fn tensor_to_json(&self, tensor: &Tensor) -> Json {
        let reference = self.reference(tensor, 0);
        reference.map_or(Json::Null, |r| tensor_to_json(tensor, &r))
    }

    /// Which call of the model makes a tensor, counted from 0; those of nested models from `nested`. A model's graph
    /// holds the makers of all its tensors.
    fn reference(&self, tensor: &Tensor, nested: usize) -> Option<Reference> {
        let symbolic = tensor.as_symbolic()?;
        let layer = &symbolic.node.layer;
        let calls = self.by_layer.get(&layer.id())?;
        let node = calls.iter().position(|n| Arc::ptr_eq(n, &symbolic.node))?;
        let first = match layer.is_graph() {
            true => nested,
            false => 0,
        };
        Some(Reference {
            layer: self.name(layer).to_owned(),
            node: node + first,
            index: symbolic.index,
        })
    }

    /// The tensors at a model's ends. Keras counts the calls of nested models from 1 there.
    fn ends(&self, tensors: &Structure<Tensor>) -> Json {
        let ends = tensors.map(|tensor| {
            let reference = self.reference(tensor, 1);
            reference.map_or(Json::Null, |r| r.to_json())
        });
        structure_to_json(&ends)
    }
}
