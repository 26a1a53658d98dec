//! A graph of layer calls as a layer.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use refrain_graph::{Dim, Shape, Spec};
use serde_json::Value as Json;

use super::clone::Copier;
use super::description::model_to_json;
use super::model::Model;
use super::order::{Order, keras2_layers, not_symbolic, order};
use super::submodel;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::core::{is_optional, not_optional};
use crate::layers::node::Node;
use crate::layers::{AnyLayer, Call, Graph, Layer, Properties, WeakHandle};
use crate::names;
use crate::ops::{self, gradient, prim};
use crate::structure::Structure;
use crate::tensor::{Tensor, TensorKey};
use crate::warnings;

/// A graph of layer calls between inputs and outputs.
pub(crate) struct Functional {
    /// Whether it is a stack of layers.
    pub(crate) is_sequential: bool,
    pub(crate) inputs: Structure<Tensor>,
    /// The same in flat order.
    pub(crate) flat_inputs: Vec<Tensor>,
    pub(crate) outputs: Structure<Tensor>,
    /// Names of the inputs, in flat order.
    pub(crate) input_names: Arc<[String]>,
    /// Names of the outputs' layers, in flat order; the same layer may appear twice.
    pub(crate) output_names: Arc<[String]>,
    /// All layers, inputs and functions of `ops` included, in Keras's order.
    pub(crate) operations: Vec<AnyLayer>,
    /// All calls in an order in which they can run.
    pub(crate) nodes: Vec<Arc<Node>>,
    /// The calls' distances from the outputs, in the same order.
    pub(crate) depths: Vec<usize>,
    /// The calls of all layers when the model is called once, those inside nested models included.
    pub(crate) total_calls: usize,
    /// What `training` keeps with the model, whose type no module below it knows.
    state: Mutex<Box<dyn Any + Send>>,
    own: OnceLock<WeakHandle<Functional>>,
}

impl Functional {
    /// The given tensors with the masks of the argument `mask`, where it has some.
    fn with_masks<'i>(
        &self,
        given: Vec<&'i Tensor>,
        inputs: &'i Inputs,
    ) -> Result<Vec<(&'i Tensor, Option<&'i Tensor>)>> {
        let Some(masks) = inputs.get(usize::MAX, "mask") else {
            return Ok(given.into_iter().map(|tensor| (tensor, None)).collect());
        };
        // Keras takes those of a dict in the order of its keys; those that were added here stand where their tensors do.
        let masks = match inputs.has_made_mask() {
            true => self.arrange(masks)?,
            false => masks.flatten(),
        };
        if masks.len() != given.len() {
            let expected = format!("{} masks, one for each input", given.len());
            let received = masks.len().to_string();
            return Err(Error::mismatch(ErrorKind::Structure, expected, received));
        }
        let masks = masks.into_iter();
        let masks = masks.map(|mask| Some(mask).filter(|mask| !mask.is_absent()));
        Ok(given.into_iter().zip(masks).collect())
    }

    /// The layers in the order of Keras 2, by which its files store their weights.
    pub(crate) fn keras2_layers(&self) -> Vec<AnyLayer> {
        let outputs = self.outputs.flatten();
        let inputs: Vec<&Tensor> = self.flat_inputs.iter().collect();
        keras2_layers(&inputs, &outputs).unwrap_or_else(|_| self.operations.clone())
    }

    /// The names that Keras 3 takes for the layers, in the order of `operations`.
    pub(crate) fn written_names(&self) -> Vec<String> {
        let names: Vec<&str> = self.operations.iter().map(AnyLayer::get_name).collect();
        names::without_slashes(&names)
    }

    pub(crate) fn new(inputs: Structure<Tensor>, outputs: Structure<Tensor>) -> Result<Self> {
        Functional::check_tensors(&inputs, "inputs")?;
        warnings::keys_are_no_names(&inputs);
        Functional::check_tensors(&outputs, "outputs")?;
        let (inputs, outputs) = submodel::with_own_inputs(inputs, outputs)?;
        let Order {
            layers,
            nodes,
            depths,
        } = order(&inputs.flatten(), &outputs.flatten())?;
        check_connected(&inputs, &nodes)?;
        check_names(&layers)?;
        let calls = nodes.iter().map(|node| {
            let nested = node.layer.options::<Functional>();
            nested.map_or(1, |f| f.total_calls)
        });
        Ok(Functional {
            is_sequential: false,
            input_names: Functional::layer_names(&inputs),
            output_names: Functional::layer_names(&outputs),
            flat_inputs: inputs.clone().into_leaves(),
            inputs,
            outputs,
            operations: layers,
            total_calls: calls.fold(0, usize::saturating_add),
            nodes,
            depths,
            state: Mutex::new(Box::new(())),
            own: OnceLock::new(),
        })
    }

    /// Lets the graph find the model that it is.
    pub(super) fn remember(&self, own: WeakHandle<Functional>) {
        // A graph becomes one model only.
        let _ = self.own.set(own);
    }

    /// The model that it is.
    pub(crate) fn model(&self) -> Option<Model> {
        let handle = self.own.get().and_then(WeakHandle::upgrade);
        handle.map(Model::from_handle)
    }

    /// Locks what `training` keeps with the model for some work; it begins as the default. The type is a parameter only since
    /// models are a level below the training that runs them.
    pub(crate) fn with_state<S: Default + Send + 'static, R>(
        &self,
        work: impl FnOnce(&mut S) -> R,
    ) -> R {
        let mut shared = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = shared.downcast_mut() {
            return work(state);
        }
        let mut state = S::default();
        let result = work(&mut state);
        *shared = Box::new(state);
        result
    }

    fn check_tensors(tensors: &Structure<Tensor>, what: &str) -> Result<()> {
        let flat = tensors.flatten();
        if flat.is_empty() {
            let expected = format!("at least one tensor in the model's {what}");
            return Err(Error::mismatch(ErrorKind::Structure, expected, "none"));
        }
        flat.iter().try_for_each(|t| {
            t.check()?;
            t.as_symbolic()
                .map(|_| ())
                .ok_or_else(|| not_symbolic("a tensor of a layer's `call`"))
        })
    }

    /// Whether a layer is one that Keras lists in `model.layers` (functions of `ops` are not; neither are the inputs of
    /// a `Sequential`).
    pub(crate) fn is_listed(&self, layer: &AnyLayer) -> bool {
        layer.options::<ops::Operation>().is_none() && !(self.is_sequential && layer.is_input())
    }

    /// Whether a tensor is part of this graph, or of that of a model within it.
    pub(crate) fn holds(&self, tensor: TensorKey) -> bool {
        let mut nodes = self.nodes.iter();
        nodes.any(|node| {
            Arc::as_ptr(node) as usize == tensor.0 || {
                let nested = node.layer.options::<Functional>();
                nested.is_some_and(|f| f.holds(tensor))
            }
        })
    }

    /// The name of the layer behind each flat tensor.
    fn layer_names(tensors: &Structure<Tensor>) -> Arc<[String]> {
        let name = |t: &Tensor| t.as_symbolic().map(|s| s.node.layer.get_name().to_owned());
        tensors.flatten().into_iter().filter_map(name).collect()
    }

    /// What losses and metrics of the outputs go by, in flat order: the keys of a dict of outputs, else their names.
    pub(crate) fn output_keys(&self) -> Vec<String> {
        match &self.outputs {
            Structure::Dict(outputs) if outputs.values().all(|o| o.single().is_some()) => {
                outputs.keys().cloned().collect()
            }
            _ => self.output_names.to_vec(),
        }
    }

    /// The flat tensors that a call gives for the model's inputs.
    pub(super) fn arrange<'a>(&self, given: &'a Structure<Tensor>) -> Result<Vec<&'a Tensor>> {
        let names = &*self.input_names;
        if let (Structure::Dict(given), false) = (given, matches!(self.inputs, Structure::Dict(_)))
        {
            return names.iter().map(|name| pick(given, name, names)).collect();
        }
        if let (Structure::Dict(given), Structure::Dict(expected)) = (given, &self.inputs) {
            let keys: Vec<String> = expected.keys().cloned().collect();
            let picked = expected.keys().map(|key| {
                let found = given.get(key).map(Structure::flatten);
                found.ok_or_else(|| missing_input(key, given.keys(), &keys))
            });
            let flat: Vec<Vec<&Tensor>> = picked.collect::<Result<_>>()?;
            return Ok(flat.concat());
        }
        Ok(given.flatten())
    }
}

fn pick<'a>(
    given: &'a std::collections::BTreeMap<String, Structure<Tensor>>,
    name: &str,
    names: &[String],
) -> Result<&'a Tensor> {
    let found = given.get(name).and_then(Structure::single);
    found.ok_or_else(|| missing_input(name, given.keys(), names))
}

fn missing_input<'a>(
    name: &str,
    given: impl Iterator<Item = &'a String>,
    expected: &[String],
) -> Error {
    let given: Vec<&String> = given.collect();
    Error::mismatch(
        ErrorKind::Structure,
        format!("an input `{name}` (the model has {expected:?})"),
        format!("inputs named {given:?}"),
    )
    .hint("Give all of them, under these names")
}

/// Refuses outputs that depend on an input that was not given.
fn check_connected(inputs: &Structure<Tensor>, nodes: &[Arc<Node>]) -> Result<()> {
    let declared: HashSet<TensorKey> = inputs.flatten().iter().filter_map(|t| t.key()).collect();
    let stray = nodes
        .iter()
        .find(|n| n.is_input() && !declared.contains(&(Arc::as_ptr(n) as usize, 0)));
    let Some(stray) = stray else { return Ok(()) };
    let user = nodes.iter().find(|n| {
        let mut tensors = n.inputs.tensors().into_iter();
        tensors.any(|t| t.as_symbolic().is_some_and(|s| Arc::ptr_eq(&s.node, stray)))
    });
    let reached = user.map_or_else(|| "an output".to_owned(), |n| n.label());
    Err(Error::new(
        ErrorKind::Graph,
        format!(
            "the outputs are not connected to the inputs alone: {reached} also depends on input `{}`, which is not among \
             the model's inputs",
            stray.layer.get_name()
        ),
    )
    .hint("Add it to the inputs, or choose an output that does not need it"))
}

fn check_names(layers: &[AnyLayer]) -> Result<()> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for layer in layers {
        *counts.entry(layer.get_name()).or_default() += 1;
    }
    let repeated = layers.iter().find(|l| counts[l.get_name()] > 1);
    let Some(layer) = repeated else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Graph,
        format!(
            "the name `{}` is used {} times in the model; all layers must have names of their own",
            layer.get_name(),
            counts[layer.get_name()]
        ),
    )
    .hint("Name one of them with `.name(...)`"))
}

impl Layer for Functional {
    type Output = Structure<Tensor>;

    fn class_name(&self) -> &str {
        match self.is_sequential {
            true => "Sequential",
            false => "Functional",
        }
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: &["inputs", "training", "mask"],
            ..Properties::default()
        }
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Structure<Tensor>> {
        let given = self.arrange(inputs.first()?)?;
        let expected = &self.flat_inputs;
        if given.len() != expected.len() {
            return Err(Error::mismatch(
                ErrorKind::Structure,
                format!("{} inputs {:?}", expected.len(), self.input_names),
                given.len().to_string(),
            )
            .hint("Give all of them, as a list in this order or as pairs of names and tensors"));
        }
        let given = self.with_masks(given, inputs)?;
        let differentiated = self.nodes.iter().filter_map(|node| gradient::wrt(node));
        differentiated.for_each(|key| cx.trace.watch(key));
        let mut values: HashMap<TensorKey, Tensor> = HashMap::new();
        for (symbolic, (tensor, mask)) in expected.iter().zip(given) {
            let key = symbolic
                .key()
                .ok_or_else(|| not_symbolic("a traced tensor"))?;
            let mut value = match tensor.check() {
                Ok(()) => standardize(symbolic, tensor)?,
                Err(_) if is_optional(symbolic) => tensor.clone(),
                Err(_) => return Err(not_optional(symbolic.name())),
            };
            if let Some(mask) = mask {
                // As in Keras, it stays on the tensor.
                value = value.with_mask(Some(mask.clone()));
                value.hang_mask(Some(mask));
            }
            values.insert(key, cx.trace.note(key, value)?);
        }
        for node in self.nodes.iter().filter(|n| !n.is_input()) {
            run(node, cx, &mut values)?;
        }
        let output = |t: &Tensor| Ok(lookup(&values, t)?.with_hung_mask());
        self.outputs.try_map(output)
    }

    fn casts_inputs(&self) -> bool {
        false
    }

    fn supports_masking(&self) -> bool {
        true
    }

    /// Outputs keep the masks that their own layers gave them.
    fn compute_mask(
        &self,
        _cx: &Call,
        _inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        Ok(outputs.iter().map(Tensor::mask).collect())
    }

    fn duplicate(&self) -> Option<Self> {
        Copier::default().functional(self).ok()
    }

    fn graph(&self) -> Option<&dyn Graph> {
        Some(self)
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        self.operations
            .iter()
            .map(|l| ("layers".to_owned(), l.clone()))
            .collect()
    }
}

impl Graph for Functional {
    fn inputs(&self) -> &Structure<Tensor> {
        &self.inputs
    }

    fn outputs(&self) -> &Structure<Tensor> {
        &self.outputs
    }

    fn is_sequential(&self) -> bool {
        self.is_sequential
    }

    fn to_json(&self, layer: &AnyLayer) -> Json {
        model_to_json(layer, self)
    }
}

fn lookup(values: &HashMap<TensorKey, Tensor>, tensor: &Tensor) -> Result<Tensor> {
    let found = tensor.key().and_then(|k| values.get(&k)).cloned();
    found.ok_or_else(|| Error::new(ErrorKind::Internal, "a call was lowered before its inputs"))
}

/// Lowers one call.
fn run(node: &Arc<Node>, cx: &Call, values: &mut HashMap<TensorKey, Tensor>) -> Result<()> {
    let inputs = node
        .inputs
        .try_map(|t| Ok(lookup(values, t)?.with_hung_mask()))?;
    let inputs = match node.layer.options::<Functional>() {
        Some(_) => Ok(inputs), // its own inputs may be optional in turn
        None => inputs.without_absent(),
    };
    let call = Some(node.index + 1);
    let lowered = inputs.and_then(|inputs| node.layer.lower_as(&cx.trace, &inputs, call));
    let outputs = lowered.map_err(|e| {
        e.in_layer(node.layer.get_name(), node.layer.class_name())
            .at_call(node.index + 1)
    })?;
    for (i, tensor) in outputs.into_leaves().into_iter().enumerate() {
        let key = (Arc::as_ptr(node) as usize, i);
        values.insert(key, cx.trace.note(key, tensor)?);
    }
    Ok(())
}

/// Brings a given tensor to an input's type, and `(N,)` to `(N, 1)` or back, as Keras does.
fn standardize(symbolic: &Tensor, given: &Tensor) -> Result<Tensor> {
    let expected = symbolic.spec();
    let mut tensor = ops::cast(given, expected.dtype);
    if given.dtype() == expected.dtype {
        tensor = given.clone();
    }
    if let Some(shape) = adjusted(&expected, &given.shape()) {
        tensor = prim::reshape(&tensor, shape)?;
    }
    if !same_but_batch(&tensor.shape(), &expected.shape) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("shape {} for input `{}`", expected.shape, symbolic.name()),
            format!("shape {}", given.shape()),
        )
        .hint("Give the inputs in the model's order, each with its declared shape"));
    }
    tensor.check()?;
    Ok(tensor.with_mask(given.mask()))
}

/// Whether the shapes fit from the second axis on. A declared batch size binds only layers that keep states.
fn same_but_batch(given: &Shape, expected: &Shape) -> bool {
    let mut pairs = given.dims().iter().zip(expected.dims()).skip(1);
    let fits = |(g, e): (&Dim, &Dim)| g.is_none_or(|g| e.is_none_or(|e| g == e));
    given.rank() == expected.rank() && pairs.all(fits)
}

/// The shape with a last axis of size 1 added or dropped, where that makes the rank fit.
fn adjusted(expected: &Spec, given: &Shape) -> Option<Shape> {
    let mut dims: Vec<Dim> = given.dims().to_vec();
    let rank = expected.shape.rank();
    if dims.len() == rank + 1 && dims.last() == Some(&Some(1)) {
        dims.pop();
    } else if dims.len() + 1 == rank && expected.shape.dims().last() == Some(&Some(1)) {
        dims.push(Some(1));
    } else {
        return None;
    }
    Some(dims.into())
}
