//! Edges of volumes cut off.

use super::edges::{Edges, crop};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Elements cut off at the edges of volumes.
    ///
    /// Input and output: `(batch, depth, height, width, channels)`, or with channels first `(batch, channels, depth, height, width)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Cropping3D};
    /// let y = Cropping3D::new((1, 0, 2)).call(&input([8, 6, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 6, 6, 2, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/cropping3d.py`.
    Cropping3D, Cropping3DOptions, 3,
    {
        /// Elements cropped at the beginning and the end of the spatial axes: one number for all, one for each axis, or a pair
        /// for each.
        cropping: Edges<3> = Edges::from(1),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    may_return_input: true,
    new: impl Into<Edges<3>>,
    call: |o: &Cropping3DOptions, x| crop(x, &o.cropping, o.data_format)
}
