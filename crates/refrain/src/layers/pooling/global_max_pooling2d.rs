//! The largest of all elements of an image.

use refrain_graph::Reduction;

use crate::ops::reduce;

super::base_global_pooling::global_pooling_layer! {
    /// The largest element of each channel over a whole image.
    ///
    /// Input `(batch, height, width, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, 1, channels)`.
    ///
    /// ```
    /// use refrain::layers::GlobalMaxPooling2D;
    /// use refrain::input;
    /// let y = GlobalMaxPooling2D::new().call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_max_pooling2d.py`.
    GlobalMaxPooling2D, GlobalMaxPooling2DOptions, 2, masks: false, |x, axes: &[usize], keepdims, _| reduce(x, Reduction::Max, axes, keepdims)
}
