//! Pooling: the largest or the mean of neighbouring elements.

mod adaptive_average_pooling1d;
mod adaptive_average_pooling2d;
mod adaptive_average_pooling3d;
mod adaptive_max_pooling1d;
mod adaptive_max_pooling2d;
mod adaptive_max_pooling3d;
mod average_pooling1d;
mod average_pooling2d;
mod average_pooling3d;
mod base_adaptive_pooling;
mod base_global_pooling;
mod base_pooling;
mod global_average_pooling1d;
mod global_average_pooling2d;
mod global_average_pooling3d;
mod global_max_pooling1d;
mod global_max_pooling2d;
mod global_max_pooling3d;
mod max_pooling1d;
mod max_pooling2d;
mod max_pooling3d;

pub use adaptive_average_pooling1d::{AdaptiveAveragePooling1D, AdaptiveAveragePooling1DOptions};
pub use adaptive_average_pooling2d::{AdaptiveAveragePooling2D, AdaptiveAveragePooling2DOptions};
pub use adaptive_average_pooling3d::{AdaptiveAveragePooling3D, AdaptiveAveragePooling3DOptions};
pub use adaptive_max_pooling1d::{AdaptiveMaxPooling1D, AdaptiveMaxPooling1DOptions};
pub use adaptive_max_pooling2d::{AdaptiveMaxPooling2D, AdaptiveMaxPooling2DOptions};
pub use adaptive_max_pooling3d::{AdaptiveMaxPooling3D, AdaptiveMaxPooling3DOptions};
pub use average_pooling1d::{AveragePooling1D, AveragePooling1DOptions};
pub use average_pooling2d::{AveragePooling2D, AveragePooling2DOptions};
pub use average_pooling3d::{AveragePooling3D, AveragePooling3DOptions};
pub use global_average_pooling1d::{GlobalAveragePooling1D, GlobalAveragePooling1DOptions};
pub use global_average_pooling2d::{GlobalAveragePooling2D, GlobalAveragePooling2DOptions};
pub use global_average_pooling3d::{GlobalAveragePooling3D, GlobalAveragePooling3DOptions};
pub use global_max_pooling1d::{GlobalMaxPooling1D, GlobalMaxPooling1DOptions};
pub use global_max_pooling2d::{GlobalMaxPooling2D, GlobalMaxPooling2DOptions};
pub use global_max_pooling3d::{GlobalMaxPooling3D, GlobalMaxPooling3DOptions};
pub use max_pooling1d::{MaxPooling1D, MaxPooling1DOptions};
pub use max_pooling2d::{MaxPooling2D, MaxPooling2DOptions};
pub use max_pooling3d::{MaxPooling3D, MaxPooling3DOptions};

crate::layers::registry::rows! {
    "AdaptiveAveragePooling1D" => AdaptiveAveragePooling1DOptions,
    "AdaptiveAveragePooling2D" => AdaptiveAveragePooling2DOptions,
    "AdaptiveAveragePooling3D" => AdaptiveAveragePooling3DOptions,
    "AdaptiveMaxPooling1D" => AdaptiveMaxPooling1DOptions,
    "AdaptiveMaxPooling2D" => AdaptiveMaxPooling2DOptions,
    "AdaptiveMaxPooling3D" => AdaptiveMaxPooling3DOptions,
    "AveragePooling1D" => AveragePooling1DOptions,
    "AveragePooling2D" => AveragePooling2DOptions,
    "AveragePooling3D" => AveragePooling3DOptions,
    "GlobalAveragePooling1D" => GlobalAveragePooling1DOptions,
    "GlobalAveragePooling2D" => GlobalAveragePooling2DOptions,
    "GlobalAveragePooling3D" => GlobalAveragePooling3DOptions,
    "GlobalMaxPooling1D" => GlobalMaxPooling1DOptions,
    "GlobalMaxPooling2D" => GlobalMaxPooling2DOptions,
    "GlobalMaxPooling3D" => GlobalMaxPooling3DOptions,
    "MaxPooling1D" => MaxPooling1DOptions,
    "MaxPooling2D" => MaxPooling2DOptions,
    "MaxPooling3D" => MaxPooling3DOptions,
}
