//! Images seen from other places.

use refrain_graph::Literal;

use super::moves::{sampled, sizes};
use super::options::{Factor, UNIT};
use super::{Draws, augmentation};
use crate::error::{Error, ErrorKind};
use crate::layers::regularization::noise;
use crate::layers::{FillMode, Interpolation};
use crate::ops::{self, image};

augmentation! {
    /// Moves the corners of images, each as is drawn for it, with a probability that is drawn for each image, while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. As in Keras coordinates are multiplied by what is drawn, so that the
    /// first corner stays. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomPerspective};
    /// let y = RandomPerspective::new().scale(0.3).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_perspective.py`.
    random RandomPerspective(), RandomPerspectiveOptions {
        /// The probability, from 0 to 1: up to a number, or between two.
        factor: Factor = Factor::UpTo(1.0),
        /// Twice the largest share that a coordinate grows or shrinks by, from 0 to 1.
        scale: f64 = 1.0,
        /// What lies between the pixels: `Bilinear` or `Nearest`.
        interpolation: Interpolation = Interpolation::Bilinear,
        /// The value beyond the edges.
        fill_value: f64 = 0.0,
    }
}

sampled!(RandomPerspectiveOptions, |layer| FillMode::Constant);

impl Augmentation for RandomPerspectiveOptions {
    fn check(&self) -> Result<()> {
        self.factor.check("factor", UNIT)?;
        noise::check_rate("scale", self.scale)?;
        self.sampling().check()
    }

    /// Whether to move corners, and the shares, `(batch, 4, 2)`.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let half = 0.5 * self.scale;
        let shape = vec![draws.x.shape().dim(0), Some(4), Some(2)];
        Ok(vec![
            draws.chance(self.factor.range(UNIT))?,
            draws.numbers(shape, [-half, half])?,
        ])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let [bottom, right] = sizes(x, self.data_format)?.map(|size| (size - 1.0) as f32);
        let corners = vec![0.0, 0.0, right, 0.0, 0.0, bottom, right, bottom];
        let corners = Literal::new([1, 4, 2], corners)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "corners of another number"))?;
        let start = x.expect_traced()?.trace.constant(corners);
        let end = (&start + &start * &drawn[1]).checked()?;
        let seen = image::projected(x, &start, &end, &self.sampling())?;
        ops::where_(&drawn[0], seen, x).checked()
    }
}
