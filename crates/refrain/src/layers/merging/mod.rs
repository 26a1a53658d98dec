//! Layers that make one tensor of several.

use super::AnyLayer;

mod add;
mod average;
mod base_merge;
mod concatenate;
mod dot;
mod maximum;
mod minimum;
mod multiply;
mod subtract;

pub use add::{Add, AddOptions, add};
pub use average::{Average, AverageOptions, average};
pub use concatenate::{Concatenate, ConcatenateOptions, concatenate};
pub use dot::{Dot, DotOptions, dot};
pub use maximum::{Maximum, MaximumOptions, maximum};
pub use minimum::{Minimum, MinimumOptions, minimum};
pub use multiply::{Multiply, MultiplyOptions, multiply};
pub use subtract::{Subtract, SubtractOptions, subtract};

/// The layers whose masks combine in another way in Keras 2.
pub(crate) const MERGING: [&str; 7] = [
    "Add",
    "Average",
    "Concatenate",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
];

/// Those of them that leave masked values out in Keras 3.
const LEAVE_OUT: [&str; 3] = ["Maximum", "Minimum", "Multiply"];

/// Their option for it.
pub(crate) const KERAS2_MASKS: &str = "keras2_masks";

/// Whether a layer takes masked values as they are, where Keras 3 leaves them out.
pub(crate) fn keeps_masked_values(layer: &AnyLayer) -> bool {
    LEAVE_OUT.contains(&layer.class_name()) && has_keras2_masks(layer)
}

/// Whether a layer has it.
pub(crate) fn has_keras2_masks(layer: &AnyLayer) -> bool {
    MERGING.contains(&layer.class_name()) && layer.config().contains_key(KERAS2_MASKS)
}
