//! B-trees of version 2.

use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::damaged;
use super::UNDEFINED;
use crate::Result;

/// Bytes that hold any number up to this one.
pub(super) fn bytes_for(most: u64) -> usize {
    most.checked_ilog2().unwrap_or(0) as usize / 8 + 1
}

/// A B-tree of version 2.
pub(super) struct Tree<'a> {
    file: &'a [u8],
    /// What the records are.
    pub kind: u8,
    node_size: usize,
    record_size: usize,
    depth: u16,
    root: Node,
}

/// A node that is to be read: where it is, and how many records it has.
#[derive(Clone, Copy)]
struct Node {
    address: u64,
    records: u64,
    depth: u16,
}

impl<'a> Tree<'a> {
    /// Signature, version and type before, and a checksum behind the records of a node.
    const AROUND: usize = 10;

    pub(super) fn new(file: &'a [u8], address: u64) -> Result<Self> {
        let mut c = Cursor::at(file, address)?;
        c.expect(b"BTHD\0")?;
        let kind = c.u8()?;
        let (node_size, record_size, depth) = (c.u32()? as usize, c.u16()?.into(), c.u16()?);
        c.skip(2)?;
        let root = Node {
            address: c.u64()?,
            records: c.u16()?.into(),
            depth,
        };
        if record_size == 0 || node_size <= Self::AROUND {
            return Err(damaged("a tree has no room for its records"));
        }
        Ok(Tree {
            file,
            kind,
            node_size,
            record_size,
            depth,
            root,
        })
    }

    /// All records, in no order.
    pub(super) fn records(&self, budget: &mut Budget<'_>) -> Result<Vec<&'a [u8]>> {
        let sizes = self.pointer_sizes();
        let mut found = Vec::new();
        let mut nodes = vec![self.root];
        nodes.retain(|root| root.address != UNDEFINED);
        while let Some(node) = nodes.pop() {
            let mut c = Cursor::at(self.file, node.address)?;
            let inner = node.depth > 0;
            c.expect(if inner { b"BTIN\0" } else { b"BTLF\0" })?;
            c.skip(1)?;
            for _ in 0..node.records {
                budget.step()?;
                found.push(c.take(self.record_size)?);
            }
            for _ in 0..if inner { node.records + 1 } else { 0 } {
                budget.step()?;
                let (count, all) = sizes
                    .get(usize::from(node.depth))
                    .copied()
                    .unwrap_or_default();
                let (address, records) = (c.u64()?, c.uint(count)?);
                c.skip(all)?;
                let depth = node.depth - 1;
                nodes.push(Node {
                    address,
                    records,
                    depth,
                });
            }
        }
        Ok(found)
    }

    /// For each depth of a node the bytes in which it counts the records of a child, and of all below the child.
    fn pointer_sizes(&self) -> Vec<(usize, usize)> {
        let room = self.node_size - Self::AROUND;
        let leaf = (room / self.record_size) as u64;
        let count = bytes_for(leaf);
        let (mut most, mut all) = (leaf, 0);
        let mut sizes = vec![(0, 0)];
        // More levels than a 64-bit number of records has bits are never there.
        for _ in 0..self.depth.min(64) {
            sizes.push((count, all));
            let pointer = size_of::<u64>() + count + all;
            let records = room.saturating_sub(pointer) / (self.record_size + pointer);
            let records = records as u64;
            most = (records + 1).saturating_mul(most).saturating_add(records);
            all = bytes_for(most);
        }
        sizes
    }
}
