//! The largest element in each of so many parts of an image.

use refrain_graph::Reduction;

super::base_adaptive_pooling::adaptive_pooling_layer! {
    /// The largest element in each of so many windows over an image, whatever its size.
    ///
    /// Input `(batch, height, width, channels)`, output the same with `output_size` in place of the sizes; with channels first
    /// `(batch, channels, height, width)`. Each window begins and ends where its part of the axis does, rounded outwards.
    ///
    /// ```
    /// use refrain::{input, layers::AdaptiveMaxPooling2D};
    /// let y = AdaptiveMaxPooling2D::new([7, 5]).call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 7, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/adaptive_max_pooling2d.py`.
    AdaptiveMaxPooling2D, AdaptiveMaxPooling2DOptions, 2, Reduction::Max
}
