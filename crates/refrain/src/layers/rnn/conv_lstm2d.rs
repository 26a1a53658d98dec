//! The convolutional LSTM over a sequence of images.

super::conv_lstm::conv_lstm_layer! {
    /// An LSTM over a sequence of images whose products with kernels are convolutions (Shi et al., 2015).
    ///
    /// Input `(batch, time, rows, columns, channels)`, or with channels first `(batch, time, channels, rows, columns)`; output without
    /// `time` and with `filters` channels, or with `return_sequences` for each step; with `return_state` also the states `h`
    /// and `c`, each of an output's shape. Weights: `kernel (rows, columns, channels, 4 filters)`,
    /// `recurrent_kernel (rows, columns, filters, 4 filters)`, `bias (4 filters,)`, in the order input, forget, candidate, output.
    ///
    /// ```
    /// use refrain::{input, layers::ConvLstm2D};
    /// let layer = ConvLstm2D::new(8, 3);
    /// let y = layer.call(&input([10, 16, 16, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/conv_lstm2d.py`.
    ConvLstm2D, ConvLstm2DOptions, "ConvLSTM2D", 2
}
