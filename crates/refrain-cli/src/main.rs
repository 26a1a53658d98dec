//! The `refrain` command.

#[allow(
    clippy::duplicate_mod,
    reason = "each demonstration is a whole example with what it needs"
)]
mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The Keras Functional API in Rust: train and run models with shared layers.
#[derive(Parser)]
#[command(name = "refrain", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Define, show and train one of the example models.
    #[command(after_help = "Example:\n  refrain demo siamese")]
    Demo {
        /// Which model.
        name: demo::Name,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo { name } => name.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refrain: {error}");
            ExitCode::FAILURE
        }
    }
}
