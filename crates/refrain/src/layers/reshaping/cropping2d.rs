//! Edges of images cut off.

use super::edges::{Edges, crop};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Elements cut off at the edges of rows and columns.
    ///
    /// Input and output: `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Cropping2D};
    /// let y = Cropping2D::new(1).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 6, 4, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/cropping2d.py`.
    Cropping2D, Cropping2DOptions, 2,
    {
        /// Elements cropped at the beginning and the end of the spatial axes: one number for all, one for each axis, or a pair
        /// for each.
        cropping: Edges<2> = Edges::from(0),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    may_return_input: true,
    new: impl Into<Edges<2>>,
    call: |o: &Cropping2DOptions, x| crop(x, &o.cropping, o.data_format)
}
