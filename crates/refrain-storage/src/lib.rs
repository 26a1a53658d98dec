//! Files of arrays, texts and members, knowing nothing of layers or models.
//!
//! - [`ArrayFile`] reads HDF5 and safetensors files as a tree of [`Group`]s; [`write_hdf5`] and
//!   [`write_safetensors`] write such trees.
//! - [`Archive`] reads a `.keras` file, zipped or not; [`write_archive`] writes one.
//! - [`npz`] reads and writes NumPy's files (feature `npz`).
//! - [`parse_json`] reads JSON as Python writes it, [`write_json`] writes it so.
//!
//! Every byte that is read is untrusted. What a file declares is checked against the file's own size and against [`Limits`]
//! before anything is allocated for it, and no structure of a file can make a reader recurse or loop without end.

mod abandoned;
mod archive;
mod array_file;
mod cursor;
mod error;
mod hdf5;
mod json;
mod limits;
#[cfg(feature = "npz")]
pub mod npz;
mod number;
mod safetensors;
mod tree;
mod whole;
mod zip;

pub use archive::{Archive, write_archive};
pub use array_file::{ArrayFile, ArrayRef};
pub use error::{Error, ErrorKind, Result};
pub use hdf5::{hdf5_start, write_hdf5};
pub use json::{parse_json, write_json};
pub use limits::Limits;
pub use safetensors::write_safetensors;
pub use tree::{Attribute, Group};
pub use whole::{check_target, write_whole};

/// A file that is not what it says it is.
fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("the file is damaged: {what}"))
}

/// A file that is sound, but of a sort that is not read.
fn unsupported(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, what)
}

/// A file that asks for more than [`Limits`] allow.
fn beyond(what: &str, limit: u64, received: impl std::fmt::Display) -> Error {
    Error::mismatch(
        ErrorKind::Io,
        format!("{what} of at most {limit}"),
        received.to_string(),
    )
    .hint("If the file is to be trusted, raise this limit in `Limits`")
}

/// What the operating system said about a file.
pub fn io(doing: &str, path: &std::path::Path, e: &std::io::Error) -> Error {
    let kind = match e.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("{doing} `{}` failed: {e}", path.display()))
}
