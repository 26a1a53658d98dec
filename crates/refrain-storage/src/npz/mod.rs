//! NumPy's files of arrays: `.npz`, and `.npy` for one array.
//!
//! Files are untrusted: what a header declares is checked against the bytes that are there before memory is taken for it.
//! Reading takes at most [`MOST_INFLATED`] times the size of the file for all arrays that are read, and each is read only
//! when it is asked for.

mod header;
mod values;

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use refrain_graph::Literal;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::{Error, Result};
use header::Header;
use values::Type;
pub use values::to_npy;

/// How many bytes one byte of a file can stand for: a deflated byte stands for at most 1,032.
pub const MOST_INFLATED: u64 = 1032;
/// The most arrays in one file.
const MOST_ARRAYS: usize = 100_000;

/// The name of the only array of a `.npy` file.
pub const ONLY: &str = "";

/// A `.npz` file, or a `.npy` file with one array, opened for reading.
///
/// Elements are `bool`, integers of 8 to 64 bits and floats of 16 to 64 bits, of either byte order, row-major or in Fortran's
/// order. Integers of 8 and 16 bits become `i32` (but `u8`), `u64` becomes `i64`.
///
/// ```
/// use refrain_graph::Literal;
/// use refrain_storage::npz::{NpzFile, to_npz};
///
/// let path = std::env::temp_dir().join(format!("refrain-doc-{}.npz", std::process::id()));
/// let x = Literal::new([2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).unwrap();
/// std::fs::write(&path, to_npz(&[("x0", &x)])?)?;
/// let mut file = NpzFile::open(&path)?;
/// assert_eq!(file.names(), ["x0"]);
/// assert_eq!(file.read("x0")?, x);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpzFile {
    path: PathBuf,
    /// Bytes of the file.
    length: u64,
    names: Vec<String>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Archive(Box<ZipArchive<BufReader<File>>>),
    One(BufReader<File>),
}

impl NpzFile {
    /// Opens a file; its content decides what it is, not its name.
    ///
    /// # Errors
    /// There is no such file, or it is neither.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |e: std::io::Error| crate::io("opening", path, &e);
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let mut start = Vec::new();
        file.by_ref()
            .take(2)
            .read_to_end(&mut start)
            .map_err(failed)?;
        file.rewind().map_err(failed)?;
        let (names, source) = match &start[..] {
            b"PK" => archive(file).map_err(|e| e.at(quoted(path)))?,
            [0x93, b'N'] => (vec![ONLY.to_owned()], Source::One(file)),
            _ => {
                let text = "it is neither a `.npz` archive nor a `.npy` array";
                return Err(Error::damaged(text)
                    .at(quoted(path))
                    .hint("Write it with `numpy.savez(path, x0=…, y0=…)`"));
            }
        };
        Ok(NpzFile {
            path: path.to_owned(),
            length,
            names,
            source,
        })
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the arrays in the order of the file; of a `.npy` file, [`ONLY`].
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// Whether there is an array of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Whether it is a `.npy` file: one array without a name.
    pub fn is_one_array(&self) -> bool {
        matches!(self.source, Source::One(_))
    }

    /// Reads an array.
    ///
    /// # Errors
    /// There is none of this name, it is damaged, or it does not hold numbers.
    pub fn read(&mut self, name: &str) -> Result<Literal> {
        let place = match self.is_one_array() {
            true => quoted(&self.path),
            false => format!("array `{name}` in {}", quoted(&self.path)),
        };
        let position = self.names.iter().position(|n| n == name);
        let position =
            position.ok_or_else(|| Error::damaged("there is no such array").at(&place))?;
        self.read_at(position).map_err(|e| e.at(&place))
    }

    fn read_at(&mut self, position: usize) -> Result<Literal> {
        match &mut self.source {
            Source::One(file) => {
                file.rewind().map_err(header::cut)?;
                array(file, self.length)
            }
            Source::Archive(archive) => {
                let mut member = archive.by_index(position).map_err(damaged)?;
                let (size, stored) = (member.size(), member.compressed_size());
                let possible = match member.compression() {
                    CompressionMethod::Stored => stored,
                    _ => stored.saturating_mul(MOST_INFLATED),
                };
                if stored > self.length || size > possible {
                    return Err(Error::damaged(
                        "it declares more bytes than the file can hold",
                    ));
                }
                array(&mut member, size)
            }
        }
    }
}

fn quoted(path: &Path) -> String {
    format!("`{}`", path.display())
}

fn damaged(e: zip::result::ZipError) -> Error {
    Error::damaged(format!("the archive is damaged: {e}"))
}

/// The names of an archive's members, as NumPy shows them.
fn archive(file: BufReader<File>) -> Result<(Vec<String>, Source)> {
    let archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > MOST_ARRAYS {
        let text = format!("it has {} members, more than {MOST_ARRAYS}", archive.len());
        return Err(Error::damaged(text));
    }
    let names = (0..archive.len()).map(|i| {
        let name = archive.name_for_index(i).unwrap_or_default();
        name.strip_suffix(".npy").unwrap_or(name).to_owned()
    });
    Ok((names.collect(), Source::Archive(Box::new(archive))))
}

/// Reads an array that takes exactly this many bytes with its header.
fn array(source: &mut dyn Read, size: u64) -> Result<Literal> {
    let mut counted = Counted { source, bytes: 0 };
    let header = Header::read(&mut counted)?;
    let kind = Type::of(&header.descr)?;
    let there = size.saturating_sub(counted.bytes);
    let count = header
        .shape
        .iter()
        .try_fold(1usize, |n, &size| n.checked_mul(size));
    let declared = count.and_then(|n| n.checked_mul(kind.size));
    let (Some(count), Some(declared)) = (count, declared) else {
        let text = format!("its shape {:?} is larger than any memory", header.shape);
        return Err(Error::damaged(text));
    };
    if declared as u64 != there {
        let shape = &header.shape;
        let text = format!(
            "its shape {shape:?} takes {declared} bytes, but there are {there}: the file is damaged"
        );
        return Err(Error::damaged(text));
    }
    let literal = values::read(&mut counted, &header, kind, count)?;
    // Only at its end does an archive tell that its checksum is wrong.
    match counted.read(&mut [0]).map_err(header::cut)? {
        0 => Ok(literal),
        _ => Err(Error::damaged(
            "it holds more bytes than it declares: the file is damaged",
        )),
    }
}

/// Counts what has been read.
struct Counted<'s> {
    source: &'s mut dyn Read,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.source.read(into)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

/// The bytes of a `.npz` file of these arrays, not compressed, as `numpy.savez` writes it. Equal arrays give equal bytes.
///
/// # Errors
/// Two arrays have one name.
pub fn to_npz(arrays: &[(&str, &Literal)]) -> Result<Vec<u8>> {
    let failed =
        |e: zip::result::ZipError| Error::damaged(format!("making the archive failed: {e}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let bytes = to_npy(array);
        let large = u32::try_from(bytes.len()).is_err();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(large);
        zip.start_file(format!("{name}.npy"), options)
            .map_err(failed)?;
        zip.write_all(&bytes).map_err(|e| failed(e.into()))?;
    }
    Ok(zip.finish().map_err(failed)?.into_inner())
}

#[cfg(test)]
mod tests;
