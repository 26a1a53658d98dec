//! Products as Einstein's summation writes them.

use refrain_graph::{Dim, Shape};
use serde_json::Value as Json;

use super::einsum_equation::Equation;
use crate::activations::Activation;
use crate::config::{Config, ConfigValue};
use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::QUANTIZATION;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_options};
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

layer_options! {
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
        /// The shape of the output, without the batch and the axes of `...`.
        output_shape: Vec<Dim> = Vec::new(),
        /// The product: the letters of the axes of input, kernel and output.
        equation: String = String::new(),
        /// Applied to the output.
        activation: Activation = Activation::Linear,
        /// The letters of the output's axes that have a bias.
        bias_axes: BiasAxes = BiasAxes::default(),
        /// Initializer of the kernel.
        kernel_initializer: Initializer = Initializer::GlorotUniform,
        /// Initializer of the bias.
        bias_initializer: Initializer = Initializer::Zeros,
        /// Regularizer of the kernel.
        kernel_regularizer: Option<Regularizer> = None,
        /// Regularizer of the bias.
        bias_regularizer: Option<Regularizer> = None,
        /// Regularizer of the output.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the kernel.
        kernel_constraint: Option<Constraint> = None,
        /// Constraint on the bias.
        bias_constraint: Option<Constraint> = None,
    }
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
        let mut config = self.to_config();
        config.insert(QUANTIZATION.to_owned(), Json::Null);
        config
    }

    fn validate(&self) -> Result<()> {
        Equation::parse(&self.equation).map(|_| ())
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let input = cx.spec()?.shape;
        let equation = Equation::parse(&self.equation)?;
        let output = equation.output_shape(&input, &self.output_shape)?;
        let kernel = equation.kernel(&input, &output)?;
        cx.add_weight(
            Weight::new("kernel", kernel.shape)
                .fans(kernel.fans)
                .initializer(&self.kernel_initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        )?;
        if let Some(axes) = &self.bias_axes.0 {
            cx.add_weight(
                Weight::new("bias", equation.bias_shape(axes, &input, &output)?)
                    .initializer(&self.bias_initializer)
                    .regularizer(&self.bias_regularizer)
                    .constraint(&self.bias_constraint),
            )?;
        }
        cx.set_input_spec(InputSpec::new().ndim(input.rank()));
        Ok(())
    }

    fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        let mut y = ops::einsum(&self.equation, [inputs.one()?, &cx.weight("kernel")?]);
        if let Some(bias) = cx.optional_weight("bias")? {
            y = y + bias;
        }
        Ok(self.activation.apply(&y))
    }

    fn duplicate(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.activity_regularizer.clone()
    }
}
