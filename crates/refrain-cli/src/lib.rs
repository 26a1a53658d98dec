//! The `refrain` command as a library: [`run`] is the command.

mod arguments;
mod commands;
mod compare;
mod data;
mod failure;
mod numbers;
mod output;

pub use arguments::run;
pub use failure::{Failure, Result};
