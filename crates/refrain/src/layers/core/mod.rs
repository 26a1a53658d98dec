//! The layers that everything is made of.

mod dense;
mod input;

pub use dense::{Dense, DenseOptions};
pub(crate) use input::input_tensor;
pub use input::{Input, InputLayer, input};
