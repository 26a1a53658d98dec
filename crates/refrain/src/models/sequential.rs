//! Models that are a plain stack of layers.

use super::functional::Functional;
use super::model::Model;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{AnyLayer, Input, Outputs};
use crate::names;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// A stack of layers, each called on the output of the one before.
///
/// ```
/// use refrain::activations::Activation;
/// use refrain::{Sequential, layers::Dense};
/// let model = Sequential::new([784])
///     .add(Dense::new(64).activation(Activation::Relu))
///     .add(Dense::new(10))
///     .build()?;
/// assert_eq!(model.count_params(), 784 * 64 + 64 + 64 * 10 + 10);
/// assert_eq!(model.weights()[0].path(), "sequential/dense/kernel");
/// # Ok::<(), refrain::Error>(())
/// ```
#[must_use = "call `build()` to get the model"]
pub struct Sequential {
    name: String,
    automatic: bool,
    input: Input,
    layers: Vec<AnyLayer>,
}

impl Sequential {
    /// A stack on an input of this shape (without the batch axis), or on an [`Input`] with a name or type.
    pub fn new(input: impl Into<Input>) -> Self {
        Sequential {
            name: names::unique("sequential"),
            automatic: true,
            input: input.into(),
            layers: Vec::new(),
        }
    }

    /// A name instead of the automatic one.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        if self.automatic {
            names::give_back("sequential", &self.name);
        }
        self.name = name.into();
        self.automatic = false;
        self
    }

    /// Appends a layer.
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, layer: impl Into<AnyLayer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The model.
    ///
    /// # Errors
    /// A layer does not fit the output of the one below it.
    pub fn build(self) -> Result<Model> {
        names::check(&self.name)?;
        // Keras counts the functional model inside a `Sequential`.
        names::unique("functional");
        stack(
            &self.name,
            self.input.tensor(),
            self.layers.iter(),
            |layer, inputs| layer.call_within(inputs, &self.name),
        )
    }
}

/// The model of layers that are each called, in a given way, on the output of the one before.
pub(crate) fn stack<L>(
    name: &str,
    input: Tensor,
    layers: impl Iterator<Item = L>,
    call: impl Fn(L, &Inputs) -> Result<Structure<Tensor>>,
) -> Result<Model> {
    let mut output = input.clone();
    for layer in layers {
        output = Tensor::from_structure(call(layer, &Inputs::new(&output))?)?;
    }
    let mut functional = Functional::new(input.into(), output.into())?;
    // A stack lists its layers once, so one that calls a layer again is a graph.
    if functional.nodes.len() == functional.operations.len() {
        functional.is_sequential = true;
    }
    Ok(Model::from_functional(functional, name))
}
