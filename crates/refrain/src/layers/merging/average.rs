//! The mean of tensors.

use refrain_graph::BinaryOp;

use super::base_merge::{fold, listed};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

super::base_merge::merge_layer! {
    /// The elementwise mean of its inputs.
    ///
    /// Input: a list of tensors of one shape, or of shapes whose axes can be repeated to one; smaller ranks get axes of
    /// size 1 after the batch. Output of the common shape. No weights. The output's mask is where any of the inputs' masks holds.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([10]));
    /// let y = layers::average([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/average.py`.
    Average, AverageOptions, "Average", Keras2,
    /// The elementwise mean; see [`Average`].
    average, mean
}

fn mean(inputs: &Inputs) -> Result<Tensor> {
    let count = listed(inputs)?.len();
    Ok(fold(BinaryOp::Add, inputs)? / count)
}
