//! Passes: each takes a graph and gives a simpler one.

mod rewriter;

pub use rewriter::{Rewriter, rewrite};
