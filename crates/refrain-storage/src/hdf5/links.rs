//! The members of a group.

use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::{damaged, unsupported};
use super::attribute::text;
use super::dense;
use super::header::{Message, kind};
use crate::Error;
use crate::Result;

/// Names and addresses of all members of a group.
pub(super) fn all(
    file: &[u8],
    messages: &[Message<'_>],
    path: &str,
    budget: &mut Budget<'_>,
) -> Result<Vec<(String, u64)>> {
    let mut out = Vec::new();
    for message in messages {
        let mut c = Cursor::new(message.data);
        match message.kind {
            kind::SYMBOL_TABLE => {
                let (tree, heap) = (c.u64()?, c.u64()?);
                let names = local_heap(file, heap)?;
                let mut table = Table {
                    file,
                    names,
                    path,
                    budget,
                    out: &mut out,
                };
                table.walk(tree)?;
            }
            kind::LINK_INFO => {
                c.skip(1)?;
                let indexed = c.u8()? & 1 != 0;
                c.skip(if indexed { 8 } else { 0 })?;
                for message in dense::messages(file, c.u64()?, c.u64()?, budget)? {
                    out.push(link(Cursor::new(message), path, budget)?);
                }
            }
            kind::LINK => out.push(link(c, path, budget)?),
            _ => {}
        }
    }
    Ok(out)
}

fn no_link(path: &str, name: &str) -> Error {
    unsupported(format!(
        "`{name}` in the group `{path}` is a soft or external link, and links are not followed"
    ))
}

fn name(bytes: &[u8], budget: &mut Budget<'_>) -> Result<String> {
    let name = text(bytes, budget)?;
    if name.is_empty() || name.contains('/') {
        return Err(damaged(format_args!(
            "`{name}` is no name of a group's member"
        )));
    }
    Ok(name)
}

/// A link message.
fn link(mut c: Cursor<'_>, path: &str, budget: &mut Budget<'_>) -> Result<(String, u64)> {
    const HARD: u8 = 0;
    c.skip(1)?;
    let flags = c.u8()?;
    let sort = if flags & 8 != 0 { c.u8()? } else { HARD };
    // Creation order and character set.
    c.skip(if flags & 4 != 0 { 8 } else { 0 })?;
    c.skip(if flags & 16 != 0 { 1 } else { 0 })?;
    let length = c.sized(flags)?;
    let name = name(c.take_u64(length)?, budget)?;
    if sort != HARD {
        return Err(no_link(path, &name));
    }
    Ok((name, c.u64()?))
}

/// The names of a symbol table.
fn local_heap(file: &[u8], address: u64) -> Result<&[u8]> {
    let mut c = Cursor::at(file, address)?;
    c.expect(b"HEAP")?;
    c.skip(4)?;
    let size = c.u64()?;
    c.skip(8)?;
    Cursor::at(file, c.u64()?)?.take_u64(size)
}

struct Table<'t, 'a, 'b> {
    file: &'a [u8],
    names: &'a [u8],
    path: &'t str,
    budget: &'t mut Budget<'b>,
    out: &'t mut Vec<(String, u64)>,
}

impl Table<'_, '_, '_> {
    /// All nodes of the tree below an address. Each costs a step, so that a tree with circles ends as well.
    fn walk(&mut self, root: u64) -> Result<()> {
        let mut nodes = vec![root];
        while let Some(address) = nodes.pop() {
            self.budget.step()?;
            let mut c = Cursor::at(self.file, address)?;
            if c.rest().starts_with(b"SNOD") {
                self.symbols(c)?;
                continue;
            }
            c.expect(b"TREE")?;
            const GROUPS: u8 = 0;
            if c.u8()? != GROUPS {
                return Err(damaged("a group's tree is not one"));
            }
            c.skip(1)?;
            let entries = c.u16()?;
            c.skip(16)?;
            for _ in 0..entries {
                self.budget.step()?;
                c.skip(8)?;
                nodes.push(c.u64()?);
            }
        }
        Ok(())
    }

    fn symbols(&mut self, mut c: Cursor<'_>) -> Result<()> {
        c.expect(b"SNOD")?;
        c.skip(2)?;
        for _ in 0..c.u16()? {
            self.budget.step()?;
            let (offset, address, cache) = (c.u64()?, c.u64()?, c.u32()?);
            c.skip(20)?;
            let rest = Cursor::at(self.names, offset)?.rest();
            let length = rest.iter().position(|&b| b == 0);
            let length = length.ok_or_else(|| damaged("a name does not end"))?;
            let name = name(Cursor::new(rest).take(length)?, self.budget)?;
            const SOFT: u32 = 2;
            if cache == SOFT {
                return Err(no_link(self.path, &name));
            }
            self.out.push((name, address));
        }
        Ok(())
    }
}
