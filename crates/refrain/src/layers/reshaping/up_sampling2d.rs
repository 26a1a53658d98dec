//! More rows and columns.

use super::edges::repeat;
use crate::config::Sizes;
use crate::layers::{DataFormat, Interpolation};
use crate::ops::image::resize::{Resampling, resize};
use crate::utils::sizes;

super::spatial::spatial_layer! {
    /// Each row and each column repeated, or others between them.
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
        /// Interpolation method: what lies between the rows and columns.
        interpolation: Interpolation = Interpolation::Nearest,
    },
    new: impl Into<Sizes<2>>,
    call: |o: &UpSampling2DOptions, x| up_sampled(x, o)
}

fn up_sampled(x: &Tensor, options: &UpSampling2DOptions) -> Result<Tensor> {
    if options.interpolation == Interpolation::Nearest {
        return repeat(x, &options.size.0, options.data_format);
    }
    let how = Resampling {
        interpolation: options.interpolation,
        antialias: false,
    };
    let first = options.data_format.first_spatial_axis();
    let axes = (first..).zip(options.size.0).filter_map(|(axis, n)| {
        // An unknown size stays unknown.
        let size = sizes::times(x.shape().dim(axis)?, n);
        Some(size.map(|size| (axis, size)))
    });
    resize(x, &axes.collect::<Result<Vec<_>>>()?, how)
}
