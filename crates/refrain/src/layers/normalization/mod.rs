//! Normalization: tensors brought to a mean of zero and a variance of one.

mod batch_normalization;
mod group_normalization;
mod layer_normalization;
mod moments;
mod rms_normalization;
mod spectral_normalization;
mod unit_normalization;

pub use batch_normalization::{BatchNormalization, BatchNormalizationOptions};
pub use group_normalization::{GroupNormalization, GroupNormalizationOptions};
pub use layer_normalization::{LayerNormalization, LayerNormalizationOptions};
pub use moments::AxisList;
pub(in crate::layers) use moments::{broadcastable, known_sizes};
pub use rms_normalization::{RmsNormalization, RmsNormalizationOptions};
pub use spectral_normalization::{SpectralNormalization, SpectralNormalizationOptions};
pub use unit_normalization::{UnitNormalization, UnitNormalizationOptions};

crate::layers::registry::rows! {
    "BatchNormalization" => BatchNormalizationOptions,
    "GroupNormalization" => GroupNormalizationOptions,
    "LayerNormalization" => LayerNormalizationOptions,
    "RMSNormalization" => RmsNormalizationOptions,
    "SpectralNormalization" => SpectralNormalizationOptions with context,
    "UnitNormalization" => UnitNormalizationOptions,
}
