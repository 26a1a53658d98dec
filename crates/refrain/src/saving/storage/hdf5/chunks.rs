//! Where an array's elements are, and chunks put together.

use std::collections::HashSet;
use std::io::Read;

use super::super::array_file::Place;
use super::super::cursor::Cursor;
use super::super::{Limits, damaged, unsupported};
use super::UNDEFINED;
use super::header::Message;
use crate::error::Result;

/// An array in chunks of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    /// A chunk's dimensions.
    dims: Vec<usize>,
    index: Index,
    filters: Vec<Filter>,
}

#[derive(Clone, Debug)]
enum Index {
    /// A B-tree of version 1.
    Tree(u64),
    /// The one chunk there is: address and stored size.
    Single(u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Filter {
    Deflate,
    /// With the size of an element in bytes.
    Shuffle(usize),
    /// A checksum behind the data.
    Fletcher,
}

/// Reads the layout message of an array of `bytes` bytes.
pub(super) fn place(
    file: &[u8],
    layout: &[u8],
    filters: Option<&Message<'_>>,
    dims: &[usize],
    element: usize,
    bytes: usize,
) -> Result<Place> {
    let mut c = Cursor::new(layout);
    let (version, class) = (c.u8()?, c.u8()?);
    if !(3..=4).contains(&version) {
        return Err(unsupported(format!(
            "HDF5 layouts of version {version} are not read"
        )));
    }
    // Nothing is stored of an array without elements.
    if bytes == 0 {
        return Ok(Place::Here(0..0));
    }
    match class {
        0 => {
            let size = c.u16()?.into();
            let data = c.take(size)?;
            let start = data.as_ptr() as usize - file.as_ptr() as usize;
            here(file, start as u64, size as u64, bytes)
        }
        1 => here(file, c.u64()?, c.u64()?, bytes),
        2 => {
            let filters = filters.map_or(Ok(Vec::new()), |m| pipeline(m.data, element))?;
            let chunked = chunked(c, version, filters, dims, element)?;
            Ok(Place::Chunks(Box::new(chunked)))
        }
        _ => Err(unsupported(
            "virtual HDF5 arrays, which are parts of other files, are not read",
        )),
    }
}

fn here(file: &[u8], address: u64, size: u64, bytes: usize) -> Result<Place> {
    if address == UNDEFINED {
        return Err(damaged("an array was never written"));
    }
    if size != bytes as u64 {
        return Err(damaged(format_args!(
            "an array of {bytes} bytes is stored in {size}"
        )));
    }
    Cursor::at(file, address)?.take(bytes)?;
    let start = address as usize;
    Ok(Place::Here(start..start + bytes))
}

fn chunked(
    mut c: Cursor<'_>,
    version: u8,
    filters: Vec<Filter>,
    dims: &[usize],
    element: usize,
) -> Result<Chunked> {
    let flags = if version == 4 { c.u8()? } else { 0 };
    let rank = c.u8()?;
    if usize::from(rank) != dims.len() + 1 {
        return Err(damaged("chunks have another rank than their array"));
    }
    let tree = if version == 3 { Some(c.u64()?) } else { None };
    let width = if version == 4 { c.u8()? } else { 4 };
    let mut sizes = Vec::new();
    for _ in 0..rank {
        let mut bytes = [0; 8];
        let stored = c.take(width.into())?;
        let place = bytes.get_mut(..stored.len());
        place
            .ok_or_else(|| damaged("a chunk is too large"))?
            .copy_from_slice(stored);
        let size = usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        if size == 0 {
            return Err(damaged("chunks are empty"));
        }
        sizes.push(size);
    }
    if sizes.pop() != Some(element) {
        return Err(damaged("chunks have other elements than their array"));
    }
    let size = sizes.iter().try_fold(element, |n, &d| n.checked_mul(d));
    let size = size.ok_or_else(|| damaged("a chunk is too large"))?;
    let index = match tree {
        Some(address) => Index::Tree(address),
        None => single(c, flags, size as u64)?,
    };
    Ok(Chunked {
        dims: sizes,
        index,
        filters,
    })
}

/// The index of one chunk; others of the newest form are not read.
fn single(mut c: Cursor<'_>, flags: u8, bytes: u64) -> Result<Index> {
    const SINGLE: u8 = 1;
    const FILTERED: u8 = 2;
    if c.u8()? != SINGLE {
        return Err(
            unsupported("arrays of many chunks in HDF5's newest form are not read")
                .hint("Write the file with h5py's default `libver`, as Keras does"),
        );
    }
    let mut size = bytes;
    if flags & FILTERED != 0 {
        size = c.u64()?;
        if c.u32()? != 0 {
            return Err(unsupported("chunks that leave out filters are not read"));
        }
    }
    Ok(Index::Single(c.u64()?, size))
}

/// Reads the filters, in the order in which they were applied.
fn pipeline(data: &[u8], element: usize) -> Result<Vec<Filter>> {
    let mut c = Cursor::new(data);
    let (version, n) = (c.u8()?, c.u8()?);
    c.skip(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..n {
        let id = c.u16()?;
        // In the newer form only filters of others have names.
        let named = version == 1 || id >= 256;
        let name = if named { usize::from(c.u16()?) } else { 0 };
        c.skip(2)?;
        let values = usize::from(c.u16()?);
        c.skip(if version == 1 {
            name.next_multiple_of(8)
        } else {
            name
        })?;
        let padding = if version == 1 { values % 2 } else { 0 };
        c.skip((values + padding) * 4)?;
        filters.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle(element),
            3 => Filter::Fletcher,
            _ => {
                return Err(unsupported(format!("the HDF5 filter {id} is not read"))
                    .hint("Compress with gzip, or not at all"));
            }
        });
    }
    Ok(filters)
}

/// One stored chunk.
struct Chunk {
    origin: Vec<usize>,
    address: u64,
    size: u64,
    /// Bit `i` is set if filter `i` was left out.
    left_out: u32,
}

impl Chunked {
    /// The bytes of the array, row-major. All chunks are found before anything is allocated for them.
    pub(crate) fn read(
        &self,
        file: &[u8],
        dims: &[usize],
        element: usize,
        limits: &Limits,
    ) -> Result<Vec<u8>> {
        let grid = dims.iter().zip(&self.dims).map(|(d, c)| d.div_ceil(*c));
        let expected = grid.fold(1usize, usize::saturating_mul);
        let chunks = self.chunks(file, dims)?;
        if chunks.len() != expected {
            return Err(damaged(format_args!(
                "{} of {expected} chunks are there",
                chunks.len()
            )));
        }
        let length = self.dims.iter().fold(element, |n, &d| n.saturating_mul(d));
        if length as u64 > limits.inflated(file.len() as u64) {
            return Err(damaged("a chunk is larger than the file can hold"));
        }
        let mut out = vec![0; dims.iter().product::<usize>() * element];
        for chunk in &chunks {
            let stored = Cursor::at(file, chunk.address)?.take_u64(chunk.size)?;
            let bytes = self.unfilter(stored, chunk.left_out, length)?;
            self.put(&bytes, &chunk.origin, dims, element, &mut out)?;
        }
        Ok(out)
    }

    /// All chunks, each at another place of the array.
    fn chunks(&self, file: &[u8], dims: &[usize]) -> Result<Vec<Chunk>> {
        let root = match self.index {
            Index::Tree(root) => root,
            Index::Single(address, size) => {
                let origin = vec![0; dims.len()];
                return Ok(vec![Chunk {
                    origin,
                    address,
                    size,
                    left_out: 0,
                }]);
            }
        };
        let (mut nodes, mut out) = (vec![root], Vec::new());
        let (mut seen, mut places) = (HashSet::new(), HashSet::new());
        // No more than the file has room for, if none is read twice.
        let mut left = file.len() / KEY;
        while let Some(address) = nodes.pop() {
            if !seen.insert(address) {
                return Err(damaged("a tree of chunks has a circle"));
            }
            let mut c = Cursor::at(file, address)?;
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
                let chunk = self.key(&mut c, dims)?;
                if level > 0 {
                    nodes.push(chunk.address);
                } else if places.insert(chunk.origin.clone()) {
                    out.push(chunk);
                } else {
                    return Err(damaged("two chunks are at the same place"));
                }
            }
        }
        Ok(out)
    }

    fn key(&self, c: &mut Cursor<'_>, dims: &[usize]) -> Result<Chunk> {
        let (size, left_out) = (c.u32()?.into(), c.u32()?);
        let mut origin = Vec::with_capacity(dims.len());
        for (&dim, &chunk) in dims.iter().zip(&self.dims) {
            let start = usize::try_from(c.u64()?).unwrap_or(usize::MAX);
            if start >= dim || start % chunk != 0 {
                return Err(damaged("a chunk lies outside its array"));
            }
            origin.push(start);
        }
        c.skip(8)?;
        Ok(Chunk {
            origin,
            address: c.u64()?,
            size,
            left_out,
        })
    }

    /// Undoes the filters, the last one first. Never makes more than `length` bytes.
    fn unfilter(&self, stored: &[u8], left_out: u32, length: usize) -> Result<Vec<u8>> {
        let mut bytes = std::borrow::Cow::Borrowed(stored);
        for (i, filter) in self.filters.iter().enumerate().rev() {
            if left_out.checked_shr(i as u32).unwrap_or(0) & 1 != 0 {
                continue;
            }
            match filter {
                Filter::Deflate => {
                    // One byte more than there may be shows that there are more.
                    let mut out = Vec::new();
                    flate2::read::ZlibDecoder::new(&*bytes)
                        .take(length as u64 + FLETCHER as u64 + 1)
                        .read_to_end(&mut out)
                        .map_err(|e| damaged(format_args!("a chunk does not decompress: {e}")))?;
                    bytes = out.into();
                }
                Filter::Shuffle(element) => bytes = unshuffle(&bytes, *element).into(),
                Filter::Fletcher => {
                    let kept = bytes.len().saturating_sub(FLETCHER);
                    bytes = bytes.get(..kept).unwrap_or_default().to_vec().into();
                }
            }
        }
        if bytes.len() != length {
            return Err(damaged(format_args!(
                "a chunk of {length} bytes has {}",
                bytes.len()
            )));
        }
        Ok(bytes.into_owned())
    }

    /// Copies the part of a chunk that lies inside the array, a row at a time.
    fn put(
        &self,
        chunk: &[u8],
        origin: &[usize],
        dims: &[usize],
        element: usize,
        out: &mut [u8],
    ) -> Result<()> {
        let extents = origin.iter().zip(dims).zip(&self.dims);
        let extents: Vec<usize> = extents.map(|((o, d), c)| (d - o).min(*c)).collect();
        let Some((&run, outer)) = extents.split_last() else {
            return Err(damaged("an array without dimensions is in chunks"));
        };
        let rows = outer.iter().product();
        let mut at = vec![0; outer.len()];
        for _ in 0..rows {
            let (mut from, mut to) = (0, 0);
            let sizes = dims.iter().zip(&self.dims).zip(origin);
            let steps = at.iter().copied().chain([0]);
            for (((&dim, &chunk), &start), i) in sizes.zip(steps) {
                from = from * chunk + i;
                to = to * dim + start + i;
            }
            let source = chunk.get(from * element..(from + run) * element);
            let target = out.get_mut(to * element..(to + run) * element);
            let (Some(source), Some(target)) = (source, target) else {
                return Err(damaged("a chunk lies outside its array"));
            };
            target.copy_from_slice(source);
            for (i, n) in at.iter_mut().zip(outer).rev() {
                *i += 1;
                if *i < *n {
                    break;
                }
                *i = 0;
            }
        }
        Ok(())
    }
}

/// No entry of a tree of chunks is shorter than this, in bytes.
const KEY: usize = 32;

/// Bytes of a Fletcher checksum.
const FLETCHER: usize = 4;

/// First all first bytes of the elements, then all second ones, …; what does not make an element is left as it is.
fn unshuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    let n = bytes.len() / element.max(1);
    let mut out = bytes.to_vec();
    for (b, plane) in bytes.chunks_exact(n.max(1)).take(element).enumerate() {
        for (target, &byte) in out.iter_mut().skip(b).step_by(element).zip(plane) {
            *target = byte;
        }
    }
    out
}
