//! The part of HDF5 that Keras writes and h5py writes by default.
//!
//! Read: user blocks, superblocks 0 to 3, object headers 1 and 2, groups as symbol tables, link messages or heaps of links,
//! contiguous, compact and chunked arrays (layouts 3 to 5, all indices) with deflate, shuffle and Fletcher checksums, texts in
//! attributes. Written: superblock 0, object headers 1, groups
//! as link messages, contiguous arrays.

mod attribute;
mod btree;
mod chunks;
mod datatype;
mod dense;
mod header;
mod index;
mod links;
mod write;
mod write_heap;
mod write_types;

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use self::attribute::Heaps;
use self::datatype::{Class, dataspace, datatype};
use self::header::{Message, find, kind, messages};
use super::array_file::{ArrayRef, Budget, Content, Place};
use super::cursor::Cursor;
use super::{Group, Limits, beyond, damaged, unsupported};
use crate::Result;

pub(super) use self::chunks::Chunked;
pub use self::write::write_hdf5;

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The address of what is not there.
const UNDEFINED: u64 = u64::MAX;

/// Where an HDF5 file begins behind a user block, which is empty or a power of two of 512 bytes or more.
pub fn hdf5_start(mut file: impl Read + Seek) -> std::io::Result<Option<u64>> {
    const SMALLEST: u64 = 512;
    let end = file.seek(SeekFrom::End(0))?;
    let mut found = [0; SIGNATURE.len()];
    let mut start = 0;
    while end.saturating_sub(start) >= found.len() as u64 {
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut found)?;
        if found == SIGNATURE {
            return Ok(Some(start));
        }
        start = (2 * start).max(SMALLEST);
    }
    Ok(None)
}

/// The tree of a file, from its [start](hdf5_start) on.
pub(super) fn read_tree(file: &[u8], limits: &Limits) -> Result<Group<ArrayRef>> {
    let mut reader = Reader {
        file,
        budget: Budget::new(file.len(), limits),
        heaps: Heaps::default(),
        groups: HashSet::new(),
    };
    match reader.object(root_address(file)?, String::new(), 0)? {
        Object::Group(root) => Ok(root),
        Object::Array(_) => Err(damaged("its root is not a group")),
    }
}

/// The address of the root group's header.
fn root_address(file: &[u8]) -> Result<u64> {
    let mut c = Cursor::new(file);
    c.expect(SIGNATURE)?;
    let version = c.u8()?;
    let (offsets, lengths) = match version {
        0 | 1 => {
            c.skip(4)?;
            (c.u8()?, c.u8()?)
        }
        2 | 3 => (c.u8()?, c.u8()?),
        _ => {
            return Err(unsupported(format!(
                "HDF5 superblocks of version {version} are not read"
            )));
        }
    };
    if (offsets, lengths) != (8, 8) {
        return Err(unsupported(
            "only HDF5 files with addresses and lengths of 8 bytes are read",
        ));
    }
    // Group sizes and flags in the old form, flags in the new one. The base address is where the file begins, whatever is
    // written there, as for HDF5 itself. Free space, end of file and driver before the root's entry, which begins with its
    // name; extension and end of file.
    c.skip(match version {
        0 => 9 + 40,
        1 => 13 + 40,
        _ => 1 + 24,
    })?;
    c.u64()
}

enum Object {
    Group(Group<ArrayRef>),
    Array(ArrayRef),
}

struct Reader<'a> {
    file: &'a [u8],
    budget: Budget<'a>,
    heaps: Heaps,
    /// Addresses of the groups seen.
    groups: HashSet<u64>,
}

impl Reader<'_> {
    fn object(&mut self, address: u64, path: String, depth: usize) -> Result<Object> {
        self.budget.object()?;
        let messages = messages(self.file, address, &mut self.budget)?;
        if find(&messages, kind::EXTERNAL_FILES).is_some() {
            return Err(unsupported(format!(
                "`{path}` keeps its data in another file, which is never opened"
            )));
        }
        let is_array = find(&messages, kind::LAYOUT).is_some();
        let is_group = [kind::SYMBOL_TABLE, kind::LINK_INFO, kind::LINK];
        if is_array {
            Ok(Object::Array(self.array(&messages, path)?))
        } else if is_group.iter().any(|&k| find(&messages, k).is_some()) {
            Ok(Object::Group(self.group(address, &messages, &path, depth)?))
        } else {
            Err(unsupported(format!(
                "`{path}` is neither a group nor an array"
            )))
        }
    }

    fn group(
        &mut self,
        address: u64,
        messages: &[Message<'_>],
        path: &str,
        depth: usize,
    ) -> Result<Group<ArrayRef>> {
        let limit = self.budget.limits.get_depth();
        if depth > limit {
            return Err(beyond("groups inside groups", limit as u64, "more"));
        }
        if !self.groups.insert(address) {
            return Err(unsupported(format!(
                "the group `{path}` has several names, which could go on without end"
            )));
        }
        let mut group = Group {
            attributes: attribute::all(self.file, messages, &mut self.heaps, &mut self.budget)?,
            ..Group::default()
        };
        for (name, address) in links::all(self.file, messages, path, &mut self.budget)? {
            let path = match path {
                "" => name.clone(),
                _ => format!("{path}/{name}"),
            };
            self.budget.text(path.len())?;
            let twice = match self.object(address, path, depth + 1)? {
                Object::Group(g) => group.groups.insert(name, g).is_some(),
                Object::Array(a) => group.arrays.insert(name, a).is_some(),
            };
            if twice {
                return Err(damaged("two members of a group have the same name"));
            }
        }
        Ok(group)
    }

    fn array(&mut self, messages: &[Message<'_>], path: String) -> Result<ArrayRef> {
        let part = |k, what: &str| {
            find(messages, k).ok_or_else(|| damaged(format_args!("`{path}` has no {what}")))
        };
        let (space, stored) = (
            part(kind::DATASPACE, "shape")?,
            part(kind::DATATYPE, "type")?,
        );
        let layout = part(kind::LAYOUT, "layout")?;
        if stored.is_shared() || space.is_shared() || layout.is_shared() {
            return Ok(ArrayRef::new(path, Content::Other("a named type".into())));
        }
        let space = dataspace(&mut Cursor::new(space.data))?;
        let stored = datatype(&mut Cursor::new(stored.data))?;
        let Class::Number(number) = stored.class else {
            return Ok(ArrayRef::new(path, Content::Other(stored.describe())));
        };
        let (dims, bytes) = self.budget.array(&space.dims, number.size())?;
        let filters = find(messages, kind::FILTERS);
        let shape = chunks::Shape {
            dims: &dims,
            most: &space.most,
            element: number.size(),
            bytes,
        };
        let place = chunks::place(self.file, layout.data, filters, &shape)?;
        match &place {
            Place::Here(range) => self.budget.plain(range.len())?,
            Place::Chunks(_) => self.budget.inflated(bytes)?,
        }
        Ok(ArrayRef::new(
            path,
            Content::Numbers {
                number,
                dims,
                place,
            },
        ))
    }
}
