//! Models: graphs of layer calls between inputs and outputs.

mod clone;
pub(crate) mod description;
mod functional;
mod model;
mod order;
mod penalties;
mod picture;
mod sequential;
mod sharing;
mod submodel;
mod summary;
mod taken_masks;

pub(crate) use clone::Copier;
pub use clone::clone_model;
pub(crate) use functional::Functional;
pub use model::Model;
pub(crate) use order::not_symbolic;
pub(crate) use penalties::{warn_of_older_penalties, warn_of_repeated_penalties};
pub use sequential::Sequential;
pub(crate) use sequential::stack;
pub(crate) use sharing::{held_twice, held_twice_without, merging_models, to_take_apart};
pub use summary::Summary;
pub(crate) use taken_masks::{OtherMask, has_masked_values, other_mask};
