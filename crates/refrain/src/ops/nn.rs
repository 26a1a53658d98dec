//! Functions of neural networks along axes: softmax and its kin, normalisation.

use refrain_graph::{Comparison, DType, Op, Reduction};

use super::arithmetic::float_input;
use super::definition::{operations, to};
use super::order::sort_traced;
use super::reduce::reduce;
use super::{Axes, cumsum, flatten_from, maximum, option, power, prim, rsqrt, square, sum, where_};
use crate::config::{Config, EPSILON};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Logits, Tensor, resolve_axis};
use crate::trace::Trace;

operations! { TABLE in table {
    /// Exponentials along an axis divided by their sum. [`Axes::All`]: over the whole tensor.
    ///
    /// In the shape of `x`; integers become floats. Keras's axis is the last by default. Over the last axis the result remembers its
    /// logits, of which cross-entropies are computed.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::softmax(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn softmax(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor { [x.as_ref(), to::<Axes>(axis)] }
    "ops.nn" / "Softmax" as "softmax(x, axis=-1)" [Tensor, Axes], "activations.softmax(x, axis=-1)" => softmax_call;
    /// The logarithm of the softmax.
    ///
    /// Along several axes, or all, as in [`softmax`]. In the shape of `x`; integers become floats. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::log_softmax(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn log_softmax(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor { [x.as_ref(), to::<Axes>(axis)] }
    "ops.nn" / "LogSoftmax" as "log_softmax(x, axis=-1)" [Tensor, Axes], "activations.log_softmax(x, axis=-1)", "tf.log_softmax(logits, axis=-1)" => |inputs, config| {
        let x = float_input(inputs)?;
        let dims = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
        let shifted = shifted(&x, &dims)?;
        let total = reduce(&shifted.exp(), Reduction::Sum, &dims, true)?;
        Ok((&shifted - total.log()).into())
    };
    /// Keras's sparsemax, with zeros where softmax has small numbers.
    ///
    /// It takes the threshold from the sum of all partial sums of the support, as Keras does, so that its results add up to 1 only
    /// where the support is one element. In the shape of `x`; Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::sparsemax(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn sparsemax(x: impl AsRef<Tensor>, axis: i64) -> Tensor { [x.as_ref(), axis] }
    "ops.nn" / "Sparsemax" as "sparsemax(x, axis=-1)" [Tensor, Integer], "activations.sparsemax(x, axis=-1)" => sparsemax_call;
    /// One half along an axis times the sigmoid of the other half.
    ///
    /// The axis is half as long in the result; an odd size is an error. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::glu(input([10]), -1).shape().to_string(), "(None, 5)");
    /// ```
    pub fn glu(x: impl AsRef<Tensor>, axis: i64) -> Tensor { [x.as_ref(), axis] }
    "ops.nn" / "Glu" as "glu(x, axis=-1)" [Tensor, Integer], "activations.glu(x, axis=-1)" => glu_call;
    /// Divided by its norm of this order along an axis; the norm counts as at least `epsilon` (by default 1e-7).
    ///
    /// In the shape of `x`; integers become floats. An order below 1 is an error. Keras has the last axis and order 2 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::normalize(input([10]), -1, 2, None).shape().to_string(), "(None, 10)");
    /// ```
    pub fn normalize(x: impl AsRef<Tensor>, axis: impl Into<Axes>, order: u32, epsilon: Option<f64>) -> Tensor {
        [x.as_ref(), to::<Axes>(axis), order, epsilon]
    }
    "ops.nn" / "Normalize" as "normalize(x, axis=-1, order=2, epsilon=None)" [Tensor, Axes, Count, OptionalNumber]
    => normalize_call;
}}

fn input_and_axis(inputs: &Inputs, config: &Config) -> Result<(Tensor, usize)> {
    let x = float_input(inputs)?;
    let axis = resolve_axis(option(config, "axis")?, x.rank())?;
    Ok((x, axis))
}

/// The distances from the largest elements, so that exponentials cannot overflow.
fn shifted(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let largest = reduce(x, Reduction::Max, dims, true)?;
    let shifted = x - Trace::apply(Op::StopGradient, &[&largest])?;
    shifted.check()?;
    Ok(shifted)
}

/// Softmax of a traced tensor over one or more axes.
pub(crate) fn softmax_traced(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let exponentials = shifted(x, dims)?.exp();
    let total = reduce(&exponentials, Reduction::Sum, dims, true)?;
    let probabilities = exponentials / total;
    probabilities.check()?;
    Ok(probabilities)
}

fn softmax_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = float_input(inputs)?;
    let dims = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
    let probabilities = softmax_traced(&x, &dims)?;
    // Losses take the logits along the last axis only.
    let along_last = dims == [x.rank() - 1];
    let logits = x.expect_traced()?.value;
    Ok(match along_last {
        true => probabilities.with_logits(Logits::Softmax(logits)).into(),
        false => probabilities.into(),
    })
}

fn sparsemax_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, axis) = input_and_axis(inputs, config)?;
    let (sorted, _) = sort_traced(&x, axis, true)?;
    let partial = cumsum(&sorted, axis as i64);
    let ranks = prim::iota(&x, &x.shape(), DType::I32, axis)?;
    let ranks = prim::convert(&(ranks + 1), x.dtype())?;
    let margin = &sorted - (&partial - 1) / ranks;
    let support = prim::compare(Comparison::Gt, &margin, &prim::constant_like(&x, 0.0)?)?;
    let count = sum(&prim::convert(&support, x.dtype())?, axis as i64, true);
    let total = sum(&where_(&support, &partial, 0), axis as i64, true);
    Ok(maximum(&x - (total - 1) / count, 0).into())
}

fn glu_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, axis) = input_and_axis(inputs, config)?;
    if x.shape().dim(axis).is_some_and(|n| n % 2 != 0) {
        let expected = format!("an even size along axis {axis}");
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("shape {}", x.shape()),
        ));
    }
    let halves = super::split(&x, 2, axis as i64);
    Ok((&halves[0] * super::sigmoid(&halves[1])).into())
}

fn normalize_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = float_input(inputs)?;
    let x = if x.rank() == 0 {
        flatten_from(&x, 0)?
    } else {
        x
    };
    let axis = Axes::from_json(config.get("axis"))?;
    let order: i64 = option(config, "order")?;
    let epsilon = option::<Option<f64>>(config, "epsilon")?.unwrap_or(EPSILON);
    if order < 1 {
        return Err(Error::mismatch(
            ErrorKind::Config,
            "an order of at least 1",
            order.to_string(),
        ));
    }
    if order == 2 {
        // The bound is on the square, so that the gradient at zero is finite.
        let squares = maximum(sum(&square(&x), axis, true), epsilon * epsilon);
        return Ok((&x * rsqrt(&squares)).into());
    }
    let powers = sum(&power(x.abs(), order), axis, true);
    let norm = power(powers, 1.0 / order as f64);
    Ok((x / maximum(norm, epsilon)).into())
}

/// Divided by its Euclidean norm along axes, which counts as at least 1e-6.
///
/// ```
/// use refrain::{input, ops};
/// assert_eq!(ops::l2_normalize(input([10]), -1).shape().to_string(), "(None, 10)");
/// ```
pub fn l2_normalize(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor {
    const SMALLEST_SQUARE: f64 = 1e-12;
    let x = x.as_ref();
    let norms = sum(square(x), axis, true);
    x * rsqrt(&maximum(norms, SMALLEST_SQUARE))
}
