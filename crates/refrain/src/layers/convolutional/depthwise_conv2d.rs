//! The depthwise convolution over an image.

super::depthwise_conv::depthwise_conv_layer! {
    /// A convolution over an image that keeps channels apart.
    ///
    /// Input `(batch, height, width, channels)`, output `(batch, new height, new width, channels · depth_multiplier)`.
    /// Weights: `kernel (height, width, channels, depth_multiplier)`, `bias (channels · depth_multiplier,)`.
    ///
    /// ```
    /// use refrain::layers::{DepthwiseConv2D, Padding};
    /// use refrain::input;
    /// let layer = DepthwiseConv2D::new(3).padding(Padding::Same).strides(2);
    /// let y = layer.call(&input([28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/depthwise_conv2d.py`.
    DepthwiseConv2D, DepthwiseConv2DOptions, 2
}
