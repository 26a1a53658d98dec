//! Cross-entropies of predictions with targets, and the signal-to-noise ratio.

use refrain_graph::Dim;

use super::arithmetic::float_operands;
use super::definition::{OpResult, operations};
use super::{
    Axes, clip, log_sigmoid, log_softmax, mean, one_hot, option, squeeze, sum, tensor_argument,
};
use crate::config::{Config, EPSILON};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Tensor, resolve_axis};

operations! { TABLE in table {
    /// The cross-entropy of each element, a probability of yes or a logit, with its target.
    ///
    /// In the shape of both. Other shapes of targets are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::binary_crossentropy(&input([3]), &input([3]), true).shape().to_string(), "(None, 3)");
    /// ```
    pub fn binary_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool) -> Tensor { [target, output, from_logits] }
    "ops.nn" / "BinaryCrossentropy" as "binary_crossentropy(target, output, from_logits=False)" [Tensor, Tensor, Flag]
    => |inputs, config| {
        let (y, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        same_shape(&y, &p)?;
        if option(config, "from_logits")? {
            return Ok((-(&y * log_sigmoid(&p)) - (1.0 - &y) * log_sigmoid(&-&p)).into());
        }
        let p = clip(&p, EPSILON, 1.0 - EPSILON);
        Ok((-(&y * p.log() + (1.0 - &y) * (1.0 - &p).log())).into())
    };
    /// The cross-entropy of probabilities, or of logits, along an axis with target probabilities.
    ///
    /// Without the axis. Other shapes of targets are an error. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::categorical_crossentropy(&input([3]), &input([3]), true, -1).shape().to_string(), "(None,)");
    /// ```
    pub fn categorical_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool, axis: i64) -> Tensor {
        [target, output, from_logits, axis]
    }
    "ops.nn" / "CategoricalCrossentropy" as "categorical_crossentropy(target, output, from_logits=False, axis=-1)"
    [Tensor, Tensor, Flag, Integer] => |inputs, config| {
        let (y, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        same_shape(&y, &p)?;
        entropy(&y, &p, config)
    };
    /// The cross-entropy of probabilities, or of logits, along an axis with target classes.
    ///
    /// Without the axis; classes beyond it give 0. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let classes = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::sparse_categorical_crossentropy(&classes, &input([3]), true, -1).shape().to_string(), "(None,)");
    /// ```
    pub fn sparse_categorical_crossentropy(target: &Tensor, output: &Tensor, from_logits: bool, axis: i64) -> Tensor {
        [target, output, from_logits, axis]
    }
    "ops.nn" / "SparseCategoricalCrossentropy" as "sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1)"
    [Tensor, Tensor, Flag, Integer] => |inputs, config| {
        let (classes, p) = (tensor_argument(inputs, 0, "target")?, tensor_argument(inputs, 1, "output")?);
        let axis = resolve_axis(option(config, "axis")?, p.rank())?;
        let column = classes.rank() == p.rank() && classes.dim(-1) == Some(1);
        let classes = if column { squeeze(&classes, -1) } else { classes };
        let mut expected = p.shape();
        expected.dims_mut().remove(axis);
        if !classes.shape().compatible(&expected) {
            let received = classes.shape().to_string();
            return Err(Error::mismatch(ErrorKind::Shape, format!("classes of shape {expected}"), received));
        }
        let count = p.shape().dim(axis);
        let count = count.ok_or_else(|| Error::mismatch(ErrorKind::Shape, "a known number of classes", p.shape().to_string()))?;
        entropy(&one_hot(&classes, count, axis as i64, p.dtype()), &p, config)
    };
    /// The peak signal-to-noise ratio of two tensors in decibels; `max_val` is the largest possible value.
    ///
    /// One number. Other shapes are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::psnr(&input([3]), &input([3]), 255.0).rank(), 0);
    /// ```
    pub fn psnr(x1: &Tensor, x2: &Tensor, max_val: f64) -> Tensor { [x1, x2, max_val] }
    "ops.nn" / "PSNR" as "psnr(x1, x2, max_val)" [Tensor, Tensor, Number] => |inputs, config| {
        let (a, b) = float_operands(inputs)?;
        same_shape(&a, &b)?;
        let error = mean((a - b).square(), Axes::All, false);
        Ok((20.0 * option::<f64>(config, "max_val")?.log10() - error.log10() * 10).into())
    };
}}

fn same_shape(a: &Tensor, b: &Tensor) -> Result<()> {
    let fit = |(a, b): (&Dim, &Dim)| a.is_none() || b.is_none() || a == b;
    let (of_a, of_b) = (a.shape(), b.shape());
    match a.rank() == b.rank() && of_a.dims().iter().zip(of_b.dims()).all(fit) {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("shape {of_a}"),
            of_b.to_string(),
        )),
    }
}

/// The sum of the targets' products with the logarithms of probabilities, negated.
fn entropy(y: &Tensor, p: &Tensor, config: &Config) -> OpResult {
    let axis: i64 = option(config, "axis")?;
    let logs = match option(config, "from_logits")? {
        true => log_softmax(p, axis),
        false => clip(p / sum(p, axis, true), EPSILON, 1.0 - EPSILON).log(),
    };
    Ok((-sum(y * logs, axis, false)).into())
}
