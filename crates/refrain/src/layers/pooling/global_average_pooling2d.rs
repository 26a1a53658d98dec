//! The mean of all elements of an image.

use crate::ops::mean_of;

super::base_global_pooling::global_pooling_layer! {
    /// The mean element of each channel over a whole image.
    ///
    /// Input `(batch, height, width, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, 1, channels)`.
    ///
    /// ```
    /// use refrain::layers::GlobalAveragePooling2D;
    /// use refrain::input;
    /// let y = GlobalAveragePooling2D::new().call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_average_pooling2d.py`.
    GlobalAveragePooling2D, GlobalAveragePooling2DOptions, 2, masks: false, |x, axes: &[usize], keepdims, _| mean_of(x, axes, keepdims)
}
