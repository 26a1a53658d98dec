//! What can be asked for, and what the command answers with.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{convert, demo, diff, evaluate, fit, inspect, plot, predict, summary};
use crate::failure::{Failure, Result};

/// The exit code of `diff` if the files could not be compared, as that of diff(1).
const TROUBLE: u8 = 2;

const AFTER_HELP: &str = "\
Examples:
  refrain summary model.keras
  refrain predict model.keras --inputs x.npz --output y.npz
  refrain fit model.keras --data train.npz --epochs 5 --output trained.keras

MODEL is a .keras file or folder, a legacy .h5, a .safetensors that refrain wrote, or the JSON of an architecture.

Arrays in .npz files: inputs x0, x1, … in the order of the model's inputs, or named as the inputs; labels y0, y1, …;
sample weights w0, w1, …; validation vx0, …, vy0, …, vw0, …. A .npy file does where there is one array.

Exit codes: 0 done; 1 failed, with one line on standard error; 2 wrong usage. `refrain diff` has those of diff(1).";

/// Models of the Keras Functional API: look into them, run them, train them, convert them.
#[derive(Parser)]
#[command(name = "refrain", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Summary(summary::Summary),
    Inspect(inspect::Inspect),
    Plot(plot::Plot),
    Predict(predict::Predict),
    Evaluate(evaluate::Evaluate),
    Fit(Box<fit::Fit>),
    Convert(convert::Convert),
    Diff(diff::Diff),
    Demo(demo::Demo),
}

impl Command {
    fn run(self) -> Result<ExitCode> {
        match self {
            Command::Summary(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Plot(command) => command.run(),
            Command::Predict(command) => command.run(),
            Command::Evaluate(command) => command.run(),
            Command::Fit(command) => command.run(),
            Command::Convert(command) => command.run(),
            Command::Demo(command) => command.run(),
            Command::Diff(command) => return command.run(),
        }
        .map(|()| ExitCode::SUCCESS)
    }

    fn trouble(&self) -> ExitCode {
        match self {
            Command::Diff(_) => ExitCode::from(TROUBLE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs the command with the arguments of the process.
///
/// Data go to standard output; progress, and one line if it fails, to standard error.
pub fn run() -> ExitCode {
    let command = Arguments::parse().command;
    // A program that uses this as a library may have a subscriber of its own.
    refrain::on_warning(|text| eprintln!("refrain: warning: {text}"));
    let trouble = command.trouble();
    match command.run() {
        Ok(code) => code,
        Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("refrain: {failure}");
            trouble
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_has_examples() {
        let command = Arguments::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            let after = sub
                .get_after_help()
                .map(|text| text.to_string())
                .unwrap_or_default();
            let example = format!("refrain {} ", sub.get_name());
            assert!(after.contains(&example), "{}: {after}", sub.get_name());
        }
    }
}
