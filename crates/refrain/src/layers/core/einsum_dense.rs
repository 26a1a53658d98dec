//! Products as Einstein's summation writes them.

use refrain_graph::{Dim, Shape};
use serde_json::Value as Json;

use crate::activations::Activation;
use crate::config::{Config, ConfigValue};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::registry::QUANTIZATION;
use crate::layers::{Build, Call, InputSpec, Layer, Weight, layer_options};
use crate::ops::{self, Label, Subscripts};
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
        /// Sizes of the output's axes, without the batch and the axes of `...`; `None` where the input gives the size.
        output_shape: Vec<Dim> = Vec::new(),
        /// Letters of the axes of input, kernel and output.
        equation: String = String::new(),
        /// Activation function of the output; linear by default.
        activation: Activation = Activation::Linear,
        /// Letters of the output's axes that the bias has; no bias by default.
        bias_axes: BiasAxes = BiasAxes::default(),
        /// Initializer of the kernel.
        kernel_initializer: Initializer = Initializer::GlorotUniform,
        /// Initializer of the bias.
        bias_initializer: Initializer = Initializer::Zeros,
        /// Regularizer of the kernel, whose penalty is added to the loss.
        kernel_regularizer: Option<Regularizer> = None,
        /// Regularizer of the bias, whose penalty is added to the loss.
        bias_regularizer: Option<Regularizer> = None,
        /// Regularizer of the output, whose penalty per sample of the batch is added to the loss.
        activity_regularizer: Option<Regularizer> = None,
        /// Constraint on the kernel, applied after each step of the optimizer.
        kernel_constraint: Option<Constraint> = None,
        /// Constraint on the bias, applied after each step of the optimizer.
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

/// Whether an equation has one of Keras's forms.
fn has_form(equation: &str) -> bool {
    let Some((input, (kernel, output))) = equation
        .split_once(',')
        .and_then(|(i, r)| Some((i, r.split_once("->")?)))
    else {
        return false;
    };
    let left = input.strip_prefix("...").zip(output.strip_prefix("..."));
    let right = input.strip_suffix("...").zip(output.strip_suffix("..."));
    let cut = left.or(right.filter(|(input, _)| input.len() > 1));
    let (input, output) = cut.unwrap_or((input, output));
    let letters = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphabetic());
    [input, kernel, output].into_iter().all(letters)
}

/// Axes with their sizes.
type Axes = Vec<(Label, Dim)>;

fn find(axes: &[(Label, Dim)], wanted: Label) -> Option<(Label, Dim)> {
    axes.iter().copied().find(|(label, _)| *label == wanted)
}

impl EinsumDenseOptions {
    fn misfit(&self, input: &Shape, expected: String) -> Error {
        let output = Shape::from(&self.output_shape[..]);
        let received = format!(
            "`{}`, input {input} and output_shape {output}",
            self.equation
        );
        Error::mismatch(ErrorKind::Shape, expected, received)
    }

    /// The axes of kernel and output for an input.
    fn axes(&self, input: &Shape) -> Result<(Axes, Axes)> {
        let parsed = Subscripts::parse(&self.equation, &[Some(input.rank()), None])?;
        let labels = parsed.operands[0].iter().copied();
        let of_input: Axes = labels.zip(input.dims().iter().copied()).collect();
        let mut given = self.output_shape.iter().copied();
        let size = |(i, &label): (usize, &Label)| match i {
            0 => Some((label, input.dim(0))),
            _ if !label.is_ascii() => find(&of_input, label),
            _ => given.next().map(|size| (label, size)),
        };
        let output: Option<Axes> = parsed.output.iter().enumerate().map(size).collect();
        let output = output.filter(|_| given.next().is_none());
        let output = output
            .ok_or_else(|| self.misfit(input, "a size for each axis of the output".to_owned()))?;
        let disagrees = |&&(label, size): &&(Label, Dim)| {
            size.is_some() && find(&of_input, label).is_some_and(|(_, known)| known != size)
        };
        if let Some((axis, _)) = output.iter().find(disagrees) {
            return Err(self.misfit(
                input,
                format!("shapes that agree along the shared axis `{axis}`"),
            ));
        }
        let kernel = parsed.operands[1].iter().map(|&axis| {
            let found = find(&output, axis).or_else(|| find(&of_input, axis));
            found.ok_or_else(|| {
                self.misfit(
                    input,
                    format!("the kernel's axis `{axis}` in the input or in the output"),
                )
            })
        });
        Ok((kernel.collect::<Result<_>>()?, output))
    }

    /// The shape of the bias: 1 for axes of the output that it has not, behind the first that it has.
    fn bias_shape(&self, axes: &str, input: &Shape, output: &[(Label, Dim)]) -> Result<Vec<usize>> {
        let place = |axis| output.iter().position(|&(label, _)| label == axis);
        let places: Option<Vec<usize>> = axes.chars().map(place).collect();
        let first = places.and_then(|places| places.into_iter().min());
        let first = first.ok_or_else(|| {
            self.misfit(input, format!("`bias_axes` of the output, not `{axes}`"))
        })?;
        let size = |&axis: &(Label, Dim)| {
            if axes.contains(axis.0) {
                self.known(input, axis)
            } else {
                Ok(1)
            }
        };
        output[first..].iter().map(size).collect()
    }

    /// The size of an axis of a weight.
    fn known(&self, input: &Shape, (axis, size): (Label, Dim)) -> Result<usize> {
        let error = || self.misfit(input, format!("axis `{axis}` to have a known size"));
        size.ok_or_else(|| error().hint("Give it in `output_shape`, or the Input this size"))
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
        let forms = "an equation of the form `ab,bc->ac`, `...ab,bc->...ac` or `ab...,bc->ac...`";
        match has_form(&self.equation) {
            true => Ok(()),
            false => Err(Error::mismatch(ErrorKind::Config, forms, &self.equation)),
        }
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        let input = cx.spec()?.shape;
        let (kernel, output) = self.axes(&input)?;
        let known = |axis| self.known(&input, axis);
        let mut fans = [1usize; 2];
        for &axis in &kernel {
            let side = usize::from(find(&output, axis.0).is_some());
            fans[side] = fans[side].saturating_mul(known(axis)?);
        }
        let kernel = kernel.into_iter().map(known).collect::<Result<Vec<_>>>()?;
        cx.add_weight(
            Weight::new("kernel", kernel)
                .fans(fans)
                .initializer(&self.kernel_initializer)
                .regularizer(&self.kernel_regularizer)
                .constraint(&self.kernel_constraint),
        )?;
        if let Some(axes) = &self.bias_axes.0 {
            cx.add_weight(
                Weight::new("bias", self.bias_shape(axes, &input, &output)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_fans_are_kerass() -> Result<()> {
        let (none, row) = (None, crate::input([5, 3]));
        let [kernel, wide]: [&[usize]; 2] = [&[3, 4], &[5, 2, 6]];
        for (text, shape, axes, kernel, fans, bias) in [
            (
                "abc,cd->abd",
                &[none, Some(4)][..],
                "d",
                kernel,
                7.0,
                &[4][..],
            ),
            ("...x,xy->...y", &[Some(4)], "y", kernel, 7.0, &[4]),
            ("ab...,bc->ac...", &[Some(4)], "c", &[5, 4], 9.0, &[4, 1]),
            (
                "abc,bde->aecd",
                &[Some(6), Some(3), Some(2)],
                "ed",
                wide,
                17.0,
                &[6, 1, 2],
            ),
        ] {
            let layer = EinsumDense::new(text, Shape::from(shape)).bias_axes(axes);
            let layer = layer.kernel_initializer(crate::initializers::GlorotUniform::new().seed(1));
            layer.call(&row)?;
            let weights = layer.weights();
            assert_eq!(
                (&weights[0].shape()[..], &weights[1].shape()[..]),
                (kernel, bias),
                "{text}"
            );
            // Uniform up to a limit that follows from the fans.
            let limit = f64::sqrt(6.0 / fans);
            let largest = weights[0]
                .value()?
                .to_f64()
                .into_iter()
                .fold(0.0, |m: f64, v| m.max(v.abs()));
            assert!(
                largest <= limit && largest > 0.8 * limit,
                "{text}: {largest} of {limit}"
            );
        }
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, shape, bias) in [
            ("ab,bc", &[Some(4)][..], "c"),
            ("a...,ac->c...", &[Some(4)], "c"),
            ("abc,cd->abe", &[None, Some(4)], "e"),
            ("abc,xd->abd", &[None, Some(4)], "d"),
            ("abc,cd->abd", &[Some(6), Some(4)], "d"),
            ("abc,cd->abd", &[Some(4)], "d"),
            ("abc,cd->abd", &[None, None], "d"),
            ("abc,cd->abd", &[None, Some(4)], "c"),
            ("abc,cd->abd", &[None, Some(4)], ""),
            ("abc,cd->abd", &[None, Some(4)], "b"),
            ("ab,bd->ad", &[Some(4)], "d"),
            ("...abcx,xd->...abcd", &[Some(5), Some(3), Some(4)], "d"),
        ] {
            let layer = EinsumDense::new(text, Shape::from(shape)).bias_axes(bias);
            let called = layer.call(&crate::input([5, 3]));
            assert!(called.is_err(), "{text} {shape:?} {bias}");
        }
    }
}
