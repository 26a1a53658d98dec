//! Python environments below `target/`, made at the first use.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes an environment with what these arguments of `pip install` name, and gives its interpreter.
pub fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    let python = folder.join("bin/python");
    if !python.exists() {
        check(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.arg("--disable-pip-version-check");
    check(pip.args(packages))?;
    Ok(python)
}

/// Runs a command that must succeed.
pub fn check(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed: {status}").into()),
    }
}
