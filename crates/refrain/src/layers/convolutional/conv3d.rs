//! The convolution over a volume.

super::conv::conv_layer! {
    /// A convolution over a volume: `activation(conv(x, kernel) + bias)`.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with new sizes and `filters` channels; with channels
    /// first `(batch, channels, depth, height, width)`. Weights: `kernel (depth, height, width, channels / groups, filters)`,
    /// `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::{Conv3D, Padding};
    /// use refrain::input;
    /// let layer = Conv3D::new(4, 3).strides((1, 2, 2)).padding(Padding::Same);
    /// let y = layer.call(&input([8, 28, 28, 1]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 14, 14, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv3d.py`.
    Conv3D, Conv3DOptions, 3
}
