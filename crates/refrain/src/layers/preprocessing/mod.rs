//! Layers that prepare data.

mod categorical;
mod category_encoding;
mod center_crop;
mod discretization;
mod images;
mod normalization;
mod quantiles;
mod rescaling;
mod resizing;

pub use categorical::OutputMode;
pub use category_encoding::{CategoryEncoding, CategoryEncodingOptions};
pub use center_crop::{CenterCrop, CenterCropOptions};
pub use discretization::{Discretization, DiscretizationOptions};
pub use normalization::{Normalization, NormalizationOptions, Statistic};
pub use rescaling::{Factors, Rescaling, RescalingOptions};
pub use resizing::{FillMode, Resizing, ResizingOptions};

crate::layers::registry::rows! {
    "CategoryEncoding" => CategoryEncodingOptions,
    "CenterCrop" => CenterCropOptions,
    "Discretization" => DiscretizationOptions,
    "Normalization" => NormalizationOptions,
    "Rescaling" => RescalingOptions,
    "Resizing" => ResizingOptions,
}
