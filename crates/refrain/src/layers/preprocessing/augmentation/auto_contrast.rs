//! Images whose values fill their range.

use super::options::{BYTES, ValueRange, scaled};
use super::{Draws, augmentation};
use crate::ops::{self, Axes};

augmentation! {
    /// Spreads the values of each channel of an image over the whole range of values, while fitting and outside of it.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`; output of the same shape, in the layer's
    /// type. A channel of one value stays. With channels first Keras takes the extremes over channels and rows, and so does this
    /// layer. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::AutoContrast};
    /// let y = AutoContrast::new().value_range((0.0, 1.0)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/auto_contrast.py`.
    AutoContrast(), AutoContrastOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for AutoContrastOptions {
    fn check(&self) -> Result<()> {
        self.value_range.check()
    }

    fn draw(&self, _draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![])
    }

    fn transform(&self, x: &Tensor, _drawn: &[Tensor]) -> Result<Tensor> {
        let range = self.value_range.sorted();
        let bytes = scaled(x, range, BYTES);
        let axes = || Axes::from([1, 2]);
        let low = ops::min(&bytes, axes(), true);
        let high = ops::max(&bytes, axes(), true);
        let scale = BYTES[1] / (high - &low);
        let spread = bytes * &scale + -low * &scale;
        let y = scaled(&ops::clip(spread, BYTES[0], BYTES[1]), BYTES, range);
        ops::where_(ops::isnan(&y), x, &y).checked()
    }

    fn always(&self) -> bool {
        true
    }
}
