//! The mean of the elements in each of so many parts of a volume.

use refrain_graph::Reduction;

super::base_adaptive_pooling::adaptive_pooling_layer! {
    /// The mean of the elements in each of so many windows over a volume, whatever its size.
    ///
    /// Input `(batch, depth, height, width, channels)`, output the same with `output_size` in place of the sizes; with channels first
    /// `(batch, channels, depth, height, width)`. Each window begins and ends where its part of the axis does, rounded outwards.
    ///
    /// ```
    /// use refrain::{input, layers::AdaptiveAveragePooling3D};
    /// let y = AdaptiveAveragePooling3D::new([2, 7, 5]).call(&input([8, 28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 2, 7, 5, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/adaptive_average_pooling3d.py`.
    AdaptiveAveragePooling3D, AdaptiveAveragePooling3DOptions, 3, Reduction::Sum
}
