//! The mean of the elements in each of so many parts of a sequence.

use refrain_graph::Reduction;

super::base_adaptive_pooling::adaptive_pooling_layer! {
    /// The mean of the elements in each of so many windows over a sequence, whatever its size.
    ///
    /// Input `(batch, steps, channels)`, output the same with `output_size` in place of the sizes; with channels first
    /// `(batch, channels, steps)`. Each window begins and ends where its part of the axis does, rounded outwards.
    ///
    /// ```
    /// use refrain::{input, layers::AdaptiveAveragePooling1D};
    /// let y = AdaptiveAveragePooling1D::new(7).call(&input([28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 7, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/adaptive_average_pooling1d.py`.
    AdaptiveAveragePooling1D, AdaptiveAveragePooling1DOptions, 1, Reduction::Sum
}
