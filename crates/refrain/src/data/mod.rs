//! Data for `fit`, `evaluate` and `predict`: arrays, their structure, the order of samples, and batches from anywhere.

mod arrange;
mod array;
mod arrays;
mod batches;
#[cfg(test)]
pub(crate) mod golden;
mod order;

pub(crate) use arrange::{arrange, arrange_some, check_lengths};
pub(crate) use array::Rows;
pub use array::{DataArray, Sample};
pub use arrays::{Arrays, IntoArrays};
pub(crate) use batches::Stream;
pub use batches::{Batch, BatchSource, IntoBatch, Passes};
pub(crate) use order::Order;
