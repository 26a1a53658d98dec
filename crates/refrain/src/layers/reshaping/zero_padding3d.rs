//! Zeros around volumes.

use super::edges::{Edges, pad};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Zeros added around volumes.
    ///
    /// Input and output: `(batch, depth, height, width, channels)`, or with channels first `(batch, channels, depth, height, width)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ZeroPadding3D};
    /// let y = ZeroPadding3D::new((1, 0, 2)).call(&input([8, 6, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 6, 10, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/zero_padding3d.py`.
    ZeroPadding3D, ZeroPadding3DOptions, 3,
    {
        /// Zeros added at the beginning and the end of the spatial axes: one number for all, one for each axis, or a pair for
        /// each.
        padding: Edges<3> = Edges::from(1),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    new: impl Into<Edges<3>>,
    call: |o: &ZeroPadding3DOptions, x| pad(x, &o.padding, o.data_format)
}
