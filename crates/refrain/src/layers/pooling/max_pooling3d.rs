//! The largest of neighbouring elements of a volume.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The largest element in each position of a window over a volume.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with smaller sizes; with channels first `(batch, channels, depth, height, width)`.
    ///
    /// ```
    /// use refrain::layers::{MaxPooling3D, Padding};
    /// use refrain::input;
    /// let layer = MaxPooling3D::new(3).strides((1, 2, 2)).padding(Padding::Same);
    /// let y = layer.call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 14, 14, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/max_pooling3d.py`.
    MaxPooling3D, MaxPooling3DOptions, 3, Reduction::Max
}
