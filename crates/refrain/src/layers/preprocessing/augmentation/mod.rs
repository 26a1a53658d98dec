//! Layers that change images while fitting.

mod aug_mix;
mod auto_contrast;
mod contrast_limited_adaptive_histogram_equalization;
mod cut_mix;
mod equalization;
mod mix_up;
mod mixing;
mod moves;
mod options;
mod parts;
mod rand_augment;
mod random_brightness;
mod random_color_degeneration;
mod random_color_jitter;
mod random_contrast;
mod random_crop;
mod random_elastic_transform;
mod random_erasing;
mod random_flip;
mod random_gaussian_blur;
mod random_grayscale;
mod random_hue;
mod random_invert;
mod random_perspective;
mod random_posterization;
mod random_rotation;
mod random_saturation;
mod random_sharpness;
mod random_shear;
mod random_translation;
mod random_zoom;
mod solarization;
#[cfg(test)]
mod tests;

pub use aug_mix::{AugMix, AugMixOptions};
pub use auto_contrast::{AutoContrast, AutoContrastOptions};
pub use contrast_limited_adaptive_histogram_equalization::{
    ContrastLimitedAdaptiveHistogramEqualization,
    ContrastLimitedAdaptiveHistogramEqualizationOptions,
};
pub use cut_mix::{CutMix, CutMixOptions};
pub use equalization::{Equalization, EqualizationOptions};
pub use mix_up::{MixUp, MixUpOptions};
pub use options::{Factor, ValueRange};
pub use rand_augment::{RandAugment, RandAugmentOptions};
pub use random_brightness::{RandomBrightness, RandomBrightnessOptions};
pub use random_color_degeneration::{RandomColorDegeneration, RandomColorDegenerationOptions};
pub use random_color_jitter::{RandomColorJitter, RandomColorJitterOptions};
pub use random_contrast::{RandomContrast, RandomContrastOptions};
pub use random_crop::{RandomCrop, RandomCropOptions};
pub use random_elastic_transform::{RandomElasticTransform, RandomElasticTransformOptions};
pub use random_erasing::{RandomErasing, RandomErasingOptions};
pub use random_flip::{FlipMode, RandomFlip, RandomFlipOptions};
pub use random_gaussian_blur::{RandomGaussianBlur, RandomGaussianBlurOptions};
pub use random_grayscale::{RandomGrayscale, RandomGrayscaleOptions};
pub use random_hue::{RandomHue, RandomHueOptions};
pub use random_invert::{RandomInvert, RandomInvertOptions};
pub use random_perspective::{RandomPerspective, RandomPerspectiveOptions};
pub use random_posterization::{RandomPosterization, RandomPosterizationOptions};
pub use random_rotation::{RandomRotation, RandomRotationOptions};
pub use random_saturation::{RandomSaturation, RandomSaturationOptions};
pub use random_sharpness::{RandomSharpness, RandomSharpnessOptions};
pub use random_shear::{RandomShear, RandomShearOptions};
pub use random_translation::{RandomTranslation, RandomTranslationOptions};
pub use random_zoom::{RandomZoom, RandomZoomOptions};
pub use solarization::{Solarization, SolarizationOptions};

use refrain_graph::Dim;

use crate::config::Config;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::Call;
use crate::ops::{self, image, prim};
use crate::tensor::Tensor;

/// How a layer changes images `(batch, rows, columns, channels)`, or with the channels first.
trait Augmentation {
    /// Refuses options that make no sense.
    fn check(&self) -> Result<()>;

    /// Draws what the images are changed by.
    fn draw(&self, draws: &Draws) -> Result<Vec<Tensor>>;

    /// The images, changed by what was drawn.
    fn transform(&self, x: &Tensor, drawn: &[Tensor]) -> Result<Tensor>;

    /// Whether images are changed outside of fitting too.
    fn always(&self) -> bool {
        false
    }

    /// Whether images of integers stay so, instead of becoming the layer's type.
    fn keeps_integers(&self) -> bool {
        false
    }

    /// The images outside of fitting.
    fn unchanged(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.clone())
    }

    /// The configuration as Keras has it.
    fn written(&self, config: Config) -> Config {
        config
    }
}

/// Random numbers for a batch of images.
struct Draws<'c> {
    cx: &'c Call,
    x: &'c Tensor,
}

impl Draws<'_> {
    /// Numbers of a shape, as `float32`.
    fn numbers(&self, shape: Vec<Dim>, [low, high]: [f64; 2]) -> Result<Tensor> {
        (self.cx.random_uniform(shape)? * (high - low) + low).checked()
    }

    /// A number for each image, `(batch, 1, 1, 1)`, as `float32`.
    fn each(&self, range: [f64; 2]) -> Result<Tensor> {
        let one: Dim = Some(1);
        self.numbers(vec![self.x.shape().dim(0), one, one, one], range)
    }

    /// A number for each image, in the images' type.
    fn uniform(&self, range: [f64; 2]) -> Result<Tensor> {
        prim::convert(&self.each(range)?, self.x.dtype())
    }

    /// So many numbers for all images.
    fn shared(&self, count: usize, range: [f64; 2]) -> Result<Tensor> {
        prim::convert(&self.numbers(vec![Some(count)], range)?, self.x.dtype())
    }

    /// Whether to change each image, with a probability that is drawn for it.
    fn chance(&self, range: [f64; 2]) -> Result<Tensor> {
        let probability = self.each(range)?;
        ops::less(&self.each([0.0, 1.0])?, &probability).checked()
    }
}

/// What a layer makes of one image or a batch, in its type.
fn augmented(layer: &dyn Augmentation, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
    let given = inputs.one()?;
    let x = prim::convert(given, cx.layer.dtype())?;
    let dtype = match given.dtype() {
        own if own.is_integer() && layer.keeps_integers() => own,
        _ => x.dtype(),
    };
    image::check_rank(&x)?;
    if !cx.training() && !layer.always() {
        return layer.unchanged(&x);
    }
    image::as_batch(&x, |batch| {
        let drawn = layer.draw(&Draws { cx, x: batch })?;
        let changed = layer.transform(batch, &drawn)?.checked()?;
        prim::convert(&changed, dtype)
    })
}

/// Declares a layer of an [`Augmentation`], a `random` one with a seed: options, constructor, the layer.
macro_rules! augmentation {
    (
        $(#[$meta:meta])*
        random $alias:ident($($arg:ident: $arg_ty:ty),*), $options:ident { $($fields:tt)* }
    ) => {
        $crate::layers::preprocessing::augmentation::augmentation! {
            @declare $(#[$meta])*
            $alias($($arg: $arg_ty),*), $options {
                /// Seed of the random numbers, with which the layer draws the same in each process.
                seed: Option<u64> = None,
                $($fields)*
            } seed
        }
    };
    (
        $(#[$meta:meta])*
        $alias:ident($($arg:ident: $arg_ty:ty),*), $options:ident { $($fields:tt)* }
    ) => {
        $crate::layers::preprocessing::augmentation::augmentation! {
            @declare $(#[$meta])* $alias($($arg: $arg_ty),*), $options { $($fields)* }
        }
    };
    (
        @declare $(#[$meta:meta])*
        $alias:ident($($arg:ident: $arg_ty:ty),*), $options:ident { $($fields:tt)* }
        $($seed:ident)?
    ) => {
        use super::{Augmentation, augmented};
        use crate::config::Config;
        use crate::error::Result;
        use crate::inputs::Inputs;
        use crate::layers::{Call, DataFormat, Layer};
        use crate::tensor::Tensor;

        $crate::layers::layer_options! {
            $(#[$meta])*
            $alias, $options {
                /// Where the channels are.
                data_format: DataFormat = DataFormat::ChannelsLast,
                $($fields)*
            }
        }

        impl $alias {
            /// A layer with these options, and the defaults of all others.
            #[allow(clippy::new_without_default)]
            pub fn new($($arg: impl Into<$arg_ty>),*) -> Self {
                $options { $($arg: $arg.into(),)* ..$options::default() }.into_layer()
            }
        }

        impl Layer for $options {
            type Output = Tensor;

            fn class_name(&self) -> &str {
                stringify!($alias)
            }

            fn config(&self) -> Config {
                self.written(self.to_config())
            }

            fn validate(&self) -> Result<()> {
                self.check()
            }

            $(fn build(&self, cx: &mut crate::layers::Build) -> Result<()> {
                cx.add_seed(self.$seed);
                Ok(())
            })?

            fn call(&self, cx: &Call, inputs: &Inputs) -> Result<Tensor> {
                augmented(self, cx, inputs)
            }

            fn duplicate(&self) -> Option<Self> {
                Some(self.clone())
            }
        }
    };
}

use augmentation;
