//! The largest of all elements of a volume.

use refrain_graph::Reduction;

use crate::ops::reduce;

super::base_global_pooling::global_pooling_layer! {
    /// The largest element of each channel over a whole volume.
    ///
    /// Input `(batch, depth, height, width, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, 1, 1, channels)`.
    ///
    /// ```
    /// use refrain::layers::GlobalMaxPooling3D;
    /// use refrain::input;
    /// let y = GlobalMaxPooling3D::new().call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_max_pooling3d.py`.
    GlobalMaxPooling3D, GlobalMaxPooling3DOptions, 3, masks: false, |x, axes: &[usize], keepdims, _| reduce(x, Reduction::Max, axes, keepdims)
}
