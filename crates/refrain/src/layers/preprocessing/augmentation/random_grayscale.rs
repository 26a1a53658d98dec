//! Images that lose their colours.

use super::{Draws, augmentation};
use crate::layers::regularization::noise;
use crate::ops::{self, image::colors};

augmentation! {
    /// Turns images gray at a rate while fitting.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)` of 1 or 3 channels, with channels first
    /// `(batch, channels, rows, columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::RandomGrayscale};
    /// let y = RandomGrayscale::new().factor(0.1).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_grayscale.py`.
    random RandomGrayscale(), RandomGrayscaleOptions {
        /// The share of images that turn gray, from 0 to 1.
        factor: f64 = 0.5,
    }
}

impl Augmentation for RandomGrayscaleOptions {
    fn check(&self) -> Result<()> {
        noise::check_rate("factor", self.factor)
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![ops::less(&draws.each([0.0, 1.0])?, self.factor)])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let gray = colors::grayscale(x, self.data_format)?;
        ops::where_(&drawn[0], gray, x).checked()
    }

    /// Keras reads a seed, but writes none.
    fn written(&self, mut config: Config) -> Config {
        if self.seed.is_none() {
            config.remove("seed");
        }
        config
    }
}
