//! Images of fewer colours.

use refrain_graph::DType;

use super::options::{BYTES, Factor, ValueRange, scaled};
use super::{Draws, augmentation};
use crate::ops;

/// What factors lie between.
const BOUNDS: [f64; 2] = [1.0, 8.0];

augmentation! {
    /// Leaves so many bits of each byte, a number that is drawn for each image, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`; output of the same shape, in the layer's
    /// type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomPosterization};
    /// let y = RandomPosterization::new((2.0, 5.0)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_posterization.py`.
    random RandomPosterization(factor: Factor), RandomPosterizationOptions {
        /// The number of bits, from 1 to 8: below a number, or between two, of which the higher is not drawn.
        factor: Factor = Factor::UpTo(8.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomPosterizationOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", BOUNDS)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let bits = draws.each(self.factor.range(BOUNDS))?.floor();
        Ok(vec![(8.0 - bits).checked()?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let range = self.value_range.sorted();
        let bytes = ops::cast(scaled(x, range, BYTES), DType::U8);
        let bits = ops::cast(&drawn[0], DType::U8);
        let kept = ops::left_shift(&ops::right_shift(&bytes, &bits), &bits);
        scaled(&ops::cast(kept, x.dtype()), BYTES, range).checked()
    }
}
