//! What the chores and the program that measures refrain have in common.

pub mod measured;
pub mod memory;
pub mod models;
