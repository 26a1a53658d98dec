//! Bad input: each is an error that says where, what was expected, what came, and what to do.

#[path = "../common/mod.rs"]
mod common;

mod building;
mod fuzz;
mod labels;
mod memory;
mod training;

use refrain::{ErrorKind, Result};

/// Asserts the kind and the whole text of an error.
#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, text: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.to_string(), text);
    assert_eq!(error.kind(), kind, "{text}");
}
