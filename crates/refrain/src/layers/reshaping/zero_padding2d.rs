//! Zeros around images.

use super::edges::{Edges, pad};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Zeros added around rows and columns.
    ///
    /// Input and output: `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ZeroPadding2D};
    /// let y = ZeroPadding2D::new(1).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 8, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/zero_padding2d.py`.
    ZeroPadding2D, ZeroPadding2DOptions, 2,
    {
        /// Zeros added at the beginning and the end of the spatial axes: one number for all, one for each axis, or a pair for
        /// each.
        padding: Edges<2> = Edges::from(1),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    new: impl Into<Edges<2>>,
    call: |o: &ZeroPadding2DOptions, x| pad(x, &o.padding, o.data_format)
}
