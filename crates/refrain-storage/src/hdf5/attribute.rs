//! Attributes, and the heaps in which their texts are.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::super::Attribute;
use super::super::array_file::Budget;
use super::super::cursor::Cursor;
use super::super::{damaged, unsupported};
use super::datatype::{Class, Datatype, dataspace, datatype};
use super::dense;
use super::header::{Message, find, kind};
use crate::Result;

/// All attributes of an object.
pub(super) fn all(
    file: &[u8],
    messages: &[Message<'_>],
    heaps: &mut Heaps,
    budget: &mut Budget<'_>,
) -> Result<BTreeMap<String, Attribute>> {
    let mut stored: Vec<&[u8]> = Vec::new();
    for message in messages.iter().filter(|m| m.kind == kind::ATTRIBUTE) {
        if message.is_shared() {
            return Err(unsupported("shared HDF5 attributes are not read"));
        }
        stored.push(message.data);
    }
    if let Some(info) = find(messages, kind::ATTRIBUTE_INFO) {
        let mut c = Cursor::new(info.data);
        c.skip(1)?;
        let counted = c.u8()? & 1 != 0;
        c.skip(if counted { 2 } else { 0 })?;
        stored.extend(dense::messages(file, c.u64()?, c.u64()?, budget)?);
    }
    let mut out = BTreeMap::new();
    for data in stored {
        let (name, attribute) = attribute(file, data, heaps, budget)?;
        if out.insert(name, attribute).is_some() {
            return Err(damaged("two attributes have the same name"));
        }
    }
    Ok(out)
}

fn attribute(
    file: &[u8],
    message: &[u8],
    heaps: &mut Heaps,
    budget: &mut Budget<'_>,
) -> Result<(String, Attribute)> {
    let mut c = Cursor::new(message);
    let (version, flags) = (c.u8()?, c.u8()?);
    let sizes = [c.u16()?, c.u16()?, c.u16()?].map(usize::from);
    match version {
        1 | 2 => {}
        3 => c.skip(1)?,
        _ => {
            return Err(unsupported(format!(
                "HDF5 attributes of version {version} are not read"
            )));
        }
    }
    let mut part = |size: usize| {
        c.take(if version == 1 {
            size.next_multiple_of(8)
        } else {
            size
        })
    };
    let (name, stored, space) = (part(sizes[0])?, part(sizes[1])?, part(sizes[2])?);
    let name = text(until_zero(name), budget)?;
    if version > 1 && flags != 0 {
        return Ok((name, Attribute::Other("a named type".into())));
    }
    let stored = datatype(&mut Cursor::new(stored))?;
    let dims = dataspace(&mut Cursor::new(space))?.dims;
    let value = value(file, &stored, &dims, c.rest(), heaps, budget)?;
    Ok((name, value))
}

fn value(
    file: &[u8],
    stored: &Datatype,
    dims: &[u64],
    data: &[u8],
    heaps: &mut Heaps,
    budget: &mut Budget<'_>,
) -> Result<Attribute> {
    if dims.contains(&0) {
        return Ok(Attribute::Texts(Vec::new()));
    }
    let other = || {
        Ok(Attribute::Other(format!(
            "{} in the shape {dims:?}",
            stored.describe()
        )))
    };
    match (&stored.class, dims) {
        (Class::Number(number), []) => {
            let mut c = Cursor::new(data);
            let scalar = number.decode(c.take(number.size())?, &[])?;
            Ok(Attribute::Number(
                scalar.to_f64().first().copied().unwrap_or(f64::NAN),
            ))
        }
        (Class::Unsigned64 { big_endian }, []) => {
            let value = Cursor::new(data).u64()?;
            let value = if *big_endian {
                value.swap_bytes()
            } else {
                value
            };
            Ok(Attribute::Number(value as f64))
        }
        (Class::Text | Class::FixedText, [] | [_]) if stored.size > 0 => {
            let mut c = Cursor::new(data);
            let mut one = || -> Result<String> {
                budget.step()?;
                let bytes = c.take(stored.size)?;
                match stored.class {
                    Class::Text => text(heaps.find(file, bytes, budget)?, budget),
                    _ => text(until_zero(bytes), budget),
                }
            };
            match dims {
                [n] => (0..*n)
                    .map(|_| one())
                    .collect::<Result<_>>()
                    .map(Attribute::Texts),
                _ => one().map(Attribute::Text),
            }
        }
        _ => other(),
    }
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// A text out of a file.
pub(super) fn text(bytes: &[u8], budget: &mut Budget<'_>) -> Result<String> {
    budget.text(bytes.len())?;
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("a name or text is not UTF-8"))?;
    Ok(text.to_string())
}

/// The collections of texts read so far, by their addresses.
#[derive(Default)]
pub(super) struct Heaps {
    collections: HashMap<u64, HashMap<u16, Range<usize>>>,
}

impl Heaps {
    /// The bytes that a reference in an attribute stands for.
    fn find<'a>(
        &mut self,
        file: &'a [u8],
        reference: &[u8],
        budget: &mut Budget<'_>,
    ) -> Result<&'a [u8]> {
        let mut c = Cursor::new(reference);
        let (length, address, index) = (c.u32()?, c.u64()?, c.u32()?);
        if length == 0 {
            return Ok(&[]);
        }
        let objects = match self.collections.entry(address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(collection(file, address, budget)?),
        };
        let object = u16::try_from(index)
            .ok()
            .and_then(|i| objects.get(&i).cloned());
        object
            .and_then(|range| file.get(range)?.get(..length as usize))
            .ok_or_else(|| damaged("a text is not where it should be"))
    }
}

/// Where the objects of a global heap collection are.
fn collection(
    file: &[u8],
    address: u64,
    budget: &mut Budget<'_>,
) -> Result<HashMap<u16, Range<usize>>> {
    const HEAD: usize = 16;
    let mut c = Cursor::at(file, address)?;
    c.expect(b"GCOL")?;
    c.skip(4)?;
    let size = c.u64()?;
    let mut c = Cursor::new(Cursor::at(file, address)?.take_u64(size)?);
    c.skip(HEAD)?;
    let end = address as usize + size as usize;
    let mut objects = HashMap::new();
    while c.len() >= HEAD {
        budget.step()?;
        let index = c.u16()?;
        c.skip(6)?;
        let length = c.u64()?;
        // Index 0 is the free space behind the last object.
        if index == 0 {
            break;
        }
        let start = end - c.len();
        let data = c.take_u64(length)?;
        c.skip((data.len().next_multiple_of(8) - data.len()).min(c.len()))?;
        objects.insert(index, start..start + data.len());
    }
    Ok(objects)
}
