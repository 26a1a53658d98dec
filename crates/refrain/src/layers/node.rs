//! One call of a layer.

use std::cell::RefCell;
use std::collections::HashSet;
use std::mem::take;
use std::sync::{Arc, OnceLock};

use refrain_graph::Spec;

use super::handle::AnyLayer;
use crate::inputs::Inputs;
use crate::names;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// One call of a layer in a declared graph: the layer, the arguments, and what came out.
pub(crate) struct Node {
    pub(crate) layer: AnyLayer,
    /// Empty for the node of an input layer.
    pub(crate) inputs: Inputs,
    /// The position among the layer's calls (0 is the first), whatever model they belong to.
    pub(crate) index: usize,
    /// The structure of the outputs: each leaf is a flat position.
    pub(crate) outputs: Structure<usize>,
    /// What is known of the flat outputs.
    pub(crate) specs: Vec<OutputSpec>,
    /// The names of the flat outputs.
    pub(crate) names: Vec<String>,
    /// Whether it repeats another call, for a model that begins at an inner tensor.
    pub(crate) repeated: bool,
    /// Whether the outputs carry masks that were put together of several, in a way or under names that Keras 3 does not have.
    pub(crate) merges_masks: bool,
    /// The masks of the flat outputs as tensors of the graph, once they have been asked for.
    pub(crate) masks: OnceLock<Vec<Option<Tensor>>>,
}

/// What is known of an output of a call.
#[derive(Clone, Debug)]
pub(crate) struct OutputSpec {
    pub(crate) spec: Spec,
    /// Shape and type of the mask that it will carry.
    pub(crate) mask: Option<Spec>,
    /// Which of the call's flat input tensors it is: a call that does nothing gives what it was given.
    pub(crate) same_as: Option<usize>,
}

impl From<Spec> for OutputSpec {
    fn from(spec: Spec) -> Self {
        OutputSpec {
            spec,
            mask: None,
            same_as: None,
        }
    }
}

/// What a node is recorded for.
#[derive(Clone, Copy)]
pub(crate) enum Recorded<'n> {
    /// An input, whose tensor has this name or an automatic one.
    Input(Option<&'n str>),
    /// A call of the layer.
    Call,
    /// A call that repeats another.
    Repetition,
}

impl Recorded<'_> {
    /// Names for the outputs.
    pub(crate) fn names(self, outputs: usize) -> Vec<String> {
        let name = |_| match self {
            Recorded::Input(Some(name)) => name.to_owned(),
            _ => names::unique("keras_tensor"),
        };
        (0..outputs).map(name).collect()
    }
}

impl Node {
    /// Whether it is the node of an input.
    pub(crate) fn is_input(&self) -> bool {
        self.inputs.tensors().is_empty()
    }

    /// The symbolic outputs.
    pub(crate) fn tensors(self: &Arc<Self>) -> Structure<Tensor> {
        self.outputs.map(|&i| {
            let OutputSpec { spec, mask, .. } = self.specs[i].clone();
            Tensor::symbolic(spec, self.names[i].clone(), self.clone(), i, mask)
        })
    }

    /// The input tensor that an output is.
    pub(crate) fn same_as(&self, output: &OutputSpec) -> Option<&Tensor> {
        self.inputs.tensors().get(output.same_as?).copied()
    }

    /// `layer `name` (Class), call 2` for labels and errors.
    pub(crate) fn label(&self) -> String {
        self.layer.call_label(self.index + 1)
    }
}

/// What a call held of the calls before it.
type Held = (Inputs, OnceLock<Vec<Option<Tensor>>>);

thread_local! {
    /// What is still to be dropped, while a call is.
    static LEFT: RefCell<Option<Vec<Held>>> = const { RefCell::new(None) };
}

/// One after the other: dropped inside each other, the calls of a deep model would need more stack than there is.
impl Drop for Node {
    fn drop(&mut self) {
        let held = (take(&mut self.inputs), take(&mut self.masks));
        let queue = |left: &RefCell<Option<Vec<Held>>>| {
            let mut left = left.borrow_mut();
            let outermost = left.is_none();
            left.get_or_insert_default().push(held);
            outermost
        };
        if LEFT.try_with(queue) == Ok(true) {
            let next = || LEFT.with_borrow_mut(|left| left.as_mut().and_then(Vec::pop));
            while let Some(held) = next() {
                drop(held);
            }
            LEFT.set(None);
        }
    }
}

/// Whether a symbolic tensor is computed from another.
pub(crate) fn depends(output: &Tensor, on: &Tensor) -> bool {
    let (mut waiting, mut seen) = (vec![output.clone()], HashSet::new());
    while let Some(tensor) = waiting.pop() {
        if tensor.key() == on.key() {
            return true;
        }
        if let Some(symbolic) = tensor.as_symbolic()
            && seen.insert(Arc::as_ptr(&symbolic.node))
        {
            waiting.extend(symbolic.node.inputs.tensors().into_iter().cloned());
        }
    }
    false
}
