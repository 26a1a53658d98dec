//! Keras on its backends, in a Python environment of the benchmark's own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Timing;
use crate::python;

/// The Keras that refrain is measured against.
const KERAS: &str = "keras==3.15.1";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench_peers.py");
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-env");

/// The package that brings a backend.
fn package(backend: &str) -> Result<&'static str, Box<dyn Error>> {
    Ok(match backend {
        "jax" => "jax",
        "tensorflow" => "tensorflow-cpu",
        "torch" => "torch",
        other => {
            return Err(format!("no backend {other}; there are jax, tensorflow, torch").into());
        }
    })
}

/// Python with these backends, installed if need be.
pub fn environment(backends: &[String]) -> Result<PathBuf, Box<dyn Error>> {
    let mut packages = vec![KERAS, "numpy"];
    for backend in backends {
        packages.push(package(backend)?);
    }
    python::environment(ENVIRONMENT.as_ref(), &packages)
}

/// What a command prints.
pub fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.output()?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {reason}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Times one model on one backend.
pub fn time(
    python: &Path,
    backend: &str,
    model: &str,
    quick: bool,
) -> Result<Vec<Timing>, Box<dyn Error>> {
    let mut command = Command::new(python);
    command.args([SCRIPT, backend, model]);
    if quick {
        command.arg("quick");
    }
    let text = output(&mut command)?;
    let rows = text.lines().filter(|l| l.starts_with('{'));
    rows.map(|line| {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let number = |key: &str| row[key].as_f64().ok_or(format!("no {key} in {line}"));
        Ok(Timing {
            program: backend.to_owned(),
            model: model.to_owned(),
            train: number("train_ms")?,
            predict: number("predict_ms")?,
            one: number("one_ms")?,
        })
    })
    .collect()
}
