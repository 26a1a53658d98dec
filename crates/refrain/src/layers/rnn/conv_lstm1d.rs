//! The convolutional LSTM over a sequence of sequences.

super::conv_lstm::conv_lstm_layer! {
    /// An LSTM over a sequence of sequences whose products with kernels are convolutions (Shi et al., 2015).
    ///
    /// Input `(batch, time, rows, channels)`, or with channels first `(batch, time, channels, rows)`; output without
    /// `time` and with `filters` channels, or with `return_sequences` for each step; with `return_state` also the states `h`
    /// and `c`, each of an output's shape. Weights: `kernel (rows, channels, 4 filters)`,
    /// `recurrent_kernel (rows, filters, 4 filters)`, `bias (4 filters,)`, in the order input, forget, candidate, output.
    ///
    /// ```
    /// use refrain::{input, layers::ConvLstm1D};
    /// let layer = ConvLstm1D::new(8, 3);
    /// let y = layer.call(&input([10, 16, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/conv_lstm1d.py`.
    ConvLstm1D, ConvLstm1DOptions, "ConvLSTM1D", 1
}
