//! Steps repeated.

use super::edges::repeat;
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Each step repeated.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, steps · size, channels)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::UpSampling1D};
    /// let y = UpSampling1D::new(2).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 20, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/up_sampling1d.py`.
    UpSampling1D, UpSampling1DOptions, 1,
    {
        /// Upsampling factor: how often each step is repeated.
        size: usize = 2,
    },
    new: usize,
    call: |o: &UpSampling1DOptions, x| repeat(x, &[o.size], DataFormat::ChannelsLast)
}
