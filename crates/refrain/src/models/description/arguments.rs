//! Arguments of layer calls as Keras writes them: tensors as references to calls, everything else as it is.

use refrain_graph::{DType, Shape, Spec};
use serde_json::{Map, Value as Json, json};

use crate::config::{shown, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::{Argument, Inputs, TRAINING};
use crate::ops::{array_from_json, array_to_json, is_array};
use crate::structure::Structure;
use crate::tensor::Tensor;

/// Keras's class of a reference to a tensor.
const KERAS_TENSOR: &str = "__keras_tensor__";

/// One output of one call of a layer: the layer's name, the position of the call, the position of the output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) layer: String,
    pub(crate) node: usize,
    pub(crate) index: usize,
}

impl Reference {
    /// From `[layer, node, index]`.
    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        let [layer, node, index] = json.as_array()?.as_slice() else {
            return None;
        };
        Some(Reference {
            layer: layer.as_str()?.to_owned(),
            node: usize::try_from(node.as_u64()?).ok()?,
            index: usize::try_from(index.as_u64()?).ok()?,
        })
    }

    pub(crate) fn to_json(&self) -> Json {
        json!([self.layer, self.node, self.index])
    }

    /// From a tensor object, with the shape and type that it has there.
    pub(crate) fn described(json: &Json) -> Option<(Self, Spec)> {
        let reference = Reference::of_tensor(json)?.ok()?;
        let config = &json["config"];
        let shape = shape_from_json(&config["shape"])?;
        let dtype = DType::from_keras_name(config["dtype"].as_str()?)?;
        Some((reference, Spec::new(shape, dtype)))
    }

    /// From a tensor object, if it is one.
    fn of_tensor(json: &Json) -> Option<Result<Self>> {
        if json["class_name"].as_str() != Some(KERAS_TENSOR) {
            return None;
        }
        let history = &json["config"]["keras_history"];
        Some(
            Reference::from_json(history)
                .ok_or_else(|| unexpected("[layer, node, tensor]", history)),
        )
    }
}

/// A shape, if it is one: a list of sizes, of which some may not be known.
pub(crate) fn shape_from_json(json: &Json) -> Option<Shape> {
    let size = |json: &Json| match json {
        Json::Null => Some(None),
        json => usize::try_from(json.as_u64()?).ok().map(Some),
    };
    json.as_array()?.iter().map(size).collect()
}

/// All tensors in arguments of calls, with their shapes.
pub(crate) fn described(json: &Json, found: &mut Vec<(Reference, Spec)>) {
    if let Some(tensor) = Reference::described(json) {
        found.push(tensor);
        return;
    }
    match json {
        Json::Array(items) => items.iter().for_each(|item| described(item, found)),
        Json::Object(map) => map.values().for_each(|item| described(item, found)),
        _ => {}
    }
}

/// A tensor as Keras refers to it.
pub(crate) fn tensor_to_json(tensor: &Tensor, reference: &Reference) -> Json {
    json!({
        "class_name": KERAS_TENSOR,
        "config": {
            "shape": tensor.shape().dims(),
            "dtype": tensor.dtype().keras_name(),
            "keras_history": reference.to_json(),
        },
    })
}

/// A constant as Keras writes it, or `null` for a tensor that was not given.
fn constant_to_json(tensor: &Tensor) -> Json {
    let literal = tensor.as_constant();
    literal.map_or(Json::Null, |literal| array_to_json(literal))
}

/// All references in an argument, in order.
pub(crate) fn references(json: &Json, found: &mut Vec<Reference>) -> Result<()> {
    if let Some(reference) = Reference::of_tensor(json) {
        found.push(reference?);
        return Ok(());
    }
    match json {
        Json::Array(items) => items.iter().try_for_each(|item| references(item, found)),
        Json::Object(map) => map.values().try_for_each(|item| references(item, found)),
        _ => Ok(()),
    }
}

/// The arguments of a call, with each reference replaced by its tensor.
pub(crate) fn inputs_from_json(
    args: &[Json],
    kwargs: &Map<String, Json>,
    mut find: impl FnMut(&Reference) -> Result<Tensor>,
) -> Result<Inputs> {
    let mut inputs = Inputs::default();
    for json in args {
        inputs = match argument(json, &mut find)? {
            Argument::Tensors(tensors) => inputs.arg(tensors),
            Argument::Value(value) => inputs.value(value),
        };
    }
    for (name, json) in kwargs {
        inputs = match argument(json, &mut find)? {
            Argument::Tensors(tensors) => inputs.kwarg(name, tensors),
            Argument::Value(value) => inputs.option(name, value),
        };
    }
    Ok(inputs)
}

/// What the leaves of an argument are.
#[derive(Default)]
struct Leaves<'j> {
    references: bool,
    arrays: bool,
    /// The first number, text, …; `null` may stand among tensors.
    plain: Option<&'j Json>,
}

impl<'j> Leaves<'j> {
    fn of(json: &'j Json) -> Self {
        let mut leaves = Leaves::default();
        leaves.visit(json);
        leaves
    }

    fn visit(&mut self, json: &'j Json) {
        match json {
            _ if json["class_name"].as_str() == Some(KERAS_TENSOR) => self.references = true,
            _ if is_array(json) => self.arrays = true,
            Json::Array(items) => items.iter().for_each(|item| self.visit(item)),
            Json::Object(map) => map.values().for_each(|item| self.visit(item)),
            Json::Null => {}
            leaf => self.plain = self.plain.or(Some(leaf)),
        }
    }
}

fn argument(json: &Json, find: &mut impl FnMut(&Reference) -> Result<Tensor>) -> Result<Argument> {
    let leaves = Leaves::of(json);
    match leaves.plain {
        None if leaves.references || leaves.arrays => structure(json, find).map(Argument::Tensors),
        Some(plain) if leaves.references => {
            let plain = shown(plain);
            let message = format!("tensors and plain values (`{plain}`) in one argument");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        _ => Ok(Argument::Value(json.clone())),
    }
}

fn structure(
    json: &Json,
    find: &mut impl FnMut(&Reference) -> Result<Tensor>,
) -> Result<Structure<Tensor>> {
    if let Some(reference) = Reference::of_tensor(json) {
        return find(&reference?).map(Structure::Leaf);
    }
    if let Some(literal) = array_from_json(json)? {
        return Ok(Structure::Leaf(Tensor::constant(literal)));
    }
    match json {
        Json::Array(items) => {
            let items = items.iter().map(|item| structure(item, find));
            items.collect::<Result<_>>().map(Structure::List)
        }
        Json::Object(map) => {
            let items = map
                .iter()
                .map(|(k, item)| Ok((k.clone(), structure(item, find)?)));
            items.collect::<Result<_>>().map(Structure::Dict)
        }
        _ => Ok(Structure::Leaf(Tensor::absent(Error::mismatch(
            ErrorKind::Structure,
            "a tensor",
            "None",
        )))),
    }
}

/// The arguments of a call as Keras writes them.
pub(crate) fn inputs_to_json(inputs: &Inputs, mut refer: impl FnMut(&Tensor) -> Json) -> Json {
    let mut leaf = |tensor: &Tensor| match tensor.is_computed() {
        true => refer(tensor),
        false => constant_to_json(tensor),
    };
    let mut write = |argument: &Argument| match argument {
        Argument::Tensors(tensors) => structure_to_json(&tensors.map(&mut leaf)),
        Argument::Value(value) => value.clone(),
    };
    let args: Vec<Json> = inputs.args().iter().map(&mut write).collect();
    let kwargs = inputs.kwargs().iter();
    let mut kwargs: Map<String, Json> = kwargs.map(|(k, a)| (k.clone(), write(a))).collect();
    if let Some(training) = inputs.overridden_training() {
        kwargs.insert(TRAINING.to_owned(), training.clone());
    }
    json!({ "args": args, "kwargs": kwargs })
}

/// A structure of JSON values as JSON.
pub(crate) fn structure_to_json(structure: &Structure<Json>) -> Json {
    match structure {
        Structure::Leaf(leaf) => leaf.clone(),
        Structure::List(items) | Structure::Tuple(items) => {
            items.iter().map(structure_to_json).collect()
        }
        Structure::Dict(items) => items
            .iter()
            .map(|(k, item)| (k.clone(), structure_to_json(item)))
            .collect(),
    }
}
