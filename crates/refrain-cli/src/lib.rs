//! The `refrain` command as a library: [`run`] is the command, [`npz`] reads and writes NumPy's files of arrays.

mod arguments;
mod commands;
mod compare;
mod data;
mod failure;
pub mod npz;
mod numbers;
mod output;

pub use arguments::run;
pub use failure::{Failure, Result};
