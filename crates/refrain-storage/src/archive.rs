//! A `.keras` file: a zip archive, or the same members in a folder.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::zip::{self, Zip};
use super::{Limits, beyond, io, unsupported, write_whole};
use crate::{Error, ErrorKind, Result};

trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// The members of a `.keras` file. Opening reads their names only.
///
/// Names are relative paths with `/`. One that leads outside, a link, or two names that are the same on a file system without
/// upper and lower case make the whole archive an error.
pub struct Archive {
    members: Vec<String>,
    place: Where,
}

enum Where {
    Zip(Zip<Box<dyn Source>>),
    Folder(PathBuf, Limits),
}

impl Archive {
    /// Opens a zip file or a folder.
    ///
    /// # Errors
    /// If there is neither, or for names, numbers and sizes as described above and in [`Limits`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        if path.is_dir() {
            let mut members = Vec::new();
            list(path, "", limits, &mut members)?;
            members.sort();
            distinct(&members)?;
            let place = Where::Folder(path.to_path_buf(), limits.clone());
            return Ok(Archive { members, place });
        }
        let file = File::open(path).map_err(|e| io("reading", path, &e))?;
        Archive::from_source(Box::new(file), limits)
    }

    /// Opens a zip file that is in memory.
    pub fn from_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<Self> {
        Archive::from_source(Box::new(std::io::Cursor::new(bytes)), limits)
    }

    fn from_source(source: Box<dyn Source>, limits: &Limits) -> Result<Self> {
        let zip = Zip::open(source, limits)?;
        let members = zip.entries().iter().map(|e| e.name.clone()).collect();
        Ok(Archive {
            members,
            place: Where::Zip(zip),
        })
    }

    /// The names of all members: in a zip file's own order, or sorted.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Whether there is a member of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.members.iter().any(|m| m == name)
    }

    fn position(&self, name: &str) -> Result<usize> {
        let index = self.members.iter().position(|m| m == name);
        index.ok_or_else(|| {
            let text = format!("the archive has no member `{name}`");
            let hint = format!("Its members: {}", self.members.join(", "));
            Error::new(ErrorKind::NotFound, text).hint(hint)
        })
    }

    /// The file that holds a member's bytes as they are, and where they begin in it; `None` if they are compressed. `path` is
    /// that of the archive.
    pub fn plain_place(&mut self, path: &Path, name: &str) -> Result<Option<(PathBuf, u64)>> {
        let index = self.position(name)?;
        match &mut self.place {
            Where::Zip(zip) => {
                let start = zip.plain_start(index)?;
                Ok(start.map(|start| (path.to_owned(), start)))
            }
            Where::Folder(folder, _) => Ok(Some((folder.join(name), 0))),
        }
    }

    /// A member's bytes.
    ///
    /// # Errors
    /// If there is no such member, or it is damaged.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let index = self.position(name)?;
        match &mut self.place {
            Where::Zip(zip) => zip.read(index),
            Where::Folder(folder, limits) => {
                let path = folder.join(name);
                let failed = |e| io("reading", &path, &e);
                let file = File::open(&path).map_err(failed)?;
                let length = file.metadata().map_err(failed)?.len();
                let limit = limits.get_member_bytes();
                let mut out = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or(0));
                // The file may grow while it is read.
                let read = file.take(limit.saturating_add(1)).read_to_end(&mut out);
                if read.map_err(failed)? as u64 > limit {
                    return Err(beyond(&format!("the member `{name}`"), limit, length));
                }
                Ok(out)
            }
        }
    }
}

/// All files below a folder.
fn list(folder: &Path, prefix: &str, limits: &Limits, out: &mut Vec<String>) -> Result<()> {
    let failed = |e| io("reading", folder, &e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name();
        let name = file_name.to_str().map(|n| format!("{prefix}{n}"));
        let name =
            name.ok_or_else(|| unsupported(format!("the name {file_name:?} is not UTF-8")))?;
        check_name(&name, limits)?;
        let sort = entry.file_type().map_err(failed)?;
        if sort.is_symlink() {
            return Err(unsupported(format!(
                "the member `{name}` is a link, and links are not followed"
            )));
        } else if sort.is_dir() {
            list(&entry.path(), &format!("{name}/"), limits, out)?;
        } else if sort.is_file() {
            out.push(name);
        } else {
            return Err(unsupported(format!("the member `{name}` is not a file")));
        }
        if out.len() > limits.get_members() {
            return Err(beyond(
                "a number of members",
                limits.get_members() as u64,
                "more",
            ));
        }
    }
    Ok(())
}

fn distinct(names: &[String]) -> Result<()> {
    let mut seen = HashSet::new();
    match names.iter().find(|n| !seen.insert(n.to_lowercase())) {
        Some(name) => Err(unsupported(format!(
            "two members are named `{name}`, but for upper and lower case"
        ))),
        None => Ok(()),
    }
}

/// An error for the name of a member that is not a plain relative path.
pub(super) fn check_name(name: &str, limits: &Limits) -> Result<()> {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let wrong = |c: char| matches!(c, '\\' | ':') || c.is_control();
    if name.contains(wrong) || !name.split('/').all(plain) {
        return Err(unsupported(format!(
            "the member name {name:?} is not a plain relative path"
        )));
    }
    let limit = limits.get_depth();
    if name.split('/').count() > limit {
        return Err(beyond("folders inside folders", limit as u64, "more"));
    }
    Ok(())
}

/// Writes a zip archive of stored members in this order, whole or not at all. Its bytes depend on nothing but the members.
///
/// # Errors
/// For a name that [`Archive`] does not accept, or if writing fails.
pub fn write_archive(path: &Path, members: &[(&str, &[u8])]) -> Result<()> {
    let names: Vec<String> = members.iter().map(|m| m.0.to_string()).collect();
    names
        .iter()
        .try_for_each(|n| check_name(n, &Limits::new()))?;
    distinct(&names)?;
    write_whole(path, |out| {
        zip::write(out, members).map_err(|e| io("writing", path, &e))
    })
}
