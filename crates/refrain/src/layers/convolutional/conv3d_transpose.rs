//! The transposed convolution over a volume.

super::conv_transpose::conv_transpose_layer! {
    /// A transposed convolution over a volume, which goes from the shape of a convolution's output to that of its input.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with larger sizes and `filters` channels; with channels first
    /// `(batch, channels, depth, height, width)`. Weights: `kernel (depth, height, width, filters, channels)`, `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::{Conv3DTranspose, Padding};
    /// use refrain::input;
    /// let layer = Conv3DTranspose::new(4, 3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([4, 7, 7, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 14, 14, 4)");
    /// assert!(layer.output_padding(2).call(&input([4, 7, 7, 8])).is_err()); // must be less than the strides
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv3d_transpose.py`.
    Conv3DTranspose, Conv3DTransposeOptions, 3
}
