//! The convolution over a sequence.

super::conv::conv_layer! {
    /// A convolution over a sequence: `activation(conv(x, kernel) + bias)`.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, new steps, filters)`; with channels first
    /// `(batch, channels, steps)`. Weights: `kernel (size, channels / groups, filters)`, `bias (filters,)`.
    /// [`Padding::Causal`] keeps outputs from seeing later inputs.
    ///
    /// ```
    /// use refrain::layers::{Conv1D, Padding};
    /// use refrain::input;
    /// let layer = Conv1D::new(16, 3).padding(Padding::Causal).dilation_rate(2);
    /// let y = layer.call(&input([None, Some(8)]))?;
    /// assert_eq!(y.shape().to_string(), "(None, None, 16)");
    /// assert_eq!(layer.count_params(), 3 * 8 * 16 + 16);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/convolutional/conv1d.py`.
    Conv1D, Conv1DOptions, 1
}
