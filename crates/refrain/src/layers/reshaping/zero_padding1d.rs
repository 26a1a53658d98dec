//! Zeros around sequences.

use super::edges::{Edges, pad};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Zeros added around steps.
    ///
    /// Input and output: `(batch, steps, channels)`, or with `channels_first` `(batch, channels, steps)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::ZeroPadding1D};
    /// let y = ZeroPadding1D::new(1).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 12, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/zero_padding1d.py`.
    ZeroPadding1D, ZeroPadding1DOptions, 1,
    {
        /// Zeros added at the beginning and the end of the steps: one number for both, or a pair.
        padding: Edges<1> = Edges::from(1),
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    new: impl Into<Edges<1>>,
    call: |o: &ZeroPadding1DOptions, x| pad(x, &o.padding, o.data_format)
}
