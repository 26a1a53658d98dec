//! The mean of all elements of a volume.

use crate::ops::mean_of;

super::base_global_pooling::global_pooling_layer! {
    /// The mean element of each channel over a whole volume.
    ///
    /// Input `(batch, depth, height, width, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, 1, 1, channels)`.
    ///
    /// ```
    /// use refrain::layers::GlobalAveragePooling3D;
    /// use refrain::input;
    /// let y = GlobalAveragePooling3D::new().call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_average_pooling3d.py`.
    GlobalAveragePooling3D, GlobalAveragePooling3DOptions, 3, masks: false, |x, axes: &[usize], keepdims, _| mean_of(x, axes, keepdims)
}
