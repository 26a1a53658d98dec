//! Small things that several parts use.

mod curves;
pub(crate) mod memory;
pub(crate) mod svg;
