//! Model files to be written, by the ends of their names.

use std::io::Read;
use std::path::{Path, PathBuf};

use refrain::Model;

use crate::failure::{Failure, Result};

const WEIGHTS_END: &str = ".weights.h5";
/// Ends of the names of files that hold weights.
const WITH_WEIGHTS: [&str; 4] = [".keras", WEIGHTS_END, ".h5", ".safetensors"];
const JSON_END: &str = ".json";
/// Bytes in which a JSON text begins.
const START: u64 = 256;

fn ends(path: &Path, end: &str) -> bool {
    path.to_string_lossy().to_lowercase().ends_with(end)
}

/// The name of a file that holds weights, as an argument.
pub fn with_weights(path: PathBuf) -> Result<PathBuf, String> {
    match WITH_WEIGHTS.iter().any(|end| ends(&path, end)) {
        true => Ok(path),
        false => Err(format!(
            "expected a name that ends in {}",
            WITH_WEIGHTS.join(", ")
        )),
    }
}

/// The name of a model file of any sort, as an argument.
pub fn any(path: PathBuf) -> Result<PathBuf, String> {
    match ends(&path, JSON_END) {
        true => Ok(path),
        false => with_weights(path).map_err(|e| format!("{e}, {JSON_END}")),
    }
}

/// Refuses the name of a checkpoint whose end does not say what is written.
pub fn check_checkpoint(path: &Path, weights_only: bool) -> Result<(), String> {
    const WHOLE: [&str; 4] = [".keras", ".h5", ".safetensors", JSON_END];
    const WEIGHTS: [&str; 2] = [WEIGHTS_END, ".safetensors"];
    let allowed = match weights_only {
        true => &WEIGHTS[..],
        false => &WHOLE[..],
    };
    let only_weights = ends(path, WEIGHTS_END) && !weights_only;
    match allowed.iter().any(|end| ends(path, end)) && !only_weights {
        true => Ok(()),
        false => Err(format!(
            "expected a path that ends in {}{}",
            allowed.join(", "),
            match only_weights {
                true => "; weights alone need save_weights_only=True",
                false => "",
            }
        )),
    }
}

/// Writes a model as the end of the file's name says.
pub fn save(model: &Model, path: &Path) -> Result<()> {
    let saved = match ends(path, WEIGHTS_END) {
        true => model.save_weights(path),
        false => model.save(path),
    };
    Ok(saved?)
}

/// Whether a file is JSON, and so an architecture without weights.
pub fn is_json(path: &Path) -> Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| Failure::io("opening", path, &e))?;
    let read = file.take(START).read_to_end(&mut start);
    read.map_err(|e| Failure::io("reading", path, &e))?;
    Ok(start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}
