//! The largest element in each of so many parts of a volume.

use refrain_graph::Reduction;

super::base_adaptive_pooling::adaptive_pooling_layer! {
    /// The largest element in each of so many windows over a volume, whatever its size.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with `output_size` in place of the sizes; with channels first
    /// `(batch, channels, depth, height, width)`. Each window begins and ends where its part of the axis does, rounded outwards.
    ///
    /// ```
    /// use refrain::{input, layers::AdaptiveMaxPooling3D};
    /// let y = AdaptiveMaxPooling3D::new([2, 7, 5]).call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 2, 7, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/adaptive_max_pooling3d.py`.
    AdaptiveMaxPooling3D, AdaptiveMaxPooling3DOptions, 3, Reduction::Max
}
