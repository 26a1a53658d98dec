//! The transposed convolution over an image.

super::conv_transpose::conv_transpose_layer! {
    /// A transposed convolution over an image, which goes from the shape of a convolution's output to that of its input.
    ///
    /// Input `(batch, height, width, channels)`, output the same with larger sizes and `filters` channels; with channels first
    /// `(batch, channels, height, width)`. Weights: `kernel (height, width, filters, channels)`, `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::{Conv2DTranspose, Padding};
    /// use refrain::input;
    /// let layer = Conv2DTranspose::new(4, 3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([7, 7, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 4)");
    /// assert!(layer.output_padding(2).call(&input([7, 7, 8])).is_err()); // must be less than the strides
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv2d_transpose.py`.
    Conv2DTranspose, Conv2DTransposeOptions, 2
}
