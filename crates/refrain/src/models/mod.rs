//! Models: graphs of layer calls between inputs and outputs.

mod clone;
mod for_keras;
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

pub use clone::clone_model;
pub(crate) use functional::Functional;
pub use model::Model;
pub(crate) use order::{depends, not_symbolic};
pub(crate) use penalties::{warn_of_older_penalties, warn_of_repeated_penalties};
pub use sequential::Sequential;
pub(crate) use sequential::stack;
pub(crate) use sharing::held_twice;
pub use summary::Summary;
pub(crate) use taken_masks::{OtherMask, keeps_masks, loses_masks, other_mask};
