//! Images whose pixels are moved by smooth noise.

use super::moves::{sampled, sizes};
use super::options::{Factor, UNIT, ValueRange};
use super::{Draws, augmentation};
use crate::layers::preprocessing::images;
use crate::layers::{FillMode, Interpolation};
use crate::ops::{self, image};

augmentation! {
    /// Moves the pixels of images by smooth noise, with a probability that is drawn for each, while fitting. How far is drawn for all
    /// of a batch.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type and, while fitting, in the range of values. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomElasticTransform};
    /// let y = RandomElasticTransform::new().scale((0.2, 0.5)).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_elastic_transform.py`.
    random RandomElasticTransform(), RandomElasticTransformOptions {
        /// The probability, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
        /// How far pixels are moved and how smoothly, from 0 to 1: up to a number, or between two.
        scale: Factor = Factor::UpTo(1.0),
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// What lies beyond the edges.
        fill_mode: FillMode = FillMode::Reflect,
        /// The value beyond the edges, where it is one.
        fill_value: f64 = 0.0,
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
    }
}

/// The largest standard deviation of the noise, as a share of the smaller size.
const SIGMA: f64 = 0.05;
/// The largest factor of the noise, as a share of the larger size.
const ALPHA: f64 = 0.1;
/// Keeps a standard deviation of 0 from dividing.
const SMALLEST: f64 = 1e-6;

sampled!(RandomElasticTransformOptions);

impl Augmentation for RandomElasticTransformOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        self.scale.check("scale", UNIT)?;
        self.value_range.check()?;
        self.sampling().check()
    }

    /// Whether to move pixels, how far, and the noise, `(batch, rows, columns)`.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let [rows, columns] = images::axes(draws.x, self.data_format)?;
        let shape = draws.x.shape();
        let shape = [0, rows, columns].map(|axis| shape.dim(axis)).to_vec();
        Ok(vec![
            draws.chance(self.factor.range(UNIT))?,
            draws.numbers(vec![Some(1)], self.scale.range(UNIT))?,
            ops::uniform_to_normal(&draws.numbers(shape, UNIT)?, 1.0)?,
        ])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let [_, most] = self.scale.range(UNIT);
        if most == 0.0 || self.factor.range(UNIT)[1] == 0.0 {
            return Ok(x.clone());
        }
        let [rows, columns] = sizes(x, self.data_format)?;
        let least = rows.min(columns);
        let sigma = ops::maximum(&drawn[1] * SIGMA * least, SMALLEST);
        let kernel = image::largest_kernel(SIGMA * most * least)?;
        let shift =
            image::smooth(&drawn[2], &sigma, kernel)? * (&drawn[1] * ALPHA * rows.max(columns));
        let y = image::displaced(x, &self.sampling(), |_| Ok(shift))?;
        self.value_range
            .clip(&ops::where_(&drawn[0], y, x))
            .checked()
    }
}
