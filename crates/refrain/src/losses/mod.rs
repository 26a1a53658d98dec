//! Losses: how far predictions are from targets.

mod compute;
mod config;
mod reduce;
#[cfg(test)]
mod tests;

pub(crate) use compute::{loss, values};
pub(crate) use config::Kind;
pub use config::{IntoLosses, Loss, LossOptions, Losses, MaybeLoss};
pub use reduce::Reduction;
pub(crate) use reduce::{align_ranks, apply_mask, check_weights, squeeze_last, sum_all};
