//! Where the chunks of an array are: the six indices of HDF5.

use std::collections::HashSet;

use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::{Limits, damaged, unsupported};
use super::UNDEFINED;
use super::btree::Tree;
use crate::Result;

#[derive(Clone, Debug)]
pub(super) enum Index {
    /// A B-tree of version 1.
    Tree(u64),
    /// The one chunk there is.
    Single {
        address: u64,
        size: u64,
        left_out: u32,
    },
    /// All chunks, one behind the other.
    Implicit(u64),
    FixedArray(u64),
    ExtensibleArray(u64),
    /// A B-tree of version 2.
    NewTree(u64),
}

/// One stored chunk.
pub(super) struct Chunk {
    pub origin: Vec<usize>,
    pub address: u64,
    pub size: u64,
    /// Bit `i` is set if filter `i` was left out.
    pub left_out: u32,
}

impl Index {
    /// The end of a layout message of version 4 or 5, for chunks of `bytes` bytes.
    pub(super) fn read(mut c: Cursor<'_>, flags: u8, bytes: u64) -> Result<Self> {
        const FILTERED: u8 = 2;
        // What is skipped stands in the head of the index as well.
        Ok(match c.u8()? {
            1 => {
                let (size, left_out) = match flags & FILTERED {
                    0 => (bytes, 0),
                    _ => (c.u64()?, c.u32()?),
                };
                let address = c.u64()?;
                Index::Single {
                    address,
                    size,
                    left_out,
                }
            }
            2 => Index::Implicit(c.u64()?),
            3 => {
                c.skip(1)?;
                Index::FixedArray(c.u64()?)
            }
            4 => {
                c.skip(5)?;
                Index::ExtensibleArray(c.u64()?)
            }
            5 => {
                c.skip(6)?;
                Index::NewTree(c.u64()?)
            }
            other => {
                return Err(unsupported(format!(
                    "HDF5 chunks with an index of type {other} are not read"
                )));
            }
        })
    }
}

/// An array cut into chunks.
pub(super) struct Grid<'a> {
    pub file: &'a [u8],
    pub dims: &'a [usize],
    /// The dimensions that the array can grow to; those without an end are [`UNDEFINED`].
    pub most: &'a [u64],
    /// A chunk's dimensions, and its bytes before the filters.
    pub chunk: &'a [usize],
    pub bytes: u64,
    pub filtered: bool,
}

impl<'a> Grid<'a> {
    /// The number of chunks.
    pub(super) fn len(&self) -> usize {
        let counts = self.dims.iter().zip(self.chunk);
        counts.fold(1, |n, (d, c)| n.saturating_mul(d.div_ceil(*c)))
    }

    /// All chunks that are stored, each at another place of the array.
    pub(super) fn chunks(&self, index: &Index, limits: &Limits) -> Result<Vec<Chunk>> {
        let file = self.file;
        match *index {
            Index::Tree(root) => self.old_tree(root),
            Index::Single {
                address,
                size,
                left_out,
            } => Ok(vec![Chunk {
                origin: vec![0; self.dims.len()],
                address,
                size,
                left_out,
            }]),
            Index::Implicit(UNDEFINED) => Ok(Vec::new()),
            Index::Implicit(start) => {
                let address = |i: u64| i.checked_mul(self.bytes)?.checked_add(start);
                self.cells(0, self.bytes, |i, origin| {
                    let address = address(i).ok_or_else(too_far)?;
                    Cursor::at(file, address)?.take_u64(self.bytes)?;
                    Ok(Some(Chunk {
                        origin,
                        address,
                        size: self.bytes,
                        left_out: 0,
                    }))
                })
            }
            Index::FixedArray(address) => {
                let array = FixedArray::new(file, address)?;
                self.cells(0, ENTRY, |i, origin| self.entry(array.entry(i)?, origin))
            }
            Index::ExtensibleArray(address) => {
                let array = ExtensibleArray::new(file, address)?;
                let endless = self.most.iter().position(|&n| n == UNDEFINED);
                let outermost = endless.unwrap_or(0);
                self.cells(outermost, ENTRY, |i, origin| {
                    self.entry(array.entry(i)?, origin)
                })
            }
            Index::NewTree(address) => self.new_tree(address, limits),
        }
    }

    /// What `find` makes of the number and the place of each chunk. Chunks are numbered row-major in all that the array can
    /// grow to, one dimension before all others. Each has `shortest` bytes or more in the file.
    fn cells(
        &self,
        outermost: usize,
        shortest: u64,
        mut find: impl FnMut(u64, Vec<usize>) -> Result<Option<Chunk>>,
    ) -> Result<Vec<Chunk>> {
        if self.len() as u64 > self.file.len() as u64 / shortest {
            return Err(damaged(
                "an array has more chunks than its file has room for",
            ));
        }
        let rank = self.dims.len();
        let mut order: Vec<usize> = (0..rank).collect();
        if let Some(before) = order.get_mut(..=outermost) {
            before.rotate_right(1);
        }
        let mut strides = vec![0u64; rank];
        let mut stride = Some(1u64);
        for &d in order.iter().rev() {
            strides[d] = stride.ok_or_else(too_far)?;
            let count = self.most[d].div_ceil(self.chunk[d] as u64);
            stride = strides[d].checked_mul(count);
        }
        let (mut at, mut out) = (vec![0usize; rank], Vec::new());
        for _ in 0..self.len() {
            let number = at.iter().zip(&strides).try_fold(0u64, |n, (&i, s)| {
                n.checked_add((i as u64).checked_mul(*s)?)
            });
            let origin = at.iter().zip(self.chunk).map(|(i, c)| i * c).collect();
            let chunk = find(number.ok_or_else(too_far)?, origin)?;
            out.push(chunk.ok_or_else(|| damaged("a chunk was never written"))?);
            for ((i, d), c) in at.iter_mut().zip(self.dims).zip(self.chunk).rev() {
                *i += 1;
                if *i < d.div_ceil(*c) {
                    break;
                }
                *i = 0;
            }
        }
        Ok(out)
    }

    /// The chunk of an entry of an array, if one is stored.
    fn entry(&self, entry: Option<&[u8]>, origin: Vec<usize>) -> Result<Option<Chunk>> {
        let Some(entry) = entry else { return Ok(None) };
        let chunk = self.stored(&mut Cursor::new(entry), entry.len(), origin)?;
        Ok((chunk.address != UNDEFINED).then_some(chunk))
    }

    /// An address and, if there are filters, a size and what was left out, in `length` bytes.
    fn stored(&self, c: &mut Cursor<'_>, length: usize, origin: Vec<usize>) -> Result<Chunk> {
        const AROUND: usize = size_of::<u64>() + size_of::<u32>();
        let address = c.u64()?;
        let (size, left_out) = if self.filtered {
            let width = length.checked_sub(AROUND).ok_or_else(wrong_size)?;
            (c.uint(width)?, c.u32()?)
        } else {
            (self.bytes, 0)
        };
        Ok(Chunk {
            origin,
            address,
            size,
            left_out,
        })
    }

    fn new_tree(&self, address: u64, limits: &Limits) -> Result<Vec<Chunk>> {
        if address == UNDEFINED {
            return Ok(Vec::new());
        }
        let tree = Tree::new(self.file, address)?;
        let expected = if self.filtered { 11 } else { 10 };
        if tree.kind != expected {
            return Err(damaged("a tree of chunks is not one"));
        }
        let (mut places, mut out) = (HashSet::new(), Vec::new());
        let mut budget = Budget::new(self.file.len(), limits);
        for record in tree.records(&mut budget)? {
            let places_size = self.dims.len() * size_of::<u64>();
            let length = record.len().checked_sub(places_size);
            let mut c = Cursor::new(record);
            let mut chunk = self.stored(&mut c, length.ok_or_else(wrong_size)?, Vec::new())?;
            for (&dim, &size) in self.dims.iter().zip(self.chunk) {
                let start = usize::try_from(c.u64()?)
                    .ok()
                    .and_then(|i| i.checked_mul(size));
                chunk.origin.push(inside(start, dim)?);
            }
            if !places.insert(chunk.origin.clone()) {
                return Err(twice());
            }
            out.push(chunk);
        }
        Ok(out)
    }

    fn old_tree(&self, root: u64) -> Result<Vec<Chunk>> {
        let (mut nodes, mut out) = (vec![root], Vec::new());
        let (mut seen, mut places) = (HashSet::new(), HashSet::new());
        // No more than the file has room for, if none is read twice.
        let mut left = self.file.len() / KEY;
        while let Some(address) = nodes.pop() {
            if !seen.insert(address) {
                return Err(damaged("a tree of chunks has a circle"));
            }
            let mut c = Cursor::at(self.file, address)?;
            c.expect(b"TREE")?;
            const CHUNKS: u8 = 1;
            if c.u8()? != CHUNKS {
                return Err(damaged("a tree of chunks is not one"));
            }
            let level = c.u8()?;
            let entries = c.u16()?;
            c.skip(16)?;
            left = left
                .checked_sub(entries.into())
                .ok_or_else(|| damaged("a tree of chunks has more entries than bytes"))?;
            for _ in 0..entries {
                let chunk = self.key(&mut c)?;
                if level > 0 {
                    nodes.push(chunk.address);
                } else if places.insert(chunk.origin.clone()) {
                    out.push(chunk);
                } else {
                    return Err(twice());
                }
            }
        }
        Ok(out)
    }

    fn key(&self, c: &mut Cursor<'_>) -> Result<Chunk> {
        let (size, left_out) = (c.u32()?.into(), c.u32()?);
        let mut origin = Vec::with_capacity(self.dims.len());
        for (&dim, &chunk) in self.dims.iter().zip(self.chunk) {
            let start = usize::try_from(c.u64()?).ok();
            origin.push(inside(start.filter(|start| start % chunk == 0), dim)?);
        }
        c.skip(8)?;
        Ok(Chunk {
            origin,
            address: c.u64()?,
            size,
            left_out,
        })
    }
}

fn inside(start: Option<usize>, dim: usize) -> Result<usize> {
    let start = start.filter(|&start| start < dim);
    start.ok_or_else(|| damaged("a chunk lies outside its array"))
}

fn twice() -> crate::Error {
    damaged("two chunks are at the same place")
}

fn too_far() -> crate::Error {
    damaged("a chunk is further away than a file can be long")
}

fn wrong_size() -> crate::Error {
    damaged("the entries of an index of chunks have no possible size")
}

/// No entry of a tree of chunks is shorter than this, in bytes.
const KEY: usize = 32;

/// Nor an entry of another index.
const ENTRY: u64 = 8;

/// The checksum behind each block of an index.
const CHECKSUM: u64 = 4;

/// Signature, version, client and the address of the head, before the content of each block.
const PREFIX: u64 = 14;

/// `length` bytes, behind others of which there are as many as `before` has together.
fn behind<'a>(
    file: &'a [u8],
    address: u64,
    before: &[Option<u64>],
    length: u64,
) -> Result<&'a [u8]> {
    let offset = before
        .iter()
        .try_fold(address, |sum, &n| sum.checked_add(n?))
        .ok_or_else(too_far)?;
    Cursor::at(file, offset)?.take_u64(length)
}

/// Whether bit `i` is set, the highest bit of each byte first.
fn bit(file: &[u8], address: u64, before: u64, i: u64) -> Result<bool> {
    let byte = behind(file, address, &[Some(before), Some(i / 8)], 1)?;
    Ok(byte.first().is_some_and(|b| b >> (7 - i % 8) & 1 != 0))
}

/// The block at an address, if there is one and it has its signature.
fn block(file: &[u8], address: u64, signature: &[u8]) -> Result<Option<u64>> {
    if address == UNDEFINED {
        return Ok(None);
    }
    Cursor::at(file, address)?.expect(signature)?;
    Ok(Some(address))
}

/// A power of two of which the file says the logarithm.
fn power(bits: u8) -> Result<u64> {
    1u64.checked_shl(bits.into()).ok_or_else(wrong_size)
}

/// Entries in one block, or in pages behind it.
struct FixedArray<'a> {
    file: &'a [u8],
    entry: u64,
    /// Entries of a page.
    page: u64,
    entries: u64,
    data: u64,
}

impl<'a> FixedArray<'a> {
    fn new(file: &'a [u8], address: u64) -> Result<Self> {
        let mut c = Cursor::at(file, address)?;
        c.expect(b"FAHD\0")?;
        c.skip(1)?;
        Ok(FixedArray {
            file,
            entry: c.u8()?.into(),
            page: power(c.u8()?)?,
            entries: c.u64()?,
            data: c.u64()?,
        })
    }

    fn entry(&self, i: u64) -> Result<Option<&'a [u8]>> {
        if i >= self.entries {
            return Err(damaged(
                "an index has fewer entries than its array has chunks",
            ));
        }
        let Some(data) = block(self.file, self.data, b"FADB\0")? else {
            return Ok(None);
        };
        let pages = self.entries.div_ceil(self.page);
        let mut before = [Some(PREFIX), Some(0), Some(0)];
        if pages > 1 {
            let number = i / self.page;
            if !bit(self.file, data, PREFIX, number)? {
                return Ok(None);
            }
            before[1] = Some(pages.div_ceil(8) + CHECKSUM);
            before[2] = paged(self.page, self.entry, number);
        }
        let [a, b, c] = before;
        let inside = (i % self.page).checked_mul(self.entry);
        behind(self.file, data, &[a, b, c, inside], self.entry).map(Some)
    }
}

/// Bytes of a number of pages.
fn paged(page: u64, entry: u64, number: u64) -> Option<u64> {
    page.checked_mul(entry)?
        .checked_add(CHECKSUM)?
        .checked_mul(number)
}

/// Entries in an index block, then in data blocks that the index block lists, then in data blocks that super blocks list.
struct ExtensibleArray<'a> {
    file: &'a [u8],
    entry: u64,
    /// Entries of the index block, of the smallest data blocks, and of a page.
    first: u64,
    smallest: u64,
    page: u64,
    /// Bytes of a block's offset.
    offset: u64,
    /// Super blocks whose data blocks stand in the index block itself.
    direct: u32,
    index: u64,
}

impl<'a> ExtensibleArray<'a> {
    fn new(file: &'a [u8], address: u64) -> Result<Self> {
        let mut c = Cursor::at(file, address)?;
        c.expect(b"EAHD\0")?;
        c.skip(1)?;
        let (entry, bits) = (c.u8()?.into(), c.u8()?);
        let (first, smallest, pointers) = (c.u8()?.into(), c.u8()?.into(), c.u8()?);
        let page = power(c.u8()?)?;
        // Numbers and sizes of all that is there.
        c.skip(6 * size_of::<u64>())?;
        if smallest == 0 || !pointers.is_power_of_two() {
            return Err(wrong_size());
        }
        Ok(ExtensibleArray {
            file,
            entry,
            first,
            smallest,
            page,
            offset: u64::from(bits).div_ceil(8),
            direct: 2 * pointers.ilog2(),
            index: c.u64()?,
        })
    }

    fn entry(&self, i: u64) -> Result<Option<&'a [u8]>> {
        let file = self.file;
        let Some(index) = block(file, self.index, b"EAIB\0")? else {
            return Ok(None);
        };
        let at = |i: u64| i.checked_mul(self.entry);
        let Some(i) = i.checked_sub(self.first) else {
            return behind(file, index, &[Some(PREFIX), at(i)], self.entry).map(Some);
        };
        // Super block `s` stands for 2^s times as many entries as the smallest data block has.
        let s = (i / self.smallest)
            .checked_add(1)
            .ok_or_else(too_far)?
            .ilog2();
        let blocks = 1u64 << (s / 2);
        let entries = self
            .smallest
            .checked_mul(1 << s.div_ceil(2))
            .ok_or_else(too_far)?;
        let inside = i - self.smallest * ((1 << s) - 1);
        let (b, e) = (inside / entries, inside % entries);
        let pointer = |address: u64, before: &[Option<u64>]| {
            Cursor::new(behind(file, address, before, size_of::<u64>() as u64)?).u64()
        };
        let addresses = |n: u64| n.checked_mul(size_of::<u64>() as u64);
        let listed = [Some(PREFIX), at(self.first)];
        if s < self.direct {
            let before: u64 = (0..s).map(|s| 1 << (s / 2)).sum();
            let address = pointer(index, &[listed[0], listed[1], addresses(before + b)])?;
            let Some(data) = block(file, address, b"EADB\0")? else {
                return Ok(None);
            };
            return behind(file, data, &[Some(PREFIX + self.offset), at(e)], self.entry).map(Some);
        }
        let direct: u64 = (0..self.direct).map(|s| 1 << (s / 2)).sum();
        let beyond = addresses(direct + u64::from(s - self.direct));
        let address = pointer(index, &[listed[0], listed[1], beyond])?;
        let Some(listing) = block(file, address, b"EASB\0")? else {
            return Ok(None);
        };
        let pages = if entries > self.page {
            entries / self.page
        } else {
            0
        };
        let head = PREFIX + self.offset;
        let bits = pages.div_ceil(8).checked_mul(blocks);
        let address = pointer(listing, &[Some(head), bits, addresses(b)])?;
        let Some(data) = block(file, address, b"EADB\0")? else {
            return Ok(None);
        };
        if pages == 0 {
            return behind(file, data, &[Some(head), at(e)], self.entry).map(Some);
        }
        let number = e / self.page;
        if !bit(file, listing, head, b * pages + number)? {
            return Ok(None);
        }
        let before = paged(self.page, self.entry, number);
        let before = [Some(head + CHECKSUM), before, at(e % self.page)];
        behind(file, data, &before, self.entry).map(Some)
    }
}
