//! Layers that prepare data.

mod rescaling;

pub use rescaling::{Factors, Rescaling, RescalingOptions};

crate::layers::registry::rows! {
    "Rescaling" => RescalingOptions,
}
