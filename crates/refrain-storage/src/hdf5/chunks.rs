//! Where an array's elements are, and chunks put together.

use std::io::Read;

use super::super::array_file::Place;
use super::super::cursor::Cursor;
use super::super::{Limits, damaged, unsupported};
use super::UNDEFINED;
use super::header::Message;
use super::index::{Grid, Index};
use crate::Result;

/// An array in chunks of one shape.
#[derive(Clone, Debug)]
pub struct Chunked {
    /// A chunk's dimensions.
    dims: Vec<usize>,
    /// The dimensions that the array can grow to.
    most: Vec<u64>,
    index: Index,
    filters: Vec<Filter>,
    /// Whether chunks that reach over the array's end are stored without filters.
    whole_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Filter {
    Deflate,
    /// With the size of an element in bytes.
    Shuffle(usize),
    /// A checksum behind the data.
    Fletcher,
}

/// How large an array is, and can be.
pub(super) struct Shape<'a> {
    pub dims: &'a [usize],
    pub most: &'a [u64],
    /// Bytes of an element, and of all.
    pub element: usize,
    pub bytes: usize,
}

/// Reads the layout message of an array.
pub(super) fn place(
    file: &[u8],
    layout: &[u8],
    filters: Option<&Message<'_>>,
    shape: &Shape<'_>,
) -> Result<Place> {
    let bytes = shape.bytes;
    let mut c = Cursor::new(layout);
    let (version, class) = (c.u8()?, c.u8()?);
    // Version 5 differs from 4 in how many bytes an index has for a chunk's size, which the index says itself.
    if !(3..=5).contains(&version) {
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
            let filters = filters.map_or(Ok(Vec::new()), |m| pipeline(m.data, shape.element))?;
            let chunked = chunked(c, version, filters, shape)?;
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
    shape: &Shape<'_>,
) -> Result<Chunked> {
    const WHOLE_ONLY: u8 = 1;
    let old = version == 3;
    let flags = if old { 0 } else { c.u8()? };
    let rank = usize::from(c.u8()?);
    if rank < 2 || rank != shape.dims.len() + 1 {
        return Err(damaged("chunks have another rank than their array"));
    }
    let tree = if old { Some(c.u64()?) } else { None };
    let width = if old { 4 } else { c.u8()?.into() };
    let mut sizes = Vec::new();
    for _ in 0..rank {
        let size = usize::try_from(c.uint(width)?).unwrap_or(usize::MAX);
        if size == 0 {
            return Err(damaged("chunks are empty"));
        }
        sizes.push(size);
    }
    if sizes.pop() != Some(shape.element) {
        return Err(damaged("chunks have other elements than their array"));
    }
    let size = sizes
        .iter()
        .try_fold(shape.element, |n, &d| n.checked_mul(d));
    let size = size.ok_or_else(|| damaged("a chunk is too large"))?;
    let index = match tree {
        Some(address) => Index::Tree(address),
        None => Index::read(c, flags, size as u64)?,
    };
    Ok(Chunked {
        dims: sizes,
        most: shape.most.to_vec(),
        index,
        filters,
        whole_only: flags & WHOLE_ONLY != 0,
    })
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

impl Chunked {
    /// The bytes of the array, row-major. All chunks are found before anything is allocated for them.
    pub fn read(
        &self,
        file: &[u8],
        dims: &[usize],
        element: usize,
        limits: &Limits,
    ) -> Result<Vec<u8>> {
        let length = self.dims.iter().fold(element, |n, &d| n.saturating_mul(d));
        if length as u64 > limits.inflated(file.len() as u64) {
            return Err(damaged("a chunk is larger than the file can hold"));
        }
        let grid = Grid {
            file,
            dims,
            most: &self.most,
            chunk: &self.dims,
            bytes: length as u64,
            filtered: !self.filters.is_empty(),
        };
        let chunks = grid.chunks(&self.index, limits)?;
        if chunks.len() != grid.len() {
            return Err(damaged(format_args!(
                "{} of {} chunks are there",
                chunks.len(),
                grid.len()
            )));
        }
        let mut out = vec![0; dims.iter().product::<usize>() * element];
        for chunk in &chunks {
            let stored = Cursor::at(file, chunk.address)?.take_u64(chunk.size)?;
            let mut ends = chunk.origin.iter().zip(&self.dims).zip(dims);
            let unfiltered = self.whole_only && ends.any(|((o, c), d)| o + c > *d);
            let left_out = if unfiltered { u32::MAX } else { chunk.left_out };
            let bytes = self.unfilter(stored, left_out, length)?;
            self.put(&bytes, &chunk.origin, dims, element, &mut out)?;
        }
        Ok(out)
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
