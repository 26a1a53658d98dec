//! Plans memory: which buffers share it, and that no step finds other values there than its own.

mod allocation;
mod check;
mod memory;

pub use check::check;
pub use memory::{MemoryPlan, Update, plan_memory, settle_updates};
