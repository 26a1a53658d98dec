//! Products as Einstein's summation writes them.

use refrain_graph::{Dim, Shape};
use serde_json::Value as Json;

use super::einsum_equation::{Equation, has_form};
use crate::activations::Activation;
use crate::config::{Config, ConfigValue};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::unquantized;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, weighted_options};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;

/// The letters of the axes along which an [`EinsumDense`] has a bias. None: no bias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BiasAxes(Option<String>);

impl<S: Into<String>> From<S> for BiasAxes {
    fn from(letters: S) -> Self {
        BiasAxes(Some(letters.into()))
    }
}

impl ConfigValue for BiasAxes {
    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    fn from_json(json: &Json) -> Result<Self> {
        Option::from_json(json).map(BiasAxes)
    }
}

weighted_options! {
    /// A dense layer over any axes: `activation(einsum(equation, x, kernel) + bias)`.
    ///
    /// The equation has one of the forms `ab,bc->ac`, `...ab,bc->...ac` and `ab...,bc->ac...` with any letters; what it says of
    /// the second operand is the kernel's shape. `output_shape` is that of the output without the batch and without the axes of
    /// `...`, `None` where the input gives the size. Weights: `kernel`, and with `bias_axes` a `bias`.
    ///
    /// ```
    /// use refrain::{input, layers::EinsumDense};
    /// let heads = EinsumDense::new("abc,cde->abde", [None, Some(2), Some(8)]).bias_axes("de");
    /// let y = heads.call(&input([10, 16]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 2, 8)");
    /// assert_eq!(heads.count_params(), 16 * 2 * 8 + 2 * 8);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/core/einsum_dense.py`.
    EinsumDense, EinsumDenseOptions {
        /// Sizes of the output's axes, without the batch and the axes of `...`; `None` where the input gives the size.
        output_shape: Vec<Dim> = Vec::new(),
        /// Letters of the axes of input, kernel and output.
        equation: String = String::new(),
        /// Activation function of the output; linear by default.
        activation: Activation = Activation::Linear,
        /// Letters of the output's axes that the bias has; no bias by default.
        bias_axes: BiasAxes = BiasAxes::default(),
    }
    weights {
        kernel, "the kernel": kernel_initializer = GlorotUniform, kernel_regularizer, kernel_constraint;
        bias, "the bias": bias_initializer = Zeros, bias_regularizer, bias_constraint;
    }
    outputs { activity_regularizer, "the output" }
}

impl EinsumDense {
    /// A layer of this equation and output shape, linear, without a bias.
    pub fn new(equation: impl Into<String>, output_shape: impl Into<Shape>) -> Self {
        EinsumDenseOptions {
            equation: equation.into(),
            output_shape: output_shape.into().dims().to_vec(),
            ..EinsumDenseOptions::default()
        }
        .into_layer()
    }
}

impl Layer for EinsumDenseOptions {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "EinsumDense"
    }

    fn config(&self) -> Config {
        unquantized(self.to_config())
    }

    fn validate(&self) -> Result<()> {
        let forms = "an equation of the form `ab,bc->ac`, `...ab,bc->...ac` or `ab...,bc->ac...`";
        match has_form(&self.equation) {
            true => Ok(()),
            false => Err(Error::mismatch(ErrorKind::Config, forms, &self.equation)),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let input = cx.spec()?.shape;
        let equation = Equation::new(&self.equation, &input, &self.output_shape)?;
        let (shape, fans) = equation.kernel()?;
        cx.add_weight(Weight::new("kernel", shape).fans(fans).rules(self.kernel()))?;
        if let Some(axes) = &self.bias_axes.0 {
            cx.add_weight(Weight::new("bias", equation.bias(axes)?).rules(self.bias()))?;
        }
        cx.set_input_spec(InputSpec::new().ndim(input.rank()));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let y = ops::einsum(&self.equation, [inputs.one()?, &cx.weight("kernel")?]);
        Ok(self.activation.apply(&cx.add_bias(y, "bias")?))
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer.clone()
    }
}
