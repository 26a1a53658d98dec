//! Images that are turned.

use std::f64::consts::PI;

use super::moves::{moved, sampled, sizes};
use super::options::{Factor, SIGNED};
use super::{Draws, augmentation};
use crate::layers::{FillMode, Interpolation};

augmentation! {
    /// Turns images about their middle, by an angle that is drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomRotation};
    /// let y = RandomRotation::new(0.1).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_rotation.py`.
    random RandomRotation(factor: Factor), RandomRotationOptions {
        /// The angle in full turns, from -1 to 1, counterclockwise: up to a number, both ways, or between two.
        factor: Factor = Factor::UpTo(0.0),
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Reflect,
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
    }
}

sampled!(RandomRotationOptions);

impl Augmentation for RandomRotationOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", SIGNED)?;
        self.sampling().check()
    }

    /// The angle in degrees.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let turns = self.factor.range(SIGNED);
        Ok(vec![draws.each(turns.map(|turn| turn * 360.0))?])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let angle = &drawn[0] * (PI / 180.0);
        let (cosine, sine) = (angle.cos(), angle.sin());
        let [rows, columns] = sizes(x, self.data_format)?;
        let (cx, cy) = (0.5 * (columns - 1.0), 0.5 * (rows - 1.0));
        let right = cx - &cosine * cx + &sine * cy;
        let down = cy - &sine * cx - &cosine * cy;
        moved(
            x,
            [cosine.clone(), -&sine, right, sine, cosine, down],
            &self.sampling(),
        )
    }
}
