//! Models that are a plain stack of layers.

use super::functional::Functional;
use super::model::Model;
use crate::error::Result;
use crate::layers::{AnyLayer, Input};
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
/// # Ok::<(), refrain::Error>(())
/// ```
#[must_use = "call `build()` to get the model"]
pub struct Sequential {
    name: String,
    automatic: bool,
    input: Tensor,
    output: Result<Tensor>,
}

impl Sequential {
    /// A stack on an input of this shape (without the batch axis), or on an [`Input`] with a name or type.
    pub fn new(input: impl Into<Input>) -> Self {
        let input = input.into().tensor();
        Sequential {
            name: names::unique("sequential"),
            automatic: true,
            output: Ok(input.clone()),
            input,
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
        let layer = layer.into();
        self.output = self.output.and_then(|x| {
            let outputs = layer.call_structure(&(&x).into())?;
            crate::layers::Outputs::from_structure(outputs)
        });
        self
    }

    /// The model.
    ///
    /// # Errors
    /// A layer did not fit the output of the one below it.
    pub fn build(self) -> Result<Model> {
        names::check(&self.name)?;
        let mut functional = Functional::new(self.input.into(), self.output?.into())?;
        functional.class = "Sequential";
        Ok(Model::from_functional(functional, &self.name))
    }
}
