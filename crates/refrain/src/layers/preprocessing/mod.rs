//! Layers that prepare data.

mod augmentation;
mod categorical;
mod category_encoding;
mod center_crop;
mod discretization;
mod images;
mod normalization;
mod quantiles;
mod rescaling;
mod resizing;

pub use augmentation::{
    AutoContrast, AutoContrastOptions, Equalization, EqualizationOptions, Factor, FlipMode,
    RandomBrightness, RandomBrightnessOptions, RandomColorDegeneration,
    RandomColorDegenerationOptions, RandomColorJitter, RandomColorJitterOptions, RandomContrast,
    RandomContrastOptions, RandomCrop, RandomCropOptions, RandomElasticTransform,
    RandomElasticTransformOptions, RandomErasing, RandomErasingOptions, RandomFlip,
    RandomFlipOptions, RandomGaussianBlur, RandomGaussianBlurOptions, RandomGrayscale,
    RandomGrayscaleOptions, RandomHue, RandomHueOptions, RandomInvert, RandomInvertOptions,
    RandomPerspective, RandomPerspectiveOptions, RandomPosterization, RandomPosterizationOptions,
    RandomRotation, RandomRotationOptions, RandomSaturation, RandomSaturationOptions,
    RandomSharpness, RandomSharpnessOptions, RandomShear, RandomShearOptions, RandomTranslation,
    RandomTranslationOptions, RandomZoom, RandomZoomOptions, Solarization, SolarizationOptions,
    ValueRange,
};
pub use categorical::OutputMode;
pub use category_encoding::{CategoryEncoding, CategoryEncodingOptions};
pub use center_crop::{CenterCrop, CenterCropOptions};
pub use discretization::{Discretization, DiscretizationOptions};
pub use normalization::{Normalization, NormalizationOptions, Statistic};
pub use rescaling::{Factors, Rescaling, RescalingOptions};
pub use resizing::{Resizing, ResizingOptions};

crate::layers::registry::rows! {
    "AutoContrast" => AutoContrastOptions,
    "CategoryEncoding" => CategoryEncodingOptions,
    "CenterCrop" => CenterCropOptions,
    "Discretization" => DiscretizationOptions,
    "Equalization" => EqualizationOptions,
    "Normalization" => NormalizationOptions,
    "RandomBrightness" => RandomBrightnessOptions,
    "RandomColorDegeneration" => RandomColorDegenerationOptions,
    "RandomColorJitter" => RandomColorJitterOptions,
    "RandomContrast" => RandomContrastOptions,
    "RandomCrop" => RandomCropOptions,
    "RandomElasticTransform" => RandomElasticTransformOptions,
    "RandomErasing" => RandomErasingOptions,
    "RandomFlip" => RandomFlipOptions,
    "RandomGaussianBlur" => RandomGaussianBlurOptions,
    "RandomGrayscale" => RandomGrayscaleOptions,
    "RandomHue" => RandomHueOptions,
    "RandomInvert" => RandomInvertOptions,
    "RandomPerspective" => RandomPerspectiveOptions,
    "RandomPosterization" => RandomPosterizationOptions,
    "RandomRotation" => RandomRotationOptions,
    "RandomSaturation" => RandomSaturationOptions,
    "RandomSharpness" => RandomSharpnessOptions,
    "RandomShear" => RandomShearOptions,
    "RandomTranslation" => RandomTranslationOptions,
    "RandomZoom" => RandomZoomOptions,
    "Rescaling" => RescalingOptions,
    "Resizing" => ResizingOptions,
    "Solarization" => SolarizationOptions,
}
