//! Programs that are measured: refrain, Keras on its backends, and those of `bench/`. All answer alike.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::python;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The Keras that refrain is measured against.
const KERAS: &str = "keras==3.15.1";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_peers.py");
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-env");
/// Gets the best that the machine has; refrain, as its users build it, looks at run time.
pub const PEER_FLAGS: &str = "-C target-cpu=native";

/// What one process of a program says of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Milliseconds of a train step.
    pub train: f64,
    /// Milliseconds to predict a batch.
    pub predict: f64,
    /// Milliseconds to predict one sample.
    pub one: f64,
    /// Most bytes of the process while it trained.
    pub memory: f64,
    /// Numbers in the model that training changes.
    pub params: u64,
    /// The loss at first and at last.
    pub losses: (f64, f64),
    /// Floating-point operations of a train step and of a batch that is predicted, where they are known.
    pub flops: Option<(f64, f64)>,
    /// Which program of which version.
    pub version: String,
}

impl Measured {
    /// As a line of a program.
    pub fn json(&self) -> Json {
        json!({
            "train_ms": self.train, "predict_ms": self.predict, "one_ms": self.one, "memory": self.memory,
            "params": self.params, "losses": [self.losses.0, self.losses.1], "flops": self.flops, "version": self.version,
        })
    }

    /// From a line of a program.
    pub fn parse(line: &str) -> Result<Self> {
        let row: Json = serde_json::from_str(line)?;
        let number = |value: &Json, key: &str| {
            let number = value.as_f64();
            number.ok_or_else(|| format!("no {key} in {line}"))
        };
        let of = |key: &str| number(&row[key], key);
        let flops = &row["flops"];
        Ok(Measured {
            train: of("train_ms")?,
            predict: of("predict_ms")?,
            one: of("one_ms")?,
            memory: of("memory")?,
            params: of("params")? as u64,
            losses: (
                number(&row["losses"][0], "losses")?,
                number(&row["losses"][1], "losses")?,
            ),
            flops: flops[0].as_f64().zip(flops[1].as_f64()),
            version: row["version"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// A program that measures the model whose name comes as its last argument but `quick`.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: String,
    /// What to start, and its first arguments.
    pub command: Vec<OsString>,
}

impl Program {
    /// This program, as a process of its own like every other.
    pub fn refrain() -> Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Program {
            name: "refrain".to_owned(),
            command: vec![own.into(), "bench".into(), super::WORKER.into()],
        })
    }

    /// Keras on a backend.
    pub fn keras(python: &Path, backend: &str) -> Self {
        Program {
            name: backend.to_owned(),
            command: vec![python.into(), SCRIPT.into(), backend.into()],
        }
    }

    /// A program of `bench/`, built if need be.
    pub fn of_library(name: &str) -> Result<Self> {
        let package = format!("bench-{name}");
        build(&["build", "--package", &package], PEER_FLAGS)?;
        Ok(Program {
            name: name.to_owned(),
            command: vec![built(&package).into()],
        })
    }

    /// Runs it for a model.
    pub fn measure(&self, model: &str, quick: bool, threads: Option<usize>) -> Result<Measured> {
        let (start, arguments) = self.command.split_first().ok_or("an empty command")?;
        let mut command = Command::new(start);
        command.args(arguments).arg(model);
        if quick {
            command.arg("quick");
        }
        if let Some(threads) = threads {
            command.env("REFRAIN_NUM_THREADS", threads.to_string());
        }
        Measured::parse(&json_line(&output(&mut command)?))
    }
}

/// The last line that is a JSON object, among what libraries print.
pub fn json_line(text: &str) -> String {
    let line = text.lines().rfind(|line| line.starts_with('{'));
    line.unwrap_or_default().to_owned()
}

/// What a command prints.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {reason}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Python with these backends, installed if need be.
pub fn environment(backends: &[String]) -> Result<PathBuf> {
    let mut packages = vec![KERAS, "numpy"];
    for backend in backends {
        packages.push(match backend.as_str() {
            "jax" => "jax",
            "tensorflow" => "tensorflow-cpu",
            "torch" => "torch",
            other => {
                let known = "there are jax, tensorflow, torch";
                return Err(format!("no backend {other}; {known}").into());
            }
        });
    }
    python::environment(ENVIRONMENT.as_ref(), &packages)
}

/// Runs cargo in the workspace of other libraries, whose builds lie apart from refrain's.
pub fn build(arguments: &[&str], flags: &str) -> Result<()> {
    eprintln!("cargo {} in bench/", arguments.join(" "));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench");
    let (verb, rest) = arguments.split_first().ok_or("no command of cargo")?;
    let mut command = cargo();
    command.arg(verb).args(["--quiet"]);
    if *verb == "build" {
        command.arg("--release");
    }
    command.args(rest).env("RUSTFLAGS", flags);
    command.env("CARGO_TARGET_DIR", library_target());
    python::check(command.current_dir(folder))
}

/// The cargo that runs this.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where the programs of `bench/` are built: beside the folder that holds this program.
pub fn library_target() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.ancestors().nth(2).map(Path::to_path_buf);
    target.unwrap_or_default().join("bench-libraries")
}

/// A program that has been built there.
pub fn built(name: &str) -> PathBuf {
    library_target().join("release").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        Measured {
            train: 1.5,
            predict: 0.5,
            one: 0.25,
            memory: 1e6,
            params: 7,
            losses: (2.0, 1.0),
            flops: Some((30.0, 10.0)),
            version: "library 1.0".to_owned(),
        }
    }

    #[test]
    fn a_line_says_all() {
        let text = format!("a warning\n{}\n", measured().json());
        assert_eq!(Measured::parse(&json_line(&text)).unwrap(), measured());
    }

    #[test]
    fn operations_may_lack_and_times_may_not() {
        let mut without = measured();
        without.flops = None;
        let line = without.json().to_string();
        assert_eq!(Measured::parse(&line).unwrap(), without);
        let broken = line.replace("one_ms", "two_ms");
        let error = Measured::parse(&broken).unwrap_err().to_string();
        assert!(error.contains("no one_ms"), "{error}");
    }
}
