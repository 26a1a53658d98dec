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
pub use model::Model;
pub use sequential::Sequential;
pub use summary::Summary;
