//! Layers: the built-in ones under Keras's names, and the trait to write your own.

pub(crate) mod activations;
pub(crate) mod attention;
mod build;
mod call;
mod config;
pub(crate) mod convolutional;
pub(crate) mod core;
mod handle;
#[allow(clippy::module_inception)]
mod layer;
pub(crate) mod merging;
pub(crate) mod node;
pub(crate) mod normalization;
mod options;
pub(crate) mod own;
pub(crate) mod pooling;
pub(crate) mod preprocessing;
pub(crate) mod registry;
pub(crate) mod regularization;
pub(crate) mod reshaping;
pub(crate) mod restoring;
pub(crate) mod rnn;

pub use activations::*;
pub use attention::*;
pub(crate) use build::Making;
pub use build::{Build, Weight};
pub use call::Call;
pub use config::{Config, ConfigValue, Sizes};
pub(crate) use config::{in_option, layer_options, unexpected};
pub use convolutional::*;
pub use core::*;
pub(crate) use handle::mixed;
pub use handle::{AnyLayer, Handle};
pub use layer::{InputSpec, Layer, Outputs};
pub use merging::*;
pub use normalization::*;
pub use options::{DataFormat, Padding};
pub(crate) use own::refuse_own;
pub use pooling::*;
pub use preprocessing::*;
pub use registry::register;
pub use regularization::*;
pub use reshaping::*;
pub use rnn::*;
