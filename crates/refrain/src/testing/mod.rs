//! What refrain's own tests see of its inside. Not part of the public interface.

mod program;
pub mod storage;

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::Tensor;
use crate::config::Config;
use crate::error::Result;
use crate::lambda::{self, Expression};
use crate::layers::node::Node;
use crate::layers::{AnyLayer, registry, serialized};
use crate::models::Model;
use crate::ops::{self, Operation};
use crate::saving;

pub use program::{Masked, Program, full_config, infer, symbolic, trace};

/// The names of all built-in classes.
pub fn classes() -> impl Iterator<Item = &'static str> {
    registry::classes()
}

/// The functions that can stand in a file: their classes, and their names in `ops`, if they are there.
pub fn functions() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    ops::definitions().map(|def| (def.class, def.function))
}

/// A layer from its class and Keras's configuration of it.
pub fn layer(class: &str, config: &Config) -> Result<AnyLayer> {
    from_json(&json!({ "class_name": class, "config": config }))
}

/// A layer from Keras's serialised form.
pub fn from_json(json: &Json) -> Result<AnyLayer> {
    serialized::from_json(json, &saving::config::reader())
}

/// Keras's serialised form of a layer.
pub fn to_json(layer: &AnyLayer) -> Json {
    serialized::to_json(layer)
}

/// All operations of a model in its order, each with its calls that belong to the model.
pub fn operations(model: &Model) -> Json {
    let functional = model.functional();
    let calls = functional.nodes.iter().zip(&functional.depths);
    let operation = |layer: &AnyLayer| {
        let mut own: Vec<(&Arc<Node>, &usize)> =
            calls.clone().filter(|(n, _)| n.layer == *layer).collect();
        own.sort_by_key(|(n, _)| n.index);
        json!({
            "name": layer.get_name(),
            "class_name": layer.class_name(),
            "is_layer": layer.options::<Operation>().is_none(),
            "calls": own.into_iter().map(|(n, &depth)| call(n, depth)).collect::<Vec<_>>(),
        })
    };
    functional.operations.iter().map(operation).collect()
}

fn call(node: &Node, depth: usize) -> Json {
    let inputs = node.inputs.tensors();
    let shapes = node.specs.iter().map(|output| output.spec.shape.dims());
    json!({
        "node": node.index,
        "depth": depth,
        "inputs": inputs.iter().map(|t| source(t)).collect::<Vec<_>>(),
        "output_shapes": shapes.collect::<Vec<_>>(),
    })
}

/// `[operation, call, output]`.
pub fn source(tensor: &Tensor) -> Json {
    match tensor.as_symbolic() {
        Some(s) => json!([s.node.layer.get_name(), s.node.index, s.index]),
        None => Json::Null,
    }
}

/// The expression that the Python code of a Lambda layer computes, from the layer's `function` and `arguments`.
pub fn decode_lambda(function: &Json, arguments: &Config) -> Result<Expression> {
    lambda::decode(function, arguments)
}
