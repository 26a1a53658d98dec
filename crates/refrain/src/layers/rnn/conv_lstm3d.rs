//! The convolutional LSTM over a sequence of volumes.

super::conv_lstm::conv_lstm_layer! {
    /// An LSTM over a sequence of volumes whose products with kernels are convolutions (Shi et al., 2015).
    ///
    /// Input `(batch, time, depth, rows, columns, channels)`, or with channels first `(batch, time, channels, depth, rows, columns)`; output without
    /// `time` and with `filters` channels, or with `return_sequences` for each step; with `return_state` also the states `h`
    /// and `c`, each of an output's shape. Weights: `kernel (depth, rows, columns, channels, 4 filters)`,
    /// `recurrent_kernel (depth, rows, columns, filters, 4 filters)`, `bias (4 filters,)`, in the order input, forget, candidate, output.
    ///
    /// ```
    /// use refrain::{input, layers::ConvLstm3D};
    /// let layer = ConvLstm3D::new(8, 3);
    /// let y = layer.call(&input([10, 4, 16, 16, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 2, 14, 14, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/rnn/conv_lstm3d.py`.
    ConvLstm3D, ConvLstm3DOptions, "ConvLSTM3D", 3
}
