//! The mean of neighbouring elements of a sequence.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The mean element in each position of a window over a sequence.
    ///
    /// Input `(batch, steps, channels)`, output the same with fewer steps; with channels first `(batch, channels, steps)`. Padding does not
    /// count.
    ///
    /// ```
    /// use refrain::layers::{AveragePooling1D, Padding};
    /// use refrain::input;
    /// let layer = AveragePooling1D::new(3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/average_pooling1d.py`.
    AveragePooling1D, AveragePooling1DOptions, 1, Reduction::Sum
}
