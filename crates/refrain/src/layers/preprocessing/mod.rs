//! Layers that prepare data.

mod augmentation;
mod categorical;
mod category_encoding;
mod center_crop;
mod discretization;
mod images;
mod max_num_bounding_boxes;
mod normalization;
mod pipeline;
mod quantiles;
mod rescaling;
mod resizing;

pub use augmentation::{
    AugMix, AugMixOptions, AutoContrast, AutoContrastOptions,
    ContrastLimitedAdaptiveHistogramEqualization,
    ContrastLimitedAdaptiveHistogramEqualizationOptions, CutMix, CutMixOptions, Equalization,
    EqualizationOptions, Factor, FlipMode, MixUp, MixUpOptions, RandAugment, RandAugmentOptions,
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
pub use max_num_bounding_boxes::{MaxNumBoundingBoxes, MaxNumBoundingBoxesOptions};
pub use normalization::{Normalization, NormalizationOptions, Statistic};
pub use pipeline::{Pipeline, PipelineOptions};
pub use rescaling::{Factors, Rescaling, RescalingOptions};
pub use resizing::{Resizing, ResizingOptions};

crate::layers::registry::rows! {
    "AugMix" => AugMixOptions,
    "AutoContrast" => AutoContrastOptions,
    "CategoryEncoding" => CategoryEncodingOptions,
    "CenterCrop" => CenterCropOptions,
    "ContrastLimitedAdaptiveHistogramEqualization" => ContrastLimitedAdaptiveHistogramEqualizationOptions,
    "CutMix" => CutMixOptions,
    "Discretization" => DiscretizationOptions,
    "Equalization" => EqualizationOptions,
    "MaxNumBoundingBoxes" => MaxNumBoundingBoxesOptions,
    "MixUp" => MixUpOptions,
    "Normalization" => NormalizationOptions,
    "Pipeline" => PipelineOptions with context,
    "RandAugment" => RandAugmentOptions,
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
