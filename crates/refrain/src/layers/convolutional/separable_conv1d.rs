//! The separable convolution over a sequence.

super::separable_conv::separable_conv_layer! {
    /// A convolution over a sequence in two parts: one that keeps channels apart, then one of size 1 that mixes them.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, new steps, filters)`. Weights:
    /// `depthwise_kernel (size, channels, depth_multiplier)`,
    /// `pointwise_kernel (1, channels · depth_multiplier, filters)`, `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::SeparableConv1D;
    /// use refrain::input;
    /// let layer = SeparableConv1D::new(16, 3);
    /// let y = layer.call(&input([10, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 16)");
    /// assert_eq!(layer.count_params(), 3 * 8 + 8 * 16 + 16);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/separable_conv1d.py`.
    SeparableConv1D, SeparableConv1DOptions, 1
}
