//! The elements of volumes repeated.

use super::edges::repeat;
use crate::config::Sizes;
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Each element repeated along the three axes of a volume.
    ///
    /// Input `(batch, depth, height, width, channels)`, or with channels first `(batch, channels, depth, height, width)`; output with the spatial sizes multiplied by
    /// `size`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::UpSampling3D};
    /// let y = UpSampling3D::new((1, 2, 3)).call(&input([4, 6, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4, 12, 18, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/up_sampling3d.py`.
    UpSampling3D, UpSampling3DOptions, 3,
    {
        /// Upsampling factors of the three spatial axes: one number for all, or one for each.
        size: Sizes<3> = Sizes::from(2),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    new: impl Into<Sizes<3>>,
    call: |o: &UpSampling3DOptions, x| repeat(x, &o.size.0, o.data_format)
}
