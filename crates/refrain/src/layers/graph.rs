//! What layers are asked for that are graphs of layers.

use serde_json::Value as Json;

use super::AnyLayer;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A layer that is a graph of layers: a model.
pub trait Graph {
    /// The tensors that it begins at.
    fn inputs(&self) -> &Structure<Tensor>;
    /// The tensors that it ends at.
    fn outputs(&self) -> &Structure<Tensor>;
    /// Whether it is a stack of layers.
    fn is_sequential(&self) -> bool;
    /// Keras's serialised form; `layer` is the graph itself as a layer.
    fn to_json(&self, layer: &AnyLayer) -> Json;
}
