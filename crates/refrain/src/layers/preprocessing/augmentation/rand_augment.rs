//! Images that are changed in a few of many ways.

use super::options::{Factor, UNIT, ValueRange};
use super::parts::{Parts, Strength, index};
use super::{Draws, augmentation};
use crate::layers::Interpolation;
use crate::ops;
use crate::utils::sizes;

augmentation! {
    /// Changes images in ways that are drawn for all of a batch, one after the other, while fitting: shears, moves or turns them,
    /// changes their brightness, colours, contrast or sharpness, posterizes, solarizes or equalizes them, or spreads their values.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)` of 1 or 3 channels, with channels first
    /// `(batch, channels, rows, columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandAugment};
    /// let y = RandAugment::new().num_ops(3_usize).factor(0.3).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/rand_augment.py`.
    random RandAugment(), RandAugmentOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
        /// How many changes.
        num_ops: usize = 2,
        /// How strong they are, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(0.5),
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
    }
}

impl RandAugmentOptions {
    fn parts(&self) -> Parts {
        let strength = Strength {
            factor: self.factor,
            value_range: self.value_range,
            interpolation: self.interpolation,
            data_format: self.data_format,
        };
        strength.parts(true)
    }
}

impl Augmentation for RandAugmentOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        sizes::check_iterations("num_ops", self.num_ops)?;
        self.parts().check()
    }

    /// The indices of the changes, and what each change draws.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let parts = self.parts();
        let indices = (0..self.num_ops).map(|_| index(draws, parts.len()));
        let indices = ops::concatenate(indices.collect::<Result<Vec<_>>>()?, 0);
        Ok([vec![indices.checked()?], parts.draw(draws)?].concat())
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let parts = self.parts();
        (0..self.num_ops).try_fold(x.clone(), |x, i| {
            let index = ops::slice_axis(&drawn[0], 0, Some(i as i64), Some(i as i64 + 1));
            parts.changed(&x, &index, &drawn[1..])
        })
    }
}
