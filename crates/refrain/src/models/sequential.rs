//! Models that are a plain stack of layers.

use refrain_graph::Spec;

use super::functional::Functional;
use super::model::Model;
use crate::error::Result;
use crate::layers::core::described_call;
use crate::layers::{AnyLayer, Input, Outputs};
use crate::names;
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

    /// Puts a layer on top.
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
        stack(&self.name, self.input.tensor(), &self.layers, &[])
    }
}

/// The model of layers that are each called on the output of the one before. A file may tell what some calls give.
pub(crate) fn stack(
    name: &str,
    input: Tensor,
    layers: &[AnyLayer],
    given: &[Option<Spec>],
) -> Result<Model> {
    let mut output = input.clone();
    for (i, layer) in layers.iter().enumerate() {
        let inputs = (&output).into();
        let in_file = || given.get(i).cloned().flatten();
        let outputs = match described_call(layer, &inputs, in_file)? {
            Some(outputs) => outputs,
            None => layer.call_within(&inputs, name)?,
        };
        output = Tensor::from_structure(outputs)?;
    }
    let mut functional = Functional::new(input.into(), output.into())?;
    functional.class = "Sequential";
    Ok(Model::from_functional(functional, name))
}
