//! Files written whole or not at all.

use std::fs::{self, File};
use std::io::{self as stdio, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{abandoned, io};
use crate::{Error, ErrorKind, Result};

/// Bytes gathered before each write.
const BUFFER: usize = 1 << 20;
/// Links that are followed one after another; Linux follows as many.
const MOST_LINKS: usize = 40;
/// Characters of the target's name in that of the temporary file. Names have at most 255 bytes, and a character up to 4.
const NAME: usize = 50;
/// How often another name is tried for the temporary file.
const TRIES: u32 = 100;
/// Temporary files that this process has begun.
static WRITERS: AtomicU64 = AtomicU64::new(0);

/// Writes a file through a temporary one beside it, which is flushed to the disk and then takes the file's name and
/// permissions. Whatever fails, what was there before is still there, and nothing else. What writers that were killed have left
/// beside the target is removed.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let target = target(path)?;
    abandoned::remove(&target);
    let (temporary, file) = create(&target)?;
    let mut guard = Remove(Some(temporary));
    let mut buffered = BufWriter::with_capacity(BUFFER, file);
    write(&mut buffered)?;
    let failed = |e: stdio::Error| io("writing", path, &e);
    let file = buffered.into_inner().map_err(|e| failed(e.into_error()))?;
    if let Ok(metadata) = fs::metadata(&target) {
        file.set_permissions(metadata.permissions())
            .map_err(failed)?;
    }
    file.sync_all().map_err(failed)?;
    if let Some(temporary) = &guard.0 {
        // The file stays open, and so locked, until it has its name.
        fs::rename(temporary, &target).map_err(failed)?;
    }
    guard.0 = None;
    Ok(())
}

/// Makes sure that a file can be written, by beginning to write one.
pub fn check_target(path: &Path) -> Result<()> {
    let (temporary, _file) = create(&target(path)?)?;
    drop(Remove(Some(temporary)));
    Ok(())
}

/// The file that is written: a link stays a link, what it leads to is replaced.
fn target(path: &Path) -> Result<PathBuf> {
    let target = follow(path)?;
    match target.is_dir() {
        true => {
            let text = format!("`{}` is a folder, not a file", path.display());
            Err(Error::new(ErrorKind::Io, text))
        }
        false => Ok(target),
    }
}

/// Where a chain of links ends, even if nothing is there yet.
fn follow(path: &Path) -> Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(target),
        }
    }
    let text = format!("`{}` is a link that leads in circles", path.display());
    Err(Error::new(ErrorKind::Io, text))
}

/// How the names of temporary files beside the target begin and end; between them are a process and a number.
pub(super) fn ends(target: &Path) -> Option<(String, &'static str)> {
    let name = target.file_name()?.to_string_lossy();
    let name: String = name.chars().take(NAME).collect();
    Some((format!(".{name}."), ".tmp"))
}

/// A new file beside the target, locked for as long as it is open.
fn create(target: &Path) -> Result<(PathBuf, File)> {
    let Some((start, end)) = ends(target) else {
        let text = format!("`{}` is not the name of a file", target.display());
        return Err(Error::new(ErrorKind::Io, text));
    };
    let process = std::process::id();
    let mut last = stdio::Error::from(stdio::ErrorKind::AlreadyExists);
    for _ in 0..TRIES {
        // No two writers of a process have one name: what one has lost is not another's.
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let beside = target.with_file_name(format!("{start}{process}-{number}{end}"));
        match File::create_new(&beside) {
            Ok(file) => {
                // Where files cannot be locked, nobody takes them for abandoned either.
                let _ = file.lock();
                if beside.exists() {
                    return Ok((beside, file));
                }
            }
            Err(e) if e.kind() == stdio::ErrorKind::AlreadyExists => last = e,
            Err(e) => return Err(io("writing", target, &e)),
        }
    }
    Err(io("writing", target, &last))
}

/// Removes the temporary file, unless it has become the target.
struct Remove(Option<PathBuf>);

impl Drop for Remove {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What made writing fail is what the caller is told.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("refrain-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = folder("whole");
        let path = folder.join("a.keras");
        write_whole(&path, |w| {
            w.write_all(b"old").map_err(|e| io("writing", &path, &e))
        })
        .unwrap();
        let failed = write_whole(&path, |w| {
            w.write_all(b"new").map_err(|e| io("writing", &path, &e))?;
            Err(Error::new(ErrorKind::Io, "half way"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "half way");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("permissions");
        let path = folder.join("a.keras");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&path, |w| {
            w.write_all(b"new").map_err(|e| io("writing", &path, &e))
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_of_killed_writers_are_removed_and_no_others() {
        let folder = folder("abandoned");
        let path = folder.join("a.keras");
        let own = format!(".a.keras.{}-0.tmp", std::process::id());
        for name in [".a.keras.4194300-0.tmp", ".a.keras.1-17.tmp", &own] {
            fs::write(folder.join(name), b"half").unwrap();
        }
        let others = [
            ".a.keras.-0.tmp",
            ".a.keras.12-.tmp",
            ".a.keras.12-0.tmp.old",
            ".a.keras.1x-0.tmp",
            ".aa.keras.12-0.tmp",
            ".b.keras.12-0.tmp",
            "a.keras.12-0.tmp",
        ];
        for name in others {
            fs::write(folder.join(name), b"kept").unwrap();
        }
        fs::create_dir(folder.join(".a.keras.13-0.tmp")).unwrap();
        let written = File::create(folder.join(".a.keras.14-0.tmp")).unwrap();
        written.lock().unwrap();
        write(&path).unwrap();
        let entries = fs::read_dir(&folder).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        let mut expected = others.to_vec();
        expected.extend([".a.keras.13-0.tmp", ".a.keras.14-0.tmp", "a.keras"]);
        expected.sort_unstable();
        assert_eq!(names, expected);
        drop(written);
        write(&path).unwrap();
        assert!(!folder.join(".a.keras.14-0.tmp").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn where_nothing_can_be_written_is_known_before() {
        let folder = folder("target");
        check_target(&folder.join("a.keras")).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let error = |path: &Path| check_target(path).unwrap_err().to_string();
        assert!(error(&folder).contains("is a folder"));
        assert!(error(&folder.join("none/a.keras")).contains("No such file"));
        fs::remove_dir_all(folder).unwrap();
    }

    fn write(path: &Path) -> Result<()> {
        write_whole(path, |w| {
            w.write_all(b"new").map_err(|e| io("writing", path, &e))
        })
    }

    #[test]
    fn long_names_leave_room_for_the_temporary_one() {
        let folder = folder("long");
        for name in ["x".repeat(255), "層".repeat(85)] {
            write(&folder.join(&name)).unwrap();
            assert_eq!(fs::read(folder.join(name)).unwrap(), b"new");
        }
        assert!(write(&folder.join("x".repeat(256))).is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_even_if_nothing_is_there() {
        use std::os::unix::fs::symlink;
        let folder = folder("links");
        fs::create_dir_all(folder.join("inner")).unwrap();
        symlink("inner/b", folder.join("a")).unwrap();
        symlink("../c", folder.join("inner/b")).unwrap();
        symlink("circle", folder.join("circle")).unwrap();
        for _ in 0..2 {
            write(&folder.join("a")).unwrap();
            assert_eq!(fs::read(folder.join("c")).unwrap(), b"new");
            assert!(folder.join("a").is_symlink() && folder.join("inner/b").is_symlink());
        }
        let error = write(&folder.join("circle")).unwrap_err().to_string();
        assert!(error.contains("leads in circles"), "{error}");
        assert!(folder.join("circle").is_symlink());
        fs::remove_dir_all(folder).unwrap();
    }
}
