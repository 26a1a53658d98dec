//! The depthwise convolution over a sequence.

super::depthwise_conv::depthwise_conv_layer! {
    /// A convolution over a sequence that keeps channels apart.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, new steps, channels · depth_multiplier)`. Weights:
    /// `kernel (size, channels, depth_multiplier)`, `bias (channels · depth_multiplier,)`.
    ///
    /// ```
    /// use refrain::layers::DepthwiseConv1D;
    /// use refrain::input;
    /// let layer = DepthwiseConv1D::new(3).depth_multiplier(2usize);
    /// let y = layer.call(&input([10, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 16)");
    /// assert_eq!(layer.count_params(), 3 * 8 * 2 + 16);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/depthwise_conv1d.py`.
    DepthwiseConv1D, DepthwiseConv1DOptions, 1
}
