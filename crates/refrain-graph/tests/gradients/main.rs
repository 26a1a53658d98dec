//! Gradients against central finite differences, in f64 by the interpreter.

mod elementwise;
mod indexing;
mod interface;
mod movement;
mod numeric;
mod products;
mod reductions;
mod scans;
mod windows;
