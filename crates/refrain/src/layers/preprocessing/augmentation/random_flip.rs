//! Images that are flipped.

use super::{Draws, augmentation};
use crate::config::words;
use crate::ops;

/// Which way a [`RandomFlip`] flips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlipMode {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
    /// Both ways.
    HorizontalAndVertical,
}

words! {
    FlipMode, "horizontal, vertical or horizontal_and_vertical" {
        Horizontal = "horizontal",
        Vertical = "vertical",
        HorizontalAndVertical = "horizontal_and_vertical"
    }
}

augmentation! {
    /// Flips each image or leaves it, while fitting, one as often as the other. With both ways an image is flipped both ways at once.
    ///
    /// Input `(batch, rows, columns, channels)` or one image `(rows, columns, channels)`, with channels first `(batch, channels, rows,
    /// columns)`; output of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{FlipMode, RandomFlip}};
    /// let y = RandomFlip::new().mode(FlipMode::Horizontal).seed(3).call(&input([28, 28, 3]))?;
    /// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_flip.py`.
    random RandomFlip(), RandomFlipOptions {
        /// Which way.
        mode: FlipMode = FlipMode::HorizontalAndVertical,
    }
}

impl Augmentation for RandomFlipOptions {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        Ok(vec![ops::less_equal(&draws.each([0.0, 1.0])?, 0.5)])
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let [vertical, horizontal] = match self.data_format {
            DataFormat::ChannelsLast => [1, 2],
            DataFormat::ChannelsFirst => [2, 3],
        };
        let axes = match self.mode {
            FlipMode::Horizontal => vec![horizontal],
            FlipMode::Vertical => vec![vertical],
            FlipMode::HorizontalAndVertical => vec![vertical, horizontal],
        };
        ops::where_(&drawn[0], ops::flip(x, axes), x).checked()
    }
}
