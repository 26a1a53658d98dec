//! Dropout of whole channels of an image.

use crate::layers::DataFormat;

super::noise::noise_layer! {
    /// Dropout of whole channels: all pixels of a dropped channel are zero.
    ///
    /// Input and output `(batch, height, width, channels)`, with channels first `(batch, channels, height, width)`.
    /// No weights.
    ///
    /// ```
    /// use refrain::layers::SpatialDropout2D;
    /// use refrain::input;
    /// let y = SpatialDropout2D::new(0.3).call(&input([28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/spatial_dropout.py`.
    SpatialDropout2D, SpatialDropout2DOptions, rate: "Fraction of the channels that is dropped as a whole, in `[0, 1]`.",
    {
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    validate: |_| Ok(()),
    ndim: Some(4),
    plain_config: true,
    call: |o: &SpatialDropout2DOptions, cx, x| noise::drop_channels(cx, x, o.rate, o.data_format)
}
