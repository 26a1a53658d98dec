//! The mean of neighbouring elements of an image.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The mean element in each position of a window over an image.
    ///
    /// Input `(batch, height, width, channels)`, output the same with fewer rows and columns; with channels first `(batch, channels, height, width)`. Padding does not
    /// count.
    ///
    /// ```
    /// use refrain::layers::{AveragePooling2D, Padding};
    /// use refrain::input;
    /// let layer = AveragePooling2D::new(3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/average_pooling2d.py`.
    AveragePooling2D, AveragePooling2DOptions, 2, Reduction::Sum
}
