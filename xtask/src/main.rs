//! Chores of the project: `cargo xtask bench`.

mod bench;
mod parity;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  bench [--models A,B] [--backends jax,tensorflow,torch] [--quick] [--no-peers]
      Times the benchmark's models in refrain and in Keras on its backends, in one run, and prints the ratios;
      then opening a large file and `refrain predict` from start to end, which `--models files` does alone.
      Makes a Python environment under target/ for the peers at the first run.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, rest)) if command == "bench" => bench::run(rest),
        Some((command, rest)) if command == "parity" => parity::run(rest),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
