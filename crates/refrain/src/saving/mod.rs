//! Models in files.

mod lambda;

pub use lambda::Expression;
pub(crate) use lambda::decode as decode_lambda;
