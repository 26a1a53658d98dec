//! Images of more or less contrast.

use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::layers::preprocessing::images;
use crate::ops;

augmentation! {
    /// Multiplies the distance of pixels from the mean of their channel while fitting, by a number that is drawn for each image.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomContrast};
    /// let y = RandomContrast::new((0.2, 0.5)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_contrast.py`.
    random RandomContrast(factor: Factor), RandomContrastOptions {
        /// The number is drawn between 1 less the lower and 1 more the higher of two numbers from 0 to 1; the lower is 0 if one is
        /// given.
        factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomContrastOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let [lower, upper] = self.factor.range(UNIT);
        Ok(vec![draws.uniform([1.0 - lower, 1.0 + upper])?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let axes = images::axes(x, self.data_format)?;
        let mean = axes
            .iter()
            .fold(x.clone(), |x, &axis| ops::mean(&x, axis as i64, true));
        let changed = (x - &mean) * &drawn[0] + mean;
        self.value_range.clip(&changed).checked()
    }
}
