//! The convolution over an image.

super::conv::conv_layer! {
    /// A convolution over an image: `activation(conv(x, kernel) + bias)`.
    ///
    /// Input `(batch, height, width, channels)`, output `(batch, new height, new width, filters)`; with channels first
    /// `(batch, channels, height, width)`. Weights: `kernel (height, width, channels / groups, filters)`,
    /// `bias (filters,)`.
    ///
    /// ```
    /// use refrain::activations::Activation;
    /// use refrain::layers::{Conv2D, Padding};
    /// use refrain::input;
    /// let layer = Conv2D::new(32, 3).strides(2).padding(Padding::Same).activation(Activation::Relu);
    /// let y = layer.call(&input([28, 28, 1]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 32)");
    /// assert!(layer.call(&input([28, 28, 3])).is_err()); // its kernel has 1 input channel
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv2d.py`.
    Conv2D, Conv2DOptions, 2
}
