//! Loops over the steps of a sequence.

use refrain_graph::{Dim, Op, Scan, Shape, Spec};

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::trace::Trace;

/// How a [`scan`] runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// From the last step to the first. Outputs keep the position of their step.
    pub reverse: bool,
    /// Number of steps; needed only if there are no sequences.
    pub length: Dim,
}

/// Runs a step for each element along the leading axis of the sequences.
///
/// `step` gets the carried tensors and one element of each sequence (leading axis dropped), and gives the next carried
/// tensors and the step's outputs. Returns the last carried tensors and the outputs stacked along a new leading axis.
/// Other tensors of the surrounding `call` may be used inside the step. Works inside a layer's `call`, not on symbolic
/// tensors.
///
/// ```
/// use refrain::layers::{Call, Layer};
/// use refrain::ops::{self, ScanOptions};
/// use refrain::{Inputs, Result, Tensor, input};
///
/// /// Sums over the steps so far.
/// struct RunningSums;
///
/// impl Layer for RunningSums {
///     type Output = Tensor;
///
///     fn class_name(&self) -> &str {
///         "RunningSums"
///     }
///
///     fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
///         let steps = ops::swapaxes(inputs.one()?, 0, 1);
///         let zeros = ops::zeros_like(steps.slice(0), None);
///         let (_, sums) = ops::scan(&[zeros], &[steps], ScanOptions::default(), |sum, step| {
///             let sum = &sum[0] + &step[0];
///             Ok((vec![sum.clone()], vec![sum]))
///         })?;
///         Ok(ops::swapaxes(&sums[0], 0, 1))
///     }
/// }
///
/// let sums = RunningSums.into_layer().call(&input([5, 3]))?;
/// assert_eq!(sums.shape().to_string(), "(None, 5, 3)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// # Errors
/// The carried tensors change their shape or type, or the sequences differ in length.
pub fn scan(
    carries: &[Tensor],
    sequences: &[Tensor],
    options: ScanOptions,
    step: impl FnOnce(&[Tensor], &[Tensor]) -> Result<(Vec<Tensor>, Vec<Tensor>)>,
) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let operands: Vec<&Tensor> = carries.iter().chain(sequences).collect();
    let outer = Trace::innermost(&operands)?;
    let inner = outer.child();
    let carried: Vec<Tensor> = carries
        .iter()
        .enumerate()
        .map(|(i, c)| inner.input(&format!("carry_{i}"), c.spec()))
        .collect();
    let elements = sequences
        .iter()
        .enumerate()
        .map(|(i, s)| Ok(inner.input(&format!("step_{i}"), element_spec(s)?)))
        .collect::<Result<Vec<_>>>()?;
    let (next, stacked) = step(&carried, &elements)?;
    if next.len() != carries.len() {
        return Err(Error::mismatch(
            ErrorKind::Structure,
            format!("{} carried tensors", carries.len()),
            next.len().to_string(),
        ));
    }
    for t in next.iter().chain(&stacked) {
        let value = inner.import(t)?;
        inner.with_graph(|g| g.result(value));
    }
    let inputs = operands
        .iter()
        .map(|t| outer.import(t))
        .chain(inner.captures().into_iter().map(Ok))
        .collect::<Result<Vec<_>>>()?;
    let lengths = sequences.iter().find_map(|s| s.shape().dim(0));
    let op = Op::Scan(Box::new(Scan {
        body: inner.take_graph(),
        carries: carries.len(),
        sequences: sequences.len(),
        reverse: options.reverse,
        length: options.length.or(lengths),
    }));
    let mut outputs = outer.emit(op, &inputs)?;
    let stacked = outputs.split_off(carries.len());
    Ok((outputs, stacked))
}

fn element_spec(sequence: &Tensor) -> Result<Spec> {
    let shape = sequence.shape();
    match shape.dims().split_first() {
        Some((_, rest)) => Ok(Spec::new(Shape::from(rest), sequence.dtype())),
        None => Err(Error::mismatch(
            ErrorKind::Shape,
            "sequences with a leading axis",
            "a scalar",
        )),
    }
}
