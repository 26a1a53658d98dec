//! The largest of tensors.

use refrain_graph::BinaryOp;

use super::base_merge::fold_unmasked;

super::base_merge::merge_layer! {
    /// The elementwise maximum of its inputs; where one is masked, the others count alone.
    ///
    /// Input: a list of tensors of one shape, or of shapes whose axes can be repeated to one; smaller ranks get axes of
    /// size 1 after the batch. Output of the common shape. No weights. The output's mask is where any of the inputs' masks holds.
    ///
    /// ```
    /// use refrain::{input, layers};
    /// let (a, b) = (input([10]), input([10]));
    /// let y = layers::maximum([&a, &b])?;
    /// assert_eq!(y.shape().to_string(), "(None, 10)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/merging/maximum.py`.
    Maximum, MaximumOptions, "Maximum", Keras2WithValues,
    /// The elementwise maximum; see [`Maximum`].
    maximum, |inputs| fold_unmasked(BinaryOp::Maximum, inputs)
}
