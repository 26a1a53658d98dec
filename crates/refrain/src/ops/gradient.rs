//! Gradients as tensors.

use refrain_graph::grad::vjp;

use super::definition::{ToArgument, operations};
use super::{Operation, prim, sum_all, tensor_argument};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::node::{Node, depends};
use crate::structure::Structure;
use crate::tensor::{Tensor, TensorKey};
use crate::trace::Trace;

operations! { TABLE in table {
    /// The gradient of the sum of a tensor's elements with respect to another one that it is computed from, in the other's shape.
    ///
    /// It is a part of the model like any other tensor: losses may be made of it, and it has gradients itself. As samples of a
    /// batch do not depend on each other, a tensor of one number for each sample gives each sample's own gradient.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use refrain::{Model, Sequential, activations::Activation, input, layers::Dense, losses::Loss, ops, optimizers::Sgd};
    /// let critic = Sequential::new([3]).add(Dense::new(8).activation(Activation::Tanh)).add(Dense::new(1)).build()?;
    ///
    /// // The gradient penalty of a Wasserstein GAN: the norm of the critic's gradient is to be 1.
    /// let mixed = input([3]);
    /// let slope = ops::gradient(&critic.call(&mixed)?, &mixed);
    /// let norm = ops::sum(slope.square(), -1, true).sqrt();
    /// let penalty = Model::new(&mixed, &norm)?;
    /// penalty.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()?;
    /// let (x, one) = (Array2::<f32>::ones((4, 3)), Array2::<f32>::ones((4, 1)));
    /// let before = penalty.evaluate(&x, &one).run()?.loss();
    /// penalty.fit(&x, &one).epochs(20).run()?;
    /// assert!(penalty.evaluate(&x, &one).run()?.loss() < before);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// In a layer's `call` the gradient with respect to a tensor without influence is 0; on symbolic tensors it is an error. There,
    /// too, what a layer or function gives back as it is (`Dropout` outside of `fit`) is one tensor with its argument; symbolic
    /// tensors have an influence of their own each. Keras has no such function and does not open files of models that use it.
    pub fn gradient(output: &Tensor, wrt: &Tensor) -> Tensor {
        |op| match check(output, wrt) {
            Ok(()) => op.apply([output.argument(), wrt.argument()]),
            Err(error) => Tensor::invalid(error),
        }
    }
    "ops.gradient" / "Gradient" as "gradient(output, wrt)" [Tensor, Tensor] => gradient_call;
}}

fn check(output: &Tensor, wrt: &Tensor) -> Result<()> {
    [output, wrt].into_iter().try_for_each(check_float)?;
    let symbolic = [output, wrt].iter().all(|t| t.as_symbolic().is_some());
    match symbolic && !depends(output, wrt) {
        true => Err(no_influence(wrt.name())),
        false => Ok(()),
    }
}

/// Refuses tensors of integers.
pub(crate) fn check_float(tensor: &Tensor) -> Result<()> {
    tensor.check()?;
    if tensor.dtype().is_float() {
        return Ok(());
    }
    let received = tensor.dtype().keras_name().to_owned();
    let expected = format!(
        "a tensor of floats for gradients in place of `{}`",
        tensor.name()
    );
    Err(Error::mismatch(ErrorKind::DType, expected, received))
}

pub(crate) fn no_influence(name: &str) -> Error {
    let message = format!("the output does not depend on tensor `{name}`");
    Error::new(ErrorKind::Graph, message)
        .hint("Give tensors that lie between the inputs and the output")
}

/// The tensor with respect to which a call of [`gradient`] differentiates.
pub(crate) fn wrt(node: &Node) -> Option<TensorKey> {
    let operation = node.layer.options::<Operation>()?;
    let is_gradient = operation.def.class == table::gradient.class;
    let wrt = node.inputs.tensor(1, "wrt").filter(|_| is_gradient);
    wrt.and_then(Tensor::key)
}

fn gradient_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let output = tensor_argument(inputs, 0, "output")?;
    let wrt = tensor_argument(inputs, 1, "wrt")?;
    // While a model is declared, only shapes are asked for, and not all are known.
    let found = match output.shape().is_known() && wrt.shape().is_known() {
        true => of_sum(&output, std::slice::from_ref(&wrt))?
            .1
            .swap_remove(0),
        false => None,
    };
    let zeros = || prim::full(&wrt, &wrt.shape(), wrt.dtype(), 0.0);
    Ok(found.map_or_else(zeros, Ok)?.into())
}

/// The sum of a traced tensor's elements, and its gradients with respect to others; `None` for those without influence.
pub(crate) fn of_sum(output: &Tensor, wrt: &[Tensor]) -> Result<(Tensor, Vec<Option<Tensor>>)> {
    let tensors: Vec<&Tensor> = std::iter::once(output).chain(wrt).collect();
    let trace = Trace::innermost(&tensors)?;
    let total = sum_all(output).checked()?;
    let seed = (
        trace.import(&total)?,
        trace.import(&prim::constant_like(&total, 1.0)?)?,
    );
    let values = wrt.iter().map(|t| trace.import(t));
    let values = values.collect::<Result<Vec<_>>>()?;
    let found = trace.with_graph(|g| vjp(g, &[seed], &values))?;
    let found = found.into_iter().map(|v| v.map(|v| trace.wrap(v)));
    Ok((total, found.collect()))
}
