//! Data to standard output, files written whole or not at all.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// How often another name is tried for the temporary file.
const TRIES: u32 = 100;

/// Writes text and a line's end to standard output.
pub fn print(text: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::new(format!("writing to standard output failed: {e}")),
    })
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
            Err(Failure::new(text).hint("Make the folder first"))
        }
        _ => Ok(()),
    }
}

/// Writes a file through a temporary one beside it, which is flushed to the disk and then takes its name. Whatever fails,
/// what was there before is still there, and nothing else.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    check_target(path)?;
    // A link stays a link: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let failed = |e: io::Error| Failure::io("writing", path, &e);
    let (temporary, file) = beside(&target).map_err(failed)?;
    let written = fill(file, &target, bytes).and_then(|()| fs::rename(&temporary, &target));
    written.map_err(|e| {
        // What made writing fail is what the user is told.
        let _ = fs::remove_file(&temporary);
        failed(e)
    })
}

fn fill(mut file: File, target: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()
}

/// A new file beside the target.
fn beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target
        .file_name()
        .ok_or(ErrorKind::InvalidFilename)?
        .to_string_lossy();
    for i in 0..TRIES {
        let path = target.with_file_name(format!(".{name}.{}-{i}.tmp", std::process::id()));
        match File::create_new(&path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
