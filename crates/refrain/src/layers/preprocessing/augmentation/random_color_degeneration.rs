//! Images whose colours fade.

use super::options::{Factor, SIGNED, ValueRange};
use super::{Draws, augmentation};
use crate::ops::image::colors;

augmentation! {
    /// Mixes images with their gray, in a share that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)` of 1 or 3 channels, with channels first
    /// `(batch, channels, rows, columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values.
    /// No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomColorDegeneration};
    /// let y = RandomColorDegeneration::new((0.0, 0.5)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_color_degeneration.py`.
    random RandomColorDegeneration(factor: Factor), RandomColorDegenerationOptions {
        /// The share of gray, from -1 to 1: up to a number in both directions, or between two. One below 0 makes colours stronger.
        factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomColorDegenerationOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", SIGNED)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![draws.uniform(self.factor.range(SIGNED))?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let gray = colors::grayscale(x, self.data_format)?;
        let mixed = x + &drawn[0] * (gray - x);
        self.value_range.clip(&mixed).checked()
    }
}
