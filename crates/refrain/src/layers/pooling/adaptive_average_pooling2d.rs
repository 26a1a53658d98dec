//! The mean of the elements in each of so many parts of an image.

use refrain_graph::Reduction;

super::base_adaptive_pooling::adaptive_pooling_layer! {
    /// The mean of the elements in each of so many windows over an image, whatever its size.
    ///
    /// Input `(batch, height, width, channels)`, output the same with `output_size` in place of the sizes; with channels first
    /// `(batch, channels, height, width)`. Each window begins and ends where its part of the axis does, rounded outwards.
    ///
    /// ```
    /// use refrain::{input, layers::AdaptiveAveragePooling2D};
    /// let y = AdaptiveAveragePooling2D::new([7, 5]).call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 7, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/adaptive_average_pooling2d.py`.
    AdaptiveAveragePooling2D, AdaptiveAveragePooling2DOptions, 2, Reduction::Sum
}
