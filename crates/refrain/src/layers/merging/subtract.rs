//! The difference of two tensors.

use refrain_graph::BinaryOp;

use super::base_merge::{fold, listed};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::tensor::Tensor;

super::base_merge::merge_layer! {
    /// The elementwise difference of its two inputs.
    ///
    /// Input: a list of tensors of one shape, or of shapes whose axes can be repeated to one; smaller ranks get axes of
    /// size 1 after the batch. Output of the common shape. No weights. The output's mask is where any of the inputs' masks holds.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([10]));
    /// let y = layers::subtract([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/subtract.py`.
    Subtract, SubtractOptions, "Subtract", Keras2,
    /// The elementwise difference of two tensors; see [`Subtract`].
    subtract, difference
}

fn difference(inputs: &Inputs) -> Result<Tensor> {
    match listed(inputs)?.len() {
        2 => fold(BinaryOp::Subtract, inputs),
        n => Err(Error::mismatch(
            ErrorKind::Structure,
            "exactly 2 input tensors",
            n.to_string(),
        )
        .hint("Subtract one after the other")),
    }
}
