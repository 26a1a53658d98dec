//! Models: graphs of layer calls between inputs and outputs.

mod clone;
mod functional;
mod model;
mod order;
mod picture;
mod sequential;
mod submodel;
mod summary;

pub use clone::clone_model;
pub(crate) use functional::Functional;
pub use model::Model;
pub use sequential::Sequential;
pub(crate) use sequential::stack;
pub use summary::Summary;
