//! What the command line asks for.

use std::error::Error;

use xtask::models;

/// What `--models` calls the measurements of files.
const FILES: &str = "files";
/// What `--models` calls no model at all, for the other parts alone.
const NONE: &str = "none";
/// Rounds, so that the middle of them is not the luck of one.
const ROUNDS: usize = 5;
/// Rounds of `--quick`: the least that have a middle.
const QUICK_ROUNDS: usize = 3;

/// What `--help` prints.
pub const HELP: &str = "\
Usage: cargo xtask bench [OPTION]...

Measures refrain beside Keras on its backends, and prints a page of Markdown. Every program runs in processes of its own, one
after the other, in several rounds; a ratio is that of the medians of the rounds.

  --models A,B        only these models; `files` is opening a large file and the start of `refrain predict`, `none` leaves only
                      what else is asked for
  --backends A,B      only these backends of Keras: jax, tensorflow, torch
  --no-peers          refrain alone
  --rust-peers        also the programs of Burn and candle in bench/; they are built first, which takes minutes
  --mkl               also candle with its products by Intel's MKL, which is installed with pip below target/ (1.3 GB)
  --rounds N          rounds; 5 if not given, 3 with --quick
  --quick             fewer steps in each round
  --scaling           also time against batch, width, depth, length and threads, refrain and Keras on JAX
  --kernels           also refrain-cpu's kernels beside the crate gemm and PyTorch's operators
  --footprint         also a clean build of the library and the size of the command
  --full              --rust-peers --mkl --scaling --kernels --footprint
  --write             writes docs/BENCHMARKS.md instead of printing the page

On two cores a round with the three backends takes 5 to 8 minutes, with --quick 3 to 5; Burn and candle add 2 to 3; --scaling takes
5 to 8 minutes, --kernels 5, --footprint 1 to 2; building Burn's, candle's and the kernels' programs for the first time 6 to 10. So
`--full --write` takes about an hour, with --quick half of that. Nothing else should run meanwhile.
Makes a Python environment under target/ at the first run.";

/// What to measure and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub models: Vec<String>,
    pub backends: Vec<String>,
    pub files: bool,
    pub rust_peers: bool,
    pub mkl: bool,
    pub scaling: bool,
    pub kernels: bool,
    pub footprint: bool,
    pub rounds: usize,
    pub quick: bool,
    pub write: bool,
}

impl Plan {
    /// From the words after `bench`.
    pub fn parse(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut plan = Plan {
            models: models::CASES.iter().map(|c| c.name.to_owned()).collect(),
            backends: list("jax,tensorflow,torch"),
            files: true,
            rust_peers: false,
            mkl: false,
            scaling: false,
            kernels: false,
            footprint: false,
            rounds: 0,
            quick: false,
            write: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--models" => {
                    plan.models = list(value()?);
                    plan.files = plan.models.iter().any(|name| name == FILES);
                    plan.models.retain(|name| name != FILES && name != NONE);
                }
                "--backends" => plan.backends = list(value()?),
                "--rounds" => plan.rounds = value()?.parse()?,
                "--no-peers" => plan.backends.clear(),
                "--quick" => plan.quick = true,
                "--write" => plan.write = true,
                other => plan.switch_on(other)?,
            }
        }
        if plan.rounds == 0 {
            plan.rounds = if plan.quick { QUICK_ROUNDS } else { ROUNDS };
        }
        for name in &plan.models {
            models::case(name)?;
        }
        Ok(plan)
    }

    fn switch_on(&mut self, option: &str) -> Result<(), String> {
        let full = option == "--full";
        let parts = [
            ("--rust-peers", &mut self.rust_peers),
            ("--mkl", &mut self.mkl),
            ("--scaling", &mut self.scaling),
            ("--kernels", &mut self.kernels),
            ("--footprint", &mut self.footprint),
        ];
        let mut known = full;
        for (name, part) in parts {
            known |= name == option;
            *part |= full || name == option;
        }
        match known {
            true => Ok(()),
            false => Err(format!("unknown option {option}\n\n{HELP}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Plan, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Plan::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_means_all_models_and_backends() {
        let plan = parse("").unwrap();
        assert_eq!(plan.models.len(), models::CASES.len());
        assert_eq!(plan.backends, ["jax", "tensorflow", "torch"]);
        assert_eq!((plan.rounds, plan.files, plan.write), (ROUNDS, true, false));
        assert!(!plan.rust_peers && !plan.scaling && !plan.kernels && !plan.footprint);
    }

    #[test]
    fn models_and_files() {
        let plan = parse("--models mlp,files --no-peers").unwrap();
        assert_eq!(plan.models, ["mlp"]);
        assert!(plan.files && plan.backends.is_empty());
        assert!(!parse("--models mlp,lstm").unwrap().files);
        let plan = parse("--models none --kernels").unwrap();
        assert!(plan.models.is_empty() && !plan.files && plan.kernels);
    }

    #[test]
    fn parts_and_rounds() {
        let plan = parse("--quick --scaling --write").unwrap();
        assert!(plan.scaling && plan.write && !plan.kernels && !plan.footprint);
        assert_eq!(plan.rounds, QUICK_ROUNDS);
        let plan = parse("--full --rounds 7 --quick").unwrap();
        assert!(plan.scaling && plan.kernels && plan.footprint && plan.rust_peers && plan.mkl);
        assert_eq!(plan.rounds, 7);
    }

    #[test]
    fn mistakes_are_told() {
        assert!(parse("--speed").unwrap_err().contains("--speed"));
        assert!(parse("--models").unwrap_err().contains("needs a value"));
        assert!(parse("--models mpl").unwrap_err().contains("no model mpl"));
        assert!(parse("--rounds many").is_err());
    }
}
