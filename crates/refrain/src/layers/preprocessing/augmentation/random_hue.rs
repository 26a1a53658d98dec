//! Images of other colours.

use super::options::{Factor, UNIT, ValueRange, scaled};
use super::{Draws, augmentation};
use crate::ops::{self, image::colors};

augmentation! {
    /// Turns the hue of images, forwards or backwards by an angle that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, 3)` or one image `(rows, columns, 3)`, with channels first `(batch, 3, rows, columns)`; output
    /// of the same shape, in the layer's type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomHue};
    /// let y = RandomHue::new(0.2).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_hue.py`.
    random RandomHue(factor: Factor), RandomHueOptions {
        /// The angle in half turns, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomHueOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let backwards = ops::greater(&draws.each([0.0, 1.0])?, 0.5);
        let angle = draws.uniform(self.factor.range(UNIT))? * 0.5;
        Ok(vec![ops::where_(&backwards, -&angle, &angle)])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let (range, shares) = ([self.value_range.0, self.value_range.1], [0.0, 1.0]);
        let [hue, saturation, value] = colors::hsv(&scaled(x, range, shares), self.data_format)?;
        let hue = hue + &drawn[0];
        let hue = ops::where_(ops::greater(&hue, 1.0), &hue - 1.0, &hue);
        let hue = ops::where_(ops::less(&hue, 0.0), &hue + 1.0, &hue);
        let turned = colors::rgb(&[hue, saturation, value], self.data_format)?;
        scaled(&ops::clip(turned, 0.0, 1.0), shares, range).checked()
    }
}
