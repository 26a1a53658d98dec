//! The largest of all elements of a sequence.

use refrain_graph::Reduction;

use crate::ops::reduce;

super::base_global_pooling::global_pooling_layer! {
    /// The largest element of each channel over a whole sequence.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, channels)`.
    ///
    /// ```
    /// use refrain::layers::GlobalMaxPooling1D;
    /// use refrain::input;
    /// let y = GlobalMaxPooling1D::new().call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_max_pooling1d.py`.
    GlobalMaxPooling1D, GlobalMaxPooling1DOptions, 1, masks: false, |x, axes: &[usize], keepdims, _| reduce(x, Reduction::Max, axes, keepdims)
}
