//! Chores of the project: `cargo xtask bench`, `cargo xtask parity`.

mod bench;
mod parity;
mod python;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  bench [OPTION]...
      Measures refrain beside Keras on its backends, and Burn and candle, in one run, and prints a page of Markdown or writes
      docs/BENCHMARKS.md; `bench --help` lists what there is and how long it takes.
  parity [--only NAME] [--zoo DIR] [--no-keras]
      Makes models in Keras, compares what refrain computes from their files, trains on, writes them back, and opens in
      Keras what refrain wrote. Makes a Python environment under target/ at the first run. With --zoo the models of an
      earlier run are taken; with --no-keras Keras is not asked at all.";

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
