//! Images that are blurred.

use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::config::Sizes;
use crate::error::{Error, ErrorKind};
use crate::ops::{
    self,
    image::{bell, blurred},
};
use crate::utils::sizes;

augmentation! {
    /// Blurs images, with a probability that is drawn for each, while fitting. All of a batch are blurred alike.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomGaussianBlur};
    /// let layer = RandomGaussianBlur::new().kernel_size(5).sigma((0.5, 1.0));
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_gaussian_blur.py`.
    random RandomGaussianBlur(), RandomGaussianBlurOptions {
        /// The probability, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
        /// Columns and rows of the kernel, odd numbers.
        kernel_size: Sizes<2> = Sizes([3, 3]),
        /// The standard deviations along columns and rows, from 0 to 1: up to a number, or between two.
        sigma: Factor = Factor::UpTo(1.0),
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

impl Augmentation for RandomGaussianBlurOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.sigma.check("sigma", UNIT)?;
        self.value_range.check()?;
        sizes::check_memory("the kernel of a blur", &self.kernel_size.0, 8)?;
        match self.kernel_size.0.iter().find(|&size| size % 2 == 0) {
            None => Ok(()),
            Some(size) => Err(Error::mismatch(
                ErrorKind::Config,
                "odd numbers for option `kernel_size`",
                size.to_string(),
            )),
        }
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let apply = draws.chance(self.factor.range(UNIT))?;
        // A deviation of 0 would divide by it.
        let sigma = draws.shared(2, self.sigma.range(UNIT))? + 1e-6;
        Ok(vec![apply, sigma])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let bells = [0, 1].map(|i: i64| {
            let sigma = ops::slice_axis(&drawn[1], 0, Some(i), Some(i + 1));
            bell(self.kernel_size.0[i as usize], &sigma)
        });
        let kernel = ops::outer(&bells[1], &bells[0]);
        let blurred = blurred(x, &kernel, self.data_format)?;
        let y = ops::where_(&drawn[0], blurred, x);
        self.value_range.clip(&y).checked()
    }
}
