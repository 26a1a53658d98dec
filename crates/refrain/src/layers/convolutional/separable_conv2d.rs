//! The separable convolution over an image.

super::separable_conv::separable_conv_layer! {
    /// A convolution over an image in two parts: one that keeps channels apart, then one of size 1 that mixes them.
    ///
    /// Input `(batch, height, width, channels)`, output `(batch, new height, new width, filters)`. Weights:
    /// `depthwise_kernel (height, width, channels, depth_multiplier)`,
    /// `pointwise_kernel (1, 1, channels · depth_multiplier, filters)`, `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::{Padding, SeparableConv2D};
    /// use refrain::input;
    /// let layer = SeparableConv2D::new(16, 3).padding(Padding::Same);
    /// let y = layer.call(&input([28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 16)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/separable_conv2d.py`.
    SeparableConv2D, SeparableConv2DOptions, 2
}
