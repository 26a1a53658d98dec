//! What the calls of a layer were made on, and what came out of them.

use std::sync::{Arc, Weak};

use super::handle::{AnyLayer, Handle};
use super::layer::{Layer, Outputs};
use super::node::Node;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// The calls of a layer. They are not kept alive by it: models and tensors hold their calls, and calls their layers.
#[derive(Default)]
pub(crate) struct Connections {
    made: usize,
    nodes: Vec<Weak<Node>>,
}

impl Connections {
    /// How many calls there have been.
    pub(crate) fn made(&self) -> usize {
        self.made
    }

    /// Adds the node that is made of the number of calls before it.
    pub(crate) fn add(&mut self, node: impl FnOnce(usize) -> Node) -> Arc<Node> {
        if self.nodes.len() == self.nodes.capacity() {
            self.nodes.retain(|node| node.strong_count() > 0);
        }
        let node = Arc::new(node(self.made));
        self.nodes.push(Arc::downgrade(&node));
        self.made += 1;
        node
    }

    /// The calls that a model or a tensor still holds, in order.
    fn alive(&self) -> Vec<Arc<Node>> {
        self.nodes.iter().filter_map(Weak::upgrade).collect()
    }
}

/// What a layer was called on or gave.
#[derive(Clone, Copy)]
enum End {
    Input,
    Output,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            End::Input => "input",
            End::Output => "output",
        }
    }

    /// The tensors at this end of a call.
    fn of(self, node: &Arc<Node>) -> Structure<Tensor> {
        match self {
            End::Output => node.tensors(),
            End::Input => match node.inputs.first() {
                Ok(first) if node.inputs.tensors().len() == first.flatten().len() => first.clone(),
                _ => Structure::list(node.inputs.tensors().into_iter().cloned()),
            },
        }
    }
}

impl AnyLayer {
    /// What the layer gave in its only call: the tensor to go on from, or to end a model at. Of a model it is the model's
    /// own output; what a call of it gave is [`output_at`](AnyLayer::output_at).
    ///
    /// It is there for as long as a model or a tensor has a part in that call; the layer alone does not keep it. Calls
    /// that [`Model::new`](crate::Model::new) repeats behind an inner tensor count beside the call that they repeat only for `output_at`.
    ///
    /// ```
    /// use refrain::layers::Dense;
    /// use refrain::{Model, Sequential};
    /// let base = Sequential::new([8]).add(Dense::new(4).name("features")).add(Dense::new(2)).build()?;
    /// let features = base.get_layer("features")?;
    /// features.set_trainable(false);
    /// let model = Model::new(base.input(), &Dense::new(3).call(&features.output()?)?)?;
    /// assert_eq!(model.trainable_weights().len(), 2);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// The layer has not been called, was called several times, or gave several tensors
    /// ([`outputs_at`](AnyLayer::outputs_at) gives them all).
    pub fn output(&self) -> Result<Tensor> {
        self.one(self.end(End::Output)?, End::Output)
    }

    /// What the layer was called on in its only call. Of a model it is the model's own input.
    ///
    /// # Errors
    /// The layer has not been called, was called several times, or on several tensors
    /// ([`inputs_at`](AnyLayer::inputs_at) gives them all).
    pub fn input(&self) -> Result<Tensor> {
        self.one(self.end(End::Input)?, End::Input)
    }

    /// What a call gave (0 is the first), whatever model it belongs to; Keras 2 has this as `get_output_at`.
    ///
    /// ```
    /// use refrain::{input, layers::Dense};
    /// let (shared, a, b) = (Dense::new(4), input([3]), input([3]));
    /// let (first, second) = (shared.call(&a)?, shared.call(&b)?);
    /// assert!(shared.any().output().is_err());
    /// assert_eq!(shared.any().output_at(1)?.name(), second.name());
    /// assert_eq!(shared.any().input_at(0)?.name(), a.name());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such call, nothing holds its tensors any more, or it gave several
    /// ([`outputs_at`](AnyLayer::outputs_at) gives them all).
    pub fn output_at(&self, call: usize) -> Result<Tensor> {
        self.one(self.outputs_at(call)?, End::Output)
    }

    /// What a call was made on (0 is the first).
    ///
    /// # Errors
    /// There is no such call, nothing holds its tensors any more, or there are several
    /// ([`inputs_at`](AnyLayer::inputs_at) gives them all).
    pub fn input_at(&self, call: usize) -> Result<Tensor> {
        let node = self.node_at(call)?;
        self.one(End::Input.of(&node), End::Input)
    }

    /// All that a call gave (0 is the first), in the structure that the layer gives it in.
    ///
    /// # Errors
    /// There is no such call, or nothing holds its tensors any more.
    pub fn outputs_at(&self, call: usize) -> Result<Structure<Tensor>> {
        Ok(self.node_at(call)?.tensors())
    }

    /// All that a call was made on (0 is the first): the arguments as they were given.
    ///
    /// # Errors
    /// There is no such call, or nothing holds its tensors any more.
    pub fn inputs_at(&self, call: usize) -> Result<Inputs> {
        Ok(self.node_at(call)?.inputs.clone())
    }

    fn end(&self, end: End) -> Result<Structure<Tensor>> {
        match (self.graph(), end) {
            (Some(model), End::Input) => Ok(model.inputs().clone()),
            (Some(model), End::Output) => Ok(model.outputs().clone()),
            (None, end) => self.only_node(end).map(|node| end.of(&node)),
        }
    }

    fn only_node(&self, end: End) -> Result<Arc<Node>> {
        let mut nodes = self.connections().alive();
        if nodes.iter().any(|node| !node.repeated) {
            nodes.retain(|node| !node.repeated);
        }
        let end = end.name();
        match (nodes.pop(), nodes.len()) {
            (Some(node), 0) => Ok(node),
            (None, _) if self.calls() > 0 => Err(self.gone()),
            (None, _) => {
                let message = format!("the layer has never been called and has no {end}");
                Err(self.refuse(&message).hint("Call it first"))
            }
            (Some(_), others) => {
                let calls = others + 1;
                let message =
                    format!("the layer has been called {calls} times and has no single {end}");
                let hint = format!("Name the call: `{end}_at(0)` is that of the first");
                Err(self.refuse(&message).hint(hint))
            }
        }
    }

    fn node_at(&self, call: usize) -> Result<Arc<Node>> {
        let nodes = self.connections().alive();
        let found = nodes.into_iter().find(|node| node.index == call);
        found.ok_or_else(|| match self.calls() {
            made if call < made => self.gone(),
            0 => self.refuse(&format!("no call {call}: it has never been called")),
            made => {
                let last = made - 1;
                self.refuse(&format!("no call {call}; its calls are 0 to {last}"))
            }
        })
    }

    fn one(&self, tensors: Structure<Tensor>, end: End) -> Result<Tensor> {
        let count = tensors.flatten().len();
        let mut leaves = tensors.into_leaves();
        match (leaves.pop(), count) {
            (Some(tensor), 1) => Ok(tensor),
            (None, _) => Err(self.refuse("an input layer is called on nothing")),
            (Some(_), count) => {
                let end = end.name();
                let error = self.refuse(&format!("the layer has {count} {end} tensors, not one"));
                Err(match self.is_model() {
                    true => error.hint(format!("`as_model()?.{end}()` gives them all")),
                    false => error.hint(format!("`{end}s_at(0)` gives all of the first call")),
                })
            }
        }
    }

    fn gone(&self) -> Error {
        let error = self.refuse("neither a model nor a tensor holds this call any more");
        error.hint("Keep the model, or a tensor that depends on the call")
    }

    pub(crate) fn refuse(&self, message: &str) -> Error {
        let error = Error::new(ErrorKind::Graph, message);
        error.in_layer(self.get_name(), self.class_name())
    }
}

impl<L: Layer> Handle<L> {
    /// What the layer gave in its only call; see [`AnyLayer::output`].
    ///
    /// ```
    /// use refrain::{input, layers::{Dense, Lstm}};
    /// let (dense, lstm) = (Dense::new(4), Lstm::new(8).return_state(true));
    /// let x = dense.call(&input([5, 3]))?;
    /// let y = lstm.call(&x)?;
    /// assert_eq!(dense.output()?.name(), x.name());
    /// assert_eq!(lstm.output()?.state.len(), 2);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// The layer has not been called, or several times.
    pub fn output(&self) -> Result<L::Output> {
        L::Output::from_structure(self.any().end(End::Output)?)
    }

    /// What the layer was called on in its only call; see [`AnyLayer::input`].
    ///
    /// # Errors
    /// The layer has not been called, was called several times, or on several tensors.
    pub fn input(&self) -> Result<Tensor> {
        self.any().input()
    }

    /// What a call gave (0 is the first); see [`AnyLayer::output_at`].
    ///
    /// # Errors
    /// There is no such call, or nothing holds its tensors any more.
    pub fn output_at(&self, call: usize) -> Result<L::Output> {
        L::Output::from_structure(self.any().outputs_at(call)?)
    }

    /// What a call was made on (0 is the first); see [`AnyLayer::input_at`].
    ///
    /// # Errors
    /// There is no such call, nothing holds its tensors any more, or it was made on several.
    pub fn input_at(&self, call: usize) -> Result<Tensor> {
        self.any().input_at(call)
    }
}
