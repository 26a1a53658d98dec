//! The sum of tensors.

use refrain_graph::BinaryOp;

use super::base_merge::fold;

super::base_merge::merge_layer! {
    /// The elementwise sum of its inputs.
    ///
    /// Input: a list of tensors of one shape, or of shapes whose axes can be repeated to one; smaller ranks get axes of
    /// size 1 after the batch. Output of the common shape. No weights. The output's mask is where any of the inputs' masks holds.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([10]));
    /// let y = layers::add([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/add.py`.
    Add, AddOptions, "Add", Keras2,
    /// The elementwise sum; see [`Add`].
    add, |inputs| fold(BinaryOp::Add, inputs)
}
