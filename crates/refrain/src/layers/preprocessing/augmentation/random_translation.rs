//! Images that are moved.

use super::moves::{moved, number, sampled, sizes};
use super::options::{Factor, SIGNED};
use super::{Draws, augmentation};
use crate::layers::{FillMode, Interpolation};

augmentation! {
    /// Moves images up or down and left or right, by shares of their sizes that are drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{FillMode, RandomTranslation}};
    /// let layer = RandomTranslation::new(0.2, (0.0, 0.1)).fill_mode(FillMode::Wrap);
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_translation.py`.
    random RandomTranslation(height_factor: Factor, width_factor: Factor), RandomTranslationOptions {
        /// The share of the rows that an image is moved down by, from -1 to 1: up to a number, both ways, or between two.
        height_factor: Factor = Factor::UpTo(0.0),
        /// The share of the columns that an image is moved right by, likewise.
        width_factor: Factor = Factor::UpTo(0.0),
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Reflect,
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
    }
}

sampled!(RandomTranslationOptions);

impl Augmentation for RandomTranslationOptions {
    fn check(&self) -> Result<()> {
        self.height_factor.check_both("height_factor", SIGNED)?;
        self.width_factor.check_both("width_factor", SIGNED)?;
        self.sampling().check()
    }

    /// Rows and columns.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let [rows, columns] = sizes(draws.x, self.data_format)?;
        Ok(vec![
            draws.each(self.height_factor.range(SIGNED))? * rows,
            draws.each(self.width_factor.range(SIGNED))? * columns,
        ])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let (one, zero) = (number(x, 1.0)?, number(x, 0.0)?);
        let [down, right] = [-&drawn[0], -&drawn[1]];
        moved(
            x,
            [one.clone(), zero.clone(), right, zero, one, down],
            &self.sampling(),
        )
    }
}
