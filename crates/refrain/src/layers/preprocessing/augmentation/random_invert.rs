//! Images whose bright parts become dark.

use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::ops;

augmentation! {
    /// Subtracts images from the largest value, with a probability that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`; output of the same shape, in the layer's
    /// type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomInvert};
    /// let y = RandomInvert::new().factor((0.2, 0.2)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_invert.py`.
    random RandomInvert(), RandomInvertOptions {
        /// The probability, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomInvertOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![draws.chance(self.factor.range(UNIT))?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        ops::where_(&drawn[0], self.value_range.1 - x, x).checked()
    }
}
