//! Files of Keras 2, which tf_keras writes and computes: refrain's predictions from them, and from its own copies.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use super::SCRIPTS;
use super::cases::{copied, name_of, predict, sorted, text};
use super::table::{Table, What};
use crate::python::{check, environment};

const ENVIRONMENT: &str = "target/parity-env-keras2";
const TENSORFLOW: &str = "tensorflow-cpu==2.21.0";
/// Alone: it asks for the package of TensorFlow that has code for GPUs.
const TF_KERAS: [&str; 2] = ["--no-deps", "tf_keras==2.21.0"];

/// Makes the models, or only those whose name contains a text.
pub fn make(folder: &Path, only: &[&str]) -> Result<(), Box<dyn Error>> {
    environment(ENVIRONMENT.as_ref(), &[TENSORFLOW])?;
    let python = environment(ENVIRONMENT.as_ref(), &TF_KERAS)?;
    eprintln!("making models in Keras 2 …");
    let script = Path::new(SCRIPTS).join("keras2.py");
    check(Command::new(python).arg(script).arg(folder).args(only))
}

/// Checks all models of a folder.
pub fn check_all(folder: &Path, table: &mut Table) -> Result<(), Box<dyn Error>> {
    for file in sorted(folder)? {
        let form = file.extension().and_then(|e| e.to_str());
        let name = name_of(&file);
        if !matches!(form, Some("h5" | "keras")) || name.contains(".copy.") {
            continue;
        }
        let data = file.with_extension("npz");
        let copy = file.with_extension("copy.keras");
        let name = format!("keras2/{name}");
        table.add(&name, What::Predictions, text(predict(&file, &data, &data)));
        table.add(
            &name,
            What::Copies,
            text(copied(&file, &copy, &data, &data)),
        );
    }
    Ok(())
}
