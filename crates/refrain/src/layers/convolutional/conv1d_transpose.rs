//! The transposed convolution over a sequence.

super::conv_transpose::conv_transpose_layer! {
    /// A transposed convolution over a sequence, which goes from the shape of a convolution's output to that of its input.
    ///
    /// Input `(batch, steps, channels)`, output the same with larger sizes and `filters` channels; with channels first
    /// `(batch, channels, steps)`. Weights: `kernel (size, filters, channels)`, `bias (filters,)`.
    ///
    /// ```
    /// use refrain::layers::{Conv1DTranspose, Padding};
    /// use refrain::input;
    /// let layer = Conv1DTranspose::new(4, 3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([7, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 4)");
    /// assert!(layer.output_padding(2).call(&input([7, 8])).is_err()); // must be less than the strides
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv1d_transpose.py`.
    Conv1DTranspose, Conv1DTransposeOptions, 1
}
