//! Data for `fit`, `evaluate` and `predict`: borrowed arrays, their structure, and the order of samples.

mod arrange;
mod array;
mod arrays;
#[cfg(test)]
pub(crate) mod golden;
mod order;

pub(crate) use arrange::{arrange, arrange_some, check_lengths};
pub(crate) use array::Rows;
pub use array::{DataArray, Sample};
pub use arrays::{Arrays, IntoArrays};
pub(crate) use order::Order;
