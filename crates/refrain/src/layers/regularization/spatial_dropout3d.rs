//! Dropout of whole channels of a volume.

use crate::layers::DataFormat;

super::noise::noise_layer! {
    /// Dropout of whole channels: all elements of a dropped channel are zero.
    ///
    /// Input and output `(batch, depth, height, width, channels)`, with channels first `(batch, channels, depth, height, width)`.
    /// No weights.
    ///
    /// ```
    /// use refrain::layers::SpatialDropout3D;
    /// use refrain::input;
    /// let y = SpatialDropout3D::new(0.3).call(&input([4, 28, 28, 8]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4, 28, 28, 8)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/spatial_dropout.py`.
    SpatialDropout3D, SpatialDropout3DOptions, rate: "Fraction of the channels that is dropped as a whole, in `[0, 1]`.",
    {
        /// `ChannelsLast`: `(batch, …, channels)`. `ChannelsFirst`: `(batch, channels, …)`.
        data_format: DataFormat = DataFormat::ChannelsLast,
    },
    validate: |_| Ok(()),
    ndim: Some(5),
    plain_config: true,
    call: |o: &SpatialDropout3DOptions, cx, x| noise::drop_channels(cx, x, o.rate, o.data_format)
}
