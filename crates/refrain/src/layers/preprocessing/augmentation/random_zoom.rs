//! Images seen from nearer or farther away.

use super::moves::{moved, number, sampled, sizes};
use super::options::{Factor, SIGNED};
use super::{Draws, augmentation};
use crate::layers::{FillMode, Interpolation};

/// What factors lie between: -1 itself would be no image.
const BOUNDS: [f64; 2] = [-1.0 + f64::EPSILON, 1.0];

augmentation! {
    /// Zooms into images or out of them, by factors that are drawn for each, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{Factor, RandomZoom}};
    /// let layer = RandomZoom::new((-0.2, 0.1)).width_factor(Factor::UpTo(0.3));
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_zoom.py`.
    random RandomZoom(height_factor: Factor), RandomZoomOptions {
        /// How much more of the rows is seen, from above -1, nearer, to 1, farther away: up to a number, both ways, or between two.
        height_factor: Factor = Factor::UpTo(0.0),
        /// How much more of the columns is seen, likewise; by default as of the rows.
        width_factor: Option<Factor> = None,
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Reflect,
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
    }
}

sampled!(RandomZoomOptions);

impl Augmentation for RandomZoomOptions {
    fn check(&self) -> Result<()> {
        self.height_factor.check_both("height_factor", BOUNDS)?;
        if let Some(factor) = self.width_factor {
            factor.check_both("width_factor", BOUNDS)?;
        }
        self.sampling().check()
    }

    /// Of rows and of columns.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let zoom = |factor: Factor| {
            let [low, high] = factor.range(SIGNED);
            draws.each([1.0 + low, 1.0 + high])
        };
        let height = zoom(self.height_factor)?;
        let width = self.width_factor.map(zoom).transpose()?;
        Ok(vec![height.clone(), width.unwrap_or(height)])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let zero = number(x, 0.0)?;
        let [rows, columns] = sizes(x, self.data_format)?;
        let offset = |zoom: &Tensor, size: f64| (1.0 - zoom) * ((size - 1.0) / 2.0);
        let [down, right] = [offset(&drawn[0], rows), offset(&drawn[1], columns)];
        let transform = [
            drawn[1].clone(),
            zero.clone(),
            right,
            zero,
            drawn[0].clone(),
            down,
        ];
        moved(x, transform, &self.sampling())
    }
}
