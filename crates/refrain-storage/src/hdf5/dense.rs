//! Links and attributes of groups that have many: a B-tree of version 2 whose records point into a fractal heap.

use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::{damaged, unsupported};
use super::UNDEFINED;
use super::btree::{Tree, bytes_for};
use crate::Result;

/// Bytes of a record before the object's place in the heap, by the types of trees that Keras's files have.
const NAMED_LINKS: (u8, usize) = (5, 4);
const NAMED_ATTRIBUTES: (u8, usize) = (8, 0);

/// The messages that a tree lists, in the order of its records.
pub(super) fn messages<'a>(
    file: &'a [u8],
    heap: u64,
    tree: u64,
    budget: &mut Budget<'_>,
) -> Result<Vec<&'a [u8]>> {
    if heap == UNDEFINED {
        return Ok(Vec::new());
    }
    let heap = Heap::new(file, heap)?;
    let tree = Tree::new(file, tree)?;
    let kinds = [NAMED_LINKS, NAMED_ATTRIBUTES];
    let known = kinds.iter().find(|(kind, _)| *kind == tree.kind);
    let (_, before) = known.ok_or_else(|| {
        unsupported(format!(
            "HDF5 trees of type {} are not read here",
            tree.kind
        ))
    })?;
    let mut found = Vec::new();
    for record in tree.records(budget)? {
        let mut record = Cursor::new(record);
        record.skip(*before)?;
        found.push(heap.object(record.take(heap.id_size)?, budget)?);
    }
    Ok(found)
}

/// A fractal heap: blocks in rows, each row from the second on of blocks twice as large as those of the row before.
struct Heap<'a> {
    file: &'a [u8],
    id_size: usize,
    /// Bytes of an object's offset and length.
    offset_size: usize,
    length_size: usize,
    /// Blocks in a row.
    width: u64,
    /// Bytes of the smallest blocks, and of the largest ones that hold objects.
    smallest: u64,
    largest: u64,
    root: u64,
    /// Rows of the root, which is a block of objects if there are none.
    rows: u16,
}

impl<'a> Heap<'a> {
    fn new(file: &'a [u8], address: u64) -> Result<Self> {
        let mut c = Cursor::at(file, address)?;
        c.expect(b"FRHP\0")?;
        let (id_size, filters) = (c.u16()?.into(), c.u16()?);
        if filters != 0 {
            return Err(unsupported("compressed HDF5 heaps are not read"));
        }
        c.skip(1)?;
        let most = c.u32()?;
        // Huge and tiny objects, free space, and counts.
        c.skip(12 * size_of::<u64>())?;
        let (width, smallest, largest) = (c.u16()?.into(), c.u64()?, c.u64()?);
        let bits = c.u16()?;
        c.skip(2)?;
        let (root, rows) = (c.u64()?, c.u16()?);
        let sound = smallest.is_power_of_two() && largest.is_power_of_two();
        if !sound || width == 0 || smallest > largest || bits > 64 {
            return Err(damaged("a heap's blocks have no possible size"));
        }
        let log = largest.ilog2() as usize;
        Ok(Heap {
            file,
            id_size,
            offset_size: usize::from(bits).div_ceil(8),
            length_size: log.div_ceil(8).min(bytes_for(most.into())),
            width,
            smallest,
            largest,
            root,
            rows,
        })
    }

    /// The bytes of an object.
    fn object(&self, id: &[u8], budget: &mut Budget<'_>) -> Result<&'a [u8]> {
        const KIND: u8 = 0xf0;
        let mut c = Cursor::new(id);
        if c.u8()? & KIND != 0 {
            return Err(unsupported(
                "links and attributes outside of the blocks of an HDF5 heap are not read",
            ));
        }
        let (offset, length) = (c.uint(self.offset_size)?, c.uint(self.length_size)?);
        let (address, inside, size) = self.block(offset, budget)?;
        let block = Cursor::at(self.file, address)?.take_u64(size)?;
        Cursor::new(block).expect(b"FHDB\0")?;
        let mut block = Cursor::new(block);
        block.take_u64(inside)?;
        block.take_u64(length)
    }

    /// The address of the block of objects that has an offset, the offset inside it, and its size.
    fn block(&self, mut offset: u64, budget: &mut Budget<'_>) -> Result<(u64, u64, u64)> {
        let mut address = self.root;
        if self.rows == 0 {
            return Ok((address, offset, self.smallest));
        }
        loop {
            budget.step()?;
            let (index, inside, size) = self.entry(offset)?;
            let mut c = Cursor::at(self.file, address)?;
            c.expect(b"FHIB\0")?;
            c.skip(size_of::<u64>() + self.offset_size)?;
            let before = index.checked_mul(size_of::<u64>() as u64);
            c.take_u64(before.unwrap_or(u64::MAX))?;
            address = c.u64()?;
            if size <= self.largest {
                return Ok((address, inside, size));
            }
            offset = inside;
        }
    }

    /// Which entry of a block of blocks has an offset, the offset inside it, and its size.
    fn entry(&self, offset: u64) -> Result<(u64, u64, u64)> {
        let too_far = || damaged("an object is outside of its heap");
        let first = self.width.checked_mul(self.smallest).ok_or_else(too_far)?;
        let row = (offset / first).checked_ilog2().map_or(0, |log| log + 1);
        let (start, size) = match row {
            0 => (0, self.smallest),
            row => {
                let doubled = |n: u64| n.checked_mul(1 << (row - 1)).ok_or_else(too_far);
                (doubled(first)?, doubled(self.smallest)?)
            }
        };
        let beyond = offset - start;
        let index = u64::from(row)
            .checked_mul(self.width)
            .and_then(|i| i.checked_add(beyond / size))
            .ok_or_else(too_far)?;
        Ok((index, beyond % size, size))
    }
}
