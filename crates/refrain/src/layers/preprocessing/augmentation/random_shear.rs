//! Images that are sheared.

use super::moves::{moved, number, sampled};
use super::options::{Factor, SIGNED, UNIT};
use super::{Draws, augmentation};
use crate::layers::{FillMode, Interpolation};
use crate::ops;

augmentation! {
    /// Shears images along columns and rows, forwards or backwards by factors that are drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomShear};
    /// let y = RandomShear::new().x_factor((0.1, 0.3)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_shear.py`.
    random RandomShear(), RandomShearOptions {
        /// How far a row is moved right for each row above it, from 0 to 1: up to a number, both ways, or between two.
        x_factor: Factor = Factor::UpTo(0.0),
        /// How far a column is moved down for each column left of it, likewise.
        y_factor: Factor = Factor::UpTo(0.0),
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Reflect,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
    }
}

sampled!(RandomShearOptions);

impl Augmentation for RandomShearOptions {
    fn check(&self) -> Result<()> {
        for (option, factor) in [("x_factor", self.x_factor), ("y_factor", self.y_factor)] {
            match factor {
                // As Keras writes one number.
                Factor::Between(low, high) if low == -high => {
                    Factor::UpTo(high).check(option, UNIT)?
                }
                factor => factor.check_both(option, UNIT)?,
            }
        }
        self.sampling().check()
    }

    /// Along columns and along rows.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let backwards = ops::greater(&draws.each(UNIT)?, 0.5);
        let drawn = [self.x_factor, self.y_factor].map(|factor| {
            let shear = draws.each(factor.range(SIGNED))?;
            ops::where_(&backwards, -&shear, &shear).checked()
        });
        drawn.into_iter().collect()
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let (one, zero) = (number(x, 1.0)?, number(x, 0.0)?);
        let [across, down] = [drawn[0].clone(), drawn[1].clone()];
        moved(
            x,
            [one.clone(), across, zero.clone(), down, one, zero],
            &self.sampling(),
        )
    }
}
