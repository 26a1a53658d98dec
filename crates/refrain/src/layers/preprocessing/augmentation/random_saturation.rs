//! Images of stronger or weaker colours.

use super::options::{Factor, SIGNED, ValueRange};
use super::{Draws, augmentation};
use crate::config::EPSILON;
use crate::ops::{image::colors, prim};

augmentation! {
    /// Multiplies the saturation of images, by a number that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, 3)` or one image `(rows, columns, 3)`, with channels first `(batch, 3, rows, columns)`; output
    /// of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomSaturation};
    /// let y = RandomSaturation::new((0.4, 0.6)).value_range((0.0, 1.0)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_saturation.py`.
    random RandomSaturation(factor: Factor), RandomSaturationOptions {
        /// What is drawn, from -1 to 1: `f` gives a number of `f / (1 - f)`, 0.5 leaves an image, 0 and less takes its colours.
        factor: Factor = Factor::UpTo(0.0),
        /// What the saturation, a number from 0 to 1, is clipped to.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomSaturationOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", SIGNED)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        // In `float32`: a factor near 1 would be rounded to 1 in 16 bits.
        let factor = draws.each(self.factor.range(SIGNED))?;
        let ratio = (&factor / (1.0 - &factor + EPSILON)).checked()?;
        Ok(vec![prim::convert(&ratio, draws.x.dtype())?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let [hue, saturation, value] = colors::hsv(x, self.data_format)?;
        let saturation = self.value_range.clip(&(saturation * &drawn[0]));
        colors::rgb(&[hue, saturation, value], self.data_format)
    }
}
