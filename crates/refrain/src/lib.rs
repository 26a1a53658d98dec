//! refrain: the Keras Functional API in Rust.
//!
//! A layer is defined once and called wherever it is needed; all its calls share one set of weights.
//!
//! What is wrong is an [`Error`]; what is only suspicious (a layer that destroys a mask, data with keys that the model does
//! not have) is a warning of the `tracing` crate under the target `refrain`. Nothing is printed unless the program has set
//! a subscriber, such as `tracing_subscriber::fmt::init()`.

pub mod activations;
pub mod callbacks;
pub mod constraints;
pub mod data;
mod error;
pub mod initializers;
mod inputs;
pub mod layers;
pub mod losses;
pub mod metrics;
mod models;
mod names;
pub mod ops;
pub mod optimizers;
pub mod regularizers;
pub mod saving;
mod structure;
mod tensor;
#[doc(hidden)]
pub mod testing;
mod trace;
pub mod training;
mod utils;
mod variable;
mod warnings;

pub use error::{Error, ErrorKind, Result};
pub use inputs::{Argument, Inputs};
pub use layers::{Input, input};
pub use models::{Model, Sequential, Summary, clone_model};
pub use names::clear_session;
pub use refrain_graph::{DType, Dim, Literal, Shape, Spec};
pub use saving::{load_model, model_from_json};
pub use structure::Structure;
pub use tensor::Tensor;
pub use variable::Variable;

/// The guide's examples are compiled with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/FROM_KERAS.md")]
struct Guide;
