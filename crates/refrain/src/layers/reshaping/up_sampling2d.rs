//! Rows and columns repeated.

use super::edges::repeat;
use crate::config::Sizes;
use crate::error::{Error, ErrorKind};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Each row and each column repeated.
    ///
    /// Input `(batch, rows, columns, channels)`, or with channels first `(batch, channels, rows, columns)`; output with rows and
    /// columns multiplied by `size`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::UpSampling2D};
    /// let y = UpSampling2D::new(2).call(&input([8, 6, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 16, 12, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/up_sampling2d.py`.
    UpSampling2D, UpSampling2DOptions, 2,
    {
        /// Upsampling factors of rows and columns: one number for both, or a pair.
        size: Sizes<2> = Sizes::from(2),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
        /// Interpolation method: `nearest`. Any other is an error.
        interpolation: String = "nearest".to_owned(),
    },
    validate: |o: &UpSampling2DOptions| nearest(&o.interpolation),
    new: impl Into<Sizes<2>>,
    call: |o: &UpSampling2DOptions, x| repeat(x, &o.size.0, o.data_format)
}

fn nearest(interpolation: &str) -> Result<()> {
    match interpolation {
        "nearest" => Ok(()),
        other => Err(Error::mismatch(
            ErrorKind::Unsupported,
            "the interpolation `nearest`",
            other,
        )),
    }
}
