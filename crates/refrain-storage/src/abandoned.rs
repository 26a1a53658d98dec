//! Temporary files whose writers were killed.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use super::whole::ends;

/// Removes temporary files beside a target that nobody writes any more. Each is locked by its writer as long as that lives, so
/// that neither the number of its process, which may be another's by now, nor its age matters. What cannot be removed stays.
pub(super) fn remove(target: &Path) {
    let folder = target.parent().filter(|f| !f.as_os_str().is_empty());
    let (Some((start, end)), Ok(entries)) =
        (ends(target), fs::read_dir(folder.unwrap_or(Path::new("."))))
    else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|t| t.is_file());
        let middle = name
            .to_str()
            .and_then(|name| name.strip_prefix(&*start)?.strip_suffix(end));
        if is_file && middle.is_some_and(is_process_and_number) {
            remove_unlocked(&entry.path());
        }
    }
}

/// `1234-0`
fn is_process_and_number(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-')
        .is_some_and(|(process, count)| number(process) && number(count))
}

fn remove_unlocked(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return;
    };
    if file.try_lock().is_ok() && is_still(&file, path) {
        // It is no failure of what is being written.
        let _ = fs::remove_file(path);
    }
}

/// Whether a path still leads to an open file: its writer may have renamed it and begun another.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |m: fs::Metadata| (m.dev(), m.ino());
    let (open, there) = (file.metadata(), fs::symlink_metadata(path));
    open.ok().map(id) == there.ok().map(id)
}

#[cfg(not(unix))]
fn is_still(_file: &File, path: &Path) -> bool {
    path.exists()
}
