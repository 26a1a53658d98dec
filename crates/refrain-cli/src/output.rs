//! Data to standard output, files written whole or not at all.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use refrain::saving::{self, write_file};

use crate::failure::{Failure, Result};

/// Writes text and a line's end to standard output.
pub fn print(text: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::new(format!("writing to standard output failed: {e}")),
    })
}

/// The argument that names a file to write, of whatever bytes; its end is checked.
pub fn target<T: Clone + Send + Sync + 'static>(
    check: fn(PathBuf) -> std::result::Result<T, String>,
) -> impl TypedValueParser<Value = T> {
    PathBufValueParser::new().try_map(check)
}

/// Refuses a place where no file can be written, before long work is done for it.
pub fn check_target(path: &Path) -> Result<()> {
    if path.is_dir() {
        let text = format!("`{}` is a folder, not a file", path.display());
        return Err(Failure::new(text).hint("Give the name of a file in it"));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let text = format!(
                "writing `{}` would fail: there is no folder `{}`",
                path.display(),
                folder.display()
            );
            Err(match folder.exists() {
                true => Failure::new(format!("{text}, which is a file"))
                    .hint("Give the name of a file in a folder"),
                false => Failure::new(text).hint("Make the folder first"),
            })
        }
        _ => Ok(saving::check_target(path)?),
    }
}

/// Writes a file whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    check_target(path)?;
    Ok(write_file(path, bytes)?)
}
