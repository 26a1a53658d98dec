//! Edges of sequences cut off.

use super::edges::{Edges, crop};
use crate::layers::DataFormat;

super::spatial::spatial_layer! {
    /// Elements cut off at the edges of steps.
    ///
    /// Input and output: `(batch, steps, channels)`. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Cropping1D};
    /// let y = Cropping1D::new(1).call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 8, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/reshaping/cropping1d.py`.
    Cropping1D, Cropping1DOptions, 1,
    {
        /// Elements cropped at the beginning and the end of the steps: one number for both, or a pair.
        cropping: Edges<1> = Edges::from(1),
    },
    may_return_input: true,
    new: impl Into<Edges<1>>,
    call: |o: &Cropping1DOptions, x| crop(x, &o.cropping, DataFormat::ChannelsLast)
}
