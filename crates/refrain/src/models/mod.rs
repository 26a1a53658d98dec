//! Models: graphs of layer calls between inputs and outputs.

mod clone;
mod functional;
mod model;
mod order;
mod sequential;
mod submodel;

pub use clone::clone_model;
pub(crate) use functional::Functional;
pub use model::Model;
pub use sequential::Sequential;
