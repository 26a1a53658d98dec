//! Images whose bright pixels are inverted.

use super::options::{BYTES, Factor, UNIT, ValueRange, scaled};
use super::{Draws, augmentation};
use crate::ops;

augmentation! {
    /// Adds a number to the pixels of images and inverts those from a threshold on, while fitting; both are drawn for each image.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`; output of the same shape, in the layer's
    /// type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::Solarization};
    /// let y = Solarization::new().addition_factor(0.1).threshold_factor((0.2, 0.8)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/solarization.py`.
    random Solarization(), SolarizationOptions {
        /// The number, of bytes: from 0, or the first of two numbers, up to 255 times a number from 0 to 1.
        addition_factor: Factor = Factor::UpTo(0.0),
        /// The threshold, likewise.
        threshold_factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for SolarizationOptions {
    fn check(&self) -> Result<()> {
        self.addition_factor.check_both("addition_factor", UNIT)?;
        self.threshold_factor.check_both("threshold_factor", UNIT)?;
        self.value_range.check()
    }

    /// As Keras, whose lower bounds are in 255ths.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let factors = [self.addition_factor, self.threshold_factor];
        let drawn = factors.map(|factor| {
            let [low, high] = factor.range(UNIT);
            draws.uniform([low, high * BYTES[1]])
        });
        drawn.into_iter().collect()
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let range = self.value_range.sorted();
        let y = ops::clip(scaled(x, range, BYTES) + &drawn[0], BYTES[0], BYTES[1]);
        let y = ops::where_(ops::less(&y, &drawn[1]), &y, BYTES[1] - &y);
        scaled(&y, BYTES, range).checked()
    }
}
