//! Dropout of whole features of a sequence.

use crate::layers::DataFormat;

super::noise::noise_layer! {
    /// Dropout of whole features: all steps of a dropped feature are zero.
    ///
    /// Input and output `(batch, steps, features)`. No weights.
    ///
    /// ```
    /// use refrain::layers::SpatialDropout1D;
    /// use refrain::input;
    /// let y = SpatialDropout1D::new(0.3).call(&input([10, 64]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/regularization/spatial_dropout.py`.
    SpatialDropout1D, SpatialDropout1DOptions, rate: "Fraction of the features that is dropped over all steps, in `[0, 1]`.",
    {},
    validate: |_| Ok(()),
    ndim: Some(3),
    plain_config: true,
    call: |o: &SpatialDropout1DOptions, cx, x| noise::drop_channels(cx, x, o.rate, DataFormat::ChannelsLast)
}
