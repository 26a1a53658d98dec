//! Normalization: tensors brought to a mean of zero and a variance of one.

mod batch_normalization;
mod group_normalization;
mod layer_normalization;
mod moments;
mod rms_normalization;
mod unit_normalization;

pub use batch_normalization::{BatchNormalization, BatchNormalizationOptions};
pub use group_normalization::{GroupNormalization, GroupNormalizationOptions};
pub use layer_normalization::{LayerNormalization, LayerNormalizationOptions};
pub use moments::AxisList;
pub use rms_normalization::{RmsNormalization, RmsNormalizationOptions};
pub use unit_normalization::{UnitNormalization, UnitNormalizationOptions};

crate::layers::registry::rows! {
    "BatchNormalization" => BatchNormalizationOptions,
    "GroupNormalization" => GroupNormalizationOptions,
    "LayerNormalization" => LayerNormalizationOptions,
    "RMSNormalization" => RmsNormalizationOptions,
    "UnitNormalization" => UnitNormalizationOptions,
}
