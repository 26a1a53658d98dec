//! The mean of all elements of a sequence.

use super::base_global_pooling::mean_over_steps;

super::base_global_pooling::global_pooling_layer! {
    /// The mean element of each channel over a whole sequence.
    ///
    /// Input `(batch, steps, channels)`, output `(batch, channels)`, or with `keepdims` `(batch, 1, channels)`. With a
    /// mask only the steps that it keeps count.
    ///
    /// ```
    /// use refrain::layers::GlobalAveragePooling1D;
    /// use refrain::input;
    /// let y = GlobalAveragePooling1D::new().call(&input([10, 4]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/pooling/global_average_pooling1d.py`.
    GlobalAveragePooling1D, GlobalAveragePooling1DOptions, 1, masks: true, mean_over_steps
}
