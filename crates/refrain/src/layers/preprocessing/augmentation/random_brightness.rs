//! Images that become brighter or darker.

use super::options::{Factor, SIGNED, ValueRange};
use super::{Draws, augmentation};

augmentation! {
    /// Adds a share of the range of values, drawn for each image, to its pixels while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`; output of the same shape, in the layer's
    /// type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomBrightness};
    /// let y = RandomBrightness::new(0.2).value_range((0.0, 1.0)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// assert!(RandomBrightness::new(1.5).call(&input([28, 28, 3])).is_err());
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_brightness.py`.
    random RandomBrightness(factor: Factor), RandomBrightnessOptions {
        /// The share, from -1 to 1: up to a number in both directions, or between two.
        factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomBrightnessOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", SIGNED)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let [low, high] = self.value_range.sorted();
        Ok(vec![
            draws.uniform(self.factor.range(SIGNED))? * (high - low),
        ])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        self.value_range.clip(&(x + &drawn[0])).checked()
    }
}
