//! Models in files.

pub(crate) mod storage;

pub use storage::Limits;
