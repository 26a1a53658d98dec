//! Small things that several parts use.

mod curves;
pub(crate) mod svg;
