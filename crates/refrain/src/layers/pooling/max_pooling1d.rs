//! The largest of neighbouring elements of a sequence.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The largest element in each position of a window over a sequence.
    ///
    /// Input `(batch, steps, channels)`, output the same with fewer steps; with channels first `(batch, channels, steps)`.
    ///
    /// ```
    /// use refrain::layers::{MaxPooling1D, Padding};
    /// use refrain::input;
    /// let layer = MaxPooling1D::new(3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/max_pooling1d.py`.
    MaxPooling1D, MaxPooling1DOptions, 1, Reduction::Max
}
