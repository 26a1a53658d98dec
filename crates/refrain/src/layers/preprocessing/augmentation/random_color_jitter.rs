//! Images of other brightness, contrast, saturation and hue.

use super::options::{Factor, ValueRange};
use super::random_brightness::RandomBrightnessOptions;
use super::random_contrast::RandomContrastOptions;
use super::random_hue::RandomHueOptions;
use super::random_saturation::RandomSaturationOptions;
use super::{Draws, augmentation};

augmentation! {
    /// Changes brightness, contrast, saturation and hue of images, one after the other, while fitting: those that have a factor.
    ///
    /// Input `(batch, rows, columns, 3)` or one image `(rows, columns, 3)`, with channels first `(batch, 3, rows, columns)`; output
    /// of the same shape, in the layer's type. No weights. Masks end here.
    ///
    /// ```
    /// use refrain::{input, layers::{Factor, RandomColorJitter}};
    /// let layer = RandomColorJitter::new().brightness_factor(Factor::UpTo(0.2)).hue_factor(Factor::Between(0.1, 0.2));
    /// assert_eq!(layer.call(&input([28, 28, 3]))?.shape().to_string(), "(None, 28, 28, 3)");
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// Source: `keras/src/layers/preprocessing/image_preprocessing/random_color_jitter.py`.
    random RandomColorJitter(), RandomColorJitterOptions {
        /// The least and the largest value of a pixel.
        value_range: ValueRange = ValueRange::BYTES,
        /// The factor of a [`RandomBrightness`](crate::layers::RandomBrightness).
        brightness_factor: Option<Factor> = None,
        /// The factor of a [`RandomContrast`](crate::layers::RandomContrast).
        contrast_factor: Option<Factor> = None,
        /// The factor of a [`RandomSaturation`](crate::layers::RandomSaturation).
        saturation_factor: Option<Factor> = None,
        /// The factor of a [`RandomHue`](crate::layers::RandomHue).
        hue_factor: Option<Factor> = None,
    }
}

impl RandomColorJitterOptions {
    /// What happens to an image.
    fn parts(&self) -> Vec<Box<dyn Augmentation>> {
        macro_rules! part {
            ($options:ident, $factor:expr) => {
                $factor.map(|factor| {
                    Box::new($options {
                        factor,
                        value_range: self.value_range,
                        data_format: self.data_format,
                        ..$options::default()
                    }) as Box<dyn Augmentation>
                })
            };
        }
        let parts = [
            part!(RandomBrightnessOptions, self.brightness_factor),
            part!(RandomContrastOptions, self.contrast_factor),
            part!(RandomSaturationOptions, self.saturation_factor),
            part!(RandomHueOptions, self.hue_factor),
        ];
        parts.into_iter().flatten().collect()
    }
}

impl Augmentation for RandomColorJitterOptions {
    fn check(&self) -> Result<()> {
        self.value_range.check()?;
        self.parts().iter().try_for_each(|part| part.check())
    }

    /// One tensor for each part.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>> {
        let parts = self.parts();
        let drawn = parts.iter().map(|part| part.draw(draws));
        Ok(drawn.collect::<Result<Vec<_>>>()?.concat())
    }

    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor> {
        let parts = self.parts();
        let mut parts = parts.iter().zip(drawn.chunks(1));
        parts.try_fold(x.clone(), |x, (part, drawn)| part.transform(&x, drawn))
    }
}
