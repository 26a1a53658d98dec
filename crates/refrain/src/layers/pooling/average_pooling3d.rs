//! The mean of neighbouring elements of a volume.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The mean element in each position of a window over a volume.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with smaller sizes; with channels first `(batch, channels, depth, height, width)`. Padding does not count.
    ///
    /// ```
    /// use refrain::layers::{AveragePooling3D, Padding};
    /// use refrain::input;
    /// let layer = AveragePooling3D::new(3).strides((1, 2, 2)).padding(Padding::Same);
    /// let y = layer.call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 14, 14, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/average_pooling3d.py`.
    AveragePooling3D, AveragePooling3DOptions, 3, Reduction::Sum
}
