//! Small things that several parts use.

pub(crate) mod sizes;
pub(crate) mod svg;
