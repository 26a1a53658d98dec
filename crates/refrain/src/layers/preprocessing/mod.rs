//! Layers that prepare data.

mod rescaling;

pub use rescaling::{Factors, Rescaling, RescalingOptions};
