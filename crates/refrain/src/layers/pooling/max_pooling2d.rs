//! The largest of neighbouring elements of an image.

use refrain_graph::Reduction;

super::base_pooling::pooling_layer! {
    /// The largest element in each position of a window over an image.
    ///
    /// Input `(batch, height, width, channels)`, output the same with fewer rows and columns; with channels first `(batch, channels, height, width)`.
    ///
    /// ```
    /// use refrain::layers::{MaxPooling2D, Padding};
    /// use refrain::input;
    /// let layer = MaxPooling2D::new(3).strides(2).padding(Padding::Same);
    /// let y = layer.call(&input([28, 28, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 14, 14, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/max_pooling2d.py`.
    MaxPooling2D, MaxPooling2DOptions, 2, Reduction::Max
}
