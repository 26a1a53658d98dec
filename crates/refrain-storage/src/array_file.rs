//! HDF5 and safetensors files behind one door.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::hdf5::{self, Chunked, hdf5_start};
use super::number::Number;
use super::{Group, Limits, beyond, io, safetensors, unsupported};
use crate::Result;
use refrain_graph::{Literal, Shape, Spec};

/// A file of arrays, opened for reading: its tree is read and checked at once, an array's values when they are asked for.
///
/// The bytes of the file are held, unless they are [released](ArrayFile::release); nothing is allocated for an array until it
/// is read.
#[derive(Debug)]
pub struct ArrayFile {
    bytes: Bytes,
    /// Bytes before these that do not belong to the file.
    before: u64,
    root: Group<ArrayRef>,
    limits: Limits,
}

/// Where a file's bytes are.
#[derive(Debug)]
enum Bytes {
    Held(Vec<u8>),
    /// On the disk: the file begins at this offset of another one.
    Stored {
        file: Mutex<File>,
        start: u64,
        path: PathBuf,
    },
}

impl Bytes {
    fn get(&self, range: Range<usize>) -> Result<Cow<'_, [u8]>> {
        match self {
            Bytes::Held(bytes) => Ok(Cow::Borrowed(bytes.get(range).unwrap_or_default())),
            Bytes::Stored { file, start, path } => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut out = vec![0; range.len()];
                file.seek(SeekFrom::Start(start + range.start as u64))
                    .and_then(|_| file.read_exact(&mut out))
                    .map_err(|e| io("reading", path, &e))?;
                Ok(Cow::Owned(out))
            }
        }
    }

    fn all(&self) -> &[u8] {
        match self {
            Bytes::Held(bytes) => bytes,
            Bytes::Stored { .. } => &[],
        }
    }
}

/// An array of an [`ArrayFile`], not yet read.
#[derive(Clone, Debug)]
pub struct ArrayRef {
    path: String,
    content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Numbers.
    Numbers {
        number: Number,
        dims: Vec<usize>,
        place: Place,
    },
    /// What else it is, in words.
    Other(String),
}

/// Where the elements are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In one piece of the file.
    Here(Range<usize>),
    /// In chunks.
    Chunks(Box<Chunked>),
}

impl ArrayRef {
    pub(super) fn new(path: String, content: Content) -> Self {
        ArrayRef { path, content }
    }

    /// Where it is in the file: `layers/dense/vars/0`.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn is_chunked(&self) -> bool {
        let place = match &self.content {
            Content::Numbers { place, .. } => Some(place),
            Content::Other(_) => None,
        };
        matches!(place, Some(Place::Chunks(_)))
    }

    /// Shape and type of the literal it is read into; `None` if it does not hold numbers.
    pub fn spec(&self) -> Option<Spec> {
        match &self.content {
            Content::Numbers { number, dims, .. } => {
                Some(Spec::new(Shape::from(dims.as_slice()), number.dtype()))
            }
            Content::Other(_) => None,
        }
    }
}

impl ArrayFile {
    /// Opens a file.
    ///
    /// # Errors
    /// If it is not there, or as [`ArrayFile::from_bytes`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| io("reading", path, &e))?;
        ArrayFile::from_bytes(bytes, limits)
    }

    /// Opens a file that is in memory.
    ///
    /// # Errors
    /// If it is neither HDF5 nor safetensors, damaged, beyond the limits, or uses what is not read: external and virtual
    /// storage, soft and external links.
    pub fn from_bytes(mut bytes: Vec<u8>, limits: &Limits) -> Result<Self> {
        let mut before = 0;
        let hdf5 = hdf5_start(Cursor::new(&bytes)).ok().flatten();
        let root = if safetensors::is_safetensors(&bytes) {
            safetensors::read_tree(&bytes, limits)?
        } else if let Some(start) = hdf5 {
            bytes.drain(..start as usize);
            before = start;
            hdf5::read_tree(&bytes, limits)?
        } else {
            return Err(unsupported("the file is neither HDF5 nor safetensors"));
        };
        Ok(ArrayFile {
            bytes: Bytes::Held(bytes),
            before,
            root,
            limits: limits.clone(),
        })
    }

    /// Gives back the memory of the bytes: from now on arrays are read from the disk, where the file begins at an offset of
    /// the one at `path`. Chunks are found through the whole file, so that a file that has some keeps its bytes.
    pub fn release(&mut self, path: PathBuf, start: u64) -> Result<()> {
        if self.root.any_array(&|array| array.is_chunked()) {
            return Ok(());
        }
        let file = File::open(&path).map_err(|e| io("reading", &path, &e))?;
        self.bytes = Bytes::Stored {
            file: Mutex::new(file),
            start: start + self.before,
            path,
        };
        Ok(())
    }

    /// The tree.
    pub fn root(&self) -> &Group<ArrayRef> {
        &self.root
    }

    /// An array's values.
    ///
    /// # Errors
    /// If it does not hold numbers, or its chunks are damaged.
    pub fn read(&self, array: &ArrayRef) -> Result<Literal> {
        let named = |e: crate::Error| {
            crate::Error::new(e.kind(), format!("reading `{}` failed: {e}", array.path))
        };
        match &array.content {
            Content::Other(what) => Err(unsupported(format!(
                "`{}` holds {what}, not numbers that refrain has",
                array.path
            ))),
            Content::Numbers {
                number,
                dims,
                place: Place::Here(range),
            } => {
                let bytes = self.bytes.get(range.clone()).map_err(named)?;
                number.decode(&bytes, dims).map_err(named)
            }
            Content::Numbers {
                number,
                dims,
                place: Place::Chunks(chunks),
            } => {
                let bytes = chunks.read(self.bytes.all(), dims, number.size(), &self.limits);
                number.decode(&bytes.map_err(named)?, dims).map_err(named)
            }
        }
    }
}

/// What is left of what a file may ask for while its tree is read.
pub(super) struct Budget<'a> {
    pub limits: &'a Limits,
    /// Structures that can still be read, if none is read twice.
    steps: u64,
    /// Bytes of names, paths and texts that can still be made.
    text: u64,
    objects: usize,
    total: u64,
    /// Bytes that can still be stored uncompressed, if no two arrays share any.
    plain: u64,
    /// Bytes that can still come out of compression.
    inflated: u64,
}

/// No structure is shorter than this, in bytes.
const SHORTEST: u64 = 4;
/// A name is part of the path of everything below it: how many times a file's bytes its texts may come to.
const TEXT_FACTOR: u64 = 16;
/// What a file may use however short it is.
const FREE_STEPS: u64 = 64;
const FREE_TEXT: u64 = 4096;

impl<'a> Budget<'a> {
    pub(super) fn new(file_length: usize, limits: &'a Limits) -> Self {
        let length = file_length as u64;
        Budget {
            limits,
            steps: length / SHORTEST + FREE_STEPS,
            text: length.saturating_mul(TEXT_FACTOR).saturating_add(FREE_TEXT),
            objects: 0,
            total: 0,
            plain: length,
            inflated: limits.inflated(length),
        }
    }

    fn spend(left: &mut u64, n: u64, what: &str) -> Result<()> {
        *left = left
            .checked_sub(n)
            .ok_or_else(|| super::damaged(format_args!("it uses {what} more than once")))?;
        Ok(())
    }

    /// One more structure.
    pub(super) fn step(&mut self) -> Result<()> {
        Self::spend(&mut self.steps, 1, "its structures")
    }

    /// This many more bytes of text.
    pub(super) fn text(&mut self, bytes: usize) -> Result<()> {
        Self::spend(&mut self.text, bytes as u64, "its texts")
    }

    /// One more group or array.
    pub(super) fn object(&mut self) -> Result<()> {
        self.objects += 1;
        if self.objects > self.limits.get_objects() {
            let limit = self.limits.get_objects() as u64;
            return Err(beyond("a number of groups and arrays", limit, "more"));
        }
        Ok(())
    }

    /// One more array: its dimensions as sizes, and its bytes.
    pub(super) fn array(&mut self, dims: &[u64], element: usize) -> Result<(Vec<usize>, usize)> {
        let limit = self.limits.get_array_bytes();
        let product = dims
            .iter()
            .try_fold(element as u64, |n, &d| n.checked_mul(d));
        let bytes = product
            .filter(|&n| n <= limit)
            .ok_or_else(|| beyond("an array", limit, format_args!("the shape {dims:?}")))?;
        self.total = self.total.saturating_add(bytes);
        if self.total > self.limits.get_total_bytes() {
            let limit = self.limits.get_total_bytes();
            return Err(beyond("all arrays together", limit, "more"));
        }
        let small = |n: u64| usize::try_from(n).map_err(|_| beyond("an array", limit, n));
        let dims = dims.iter().map(|&d| small(d)).collect::<Result<_>>()?;
        Ok((dims, small(bytes)?))
    }

    /// This many bytes of an array are stored as they are.
    pub(super) fn plain(&mut self, bytes: usize) -> Result<()> {
        Self::spend(&mut self.plain, bytes as u64, "its arrays' bytes")
    }

    /// This many bytes of an array come out of compression.
    pub(super) fn inflated(&mut self, bytes: usize) -> Result<()> {
        let left = self.inflated.checked_sub(bytes as u64);
        let ratio = self.limits.get_compression_ratio();
        self.inflated = left.ok_or_else(|| beyond("a compression ratio", ratio, "a higher one"))?;
        Ok(())
    }
}
