//! Metrics: what is watched besides the loss.

mod compute;
mod config;
#[cfg(test)]
mod tests;

pub(crate) use compute::{contribution, sample_values};
pub(crate) use config::Direction;
pub use config::{IntoMetrics, Metric, MetricOptions, Metrics};
