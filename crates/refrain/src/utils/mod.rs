//! Small things that several parts use.

mod curves;
pub(crate) mod sizes;
pub(crate) mod svg;
