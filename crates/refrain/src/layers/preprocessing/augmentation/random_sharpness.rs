//! Images that become sharper or smoother.

use refrain_graph::Literal;

use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::error::{Error, ErrorKind};
use crate::ops::image::blurred;

augmentation! {
    /// Mixes images with smoothed ones, in a share that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomSharpness};
    /// let y = RandomSharpness::new((0.4, 0.8)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_sharpness.py`.
    random RandomSharpness(factor: Factor), RandomSharpnessOptions {
        /// What is drawn, from 0 to 1: 0 is a smoothed image, 0.5 the image, 1 a sharper one. Up to a number, or between two.
        factor: Factor = Factor::UpTo(0.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomSharpnessOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.value_range.check()
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![draws.uniform(self.factor.range(UNIT))?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let mut kernel = vec![1.0 / 13.0; 9];
        kernel[4] = 5.0 / 13.0;
        let kernel = Literal::new([3, 3], kernel)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a kernel of another size"))?;
        let kernel = x.expect_traced()?.trace.constant(kernel.convert(x.dtype()));
        let smooth = blurred(x, &kernel, self.data_format)?;
        let mixed = x + (1.0 - &drawn[0] * 2.0) * (smooth - x);
        self.value_range.clip(&mixed).checked()
    }
}
