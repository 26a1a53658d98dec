//! Layers that make one tensor of several.

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

/// The option of layers whose masks combine in another way in Keras 2.
pub(crate) const KERAS2_MASKS: &str = "keras2_masks";

crate::layers::registry::rows! {
    "Add" => AddOptions,
    "Average" => AverageOptions,
    "Concatenate" => ConcatenateOptions,
    "Dot" => DotOptions,
    "Maximum" => MaximumOptions,
    "Minimum" => MinimumOptions,
    "Multiply" => MultiplyOptions,
    "Subtract" => SubtractOptions,
}
