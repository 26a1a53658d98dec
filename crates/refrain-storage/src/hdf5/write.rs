//! Writing HDF5: sizes first, then places, then bytes, each once and in order.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::super::number::{encode, width};
use super::super::{Attribute, Group};
use super::write_heap::{Heap, MOST_TEXT};
use super::write_types::{TEXT, dataspace, datatype};
use super::{SIGNATURE, UNDEFINED, kind};
use crate::{Error, ErrorKind, Result};
use refrain_graph::{DType, Literal};

const GROUP_INFO: u16 = 0x0a;
const FILL_VALUE: u16 = 0x05;

/// A message's size is a number of 16 bits, and a multiple of 8.
const MOST_MESSAGE: usize = 0xfff8;
/// The number of messages is one of 16 bits.
const MOST_MESSAGES: usize = 0xffff;
/// Texts of one attribute: each takes 16 of the message's bytes, beside the attribute's name and type.
const MOST_TEXTS: usize = 3_900;
const SUPERBLOCK: usize = 96;

/// The bytes of an HDF5 file, as h5py and Keras read them: texts are variable-length UTF-8, bool is h5py's enumeration, bfloat16
/// is two opaque bytes with the attribute `dtype`. A list of more than 3 900 texts is written as `name0`, `name1`, … .
///
/// # Errors
/// For an attribute that is [`Attribute::Other`], and for names and groups beyond HDF5's own limits.
pub fn write_hdf5<D: Borrow<Literal>>(root: &Group<D>) -> Result<Vec<u8>> {
    let mut items = Vec::new();
    collect(root, &mut items)?;
    let mut heap = Heap::default();
    for item in &items {
        for text in item.attributes.values().flat_map(texts) {
            heap.add(text);
        }
    }
    let sizes = items.iter().map(|item| {
        let body = item.messages(0, &Places::default(), &mut heap.references(0))?;
        Ok(HEADER + body.bytes.len())
    });
    let sizes = sizes.collect::<Result<Vec<_>>>()?;
    let places = Places::new(&items, &sizes, &heap);
    let mut out = Vec::with_capacity(places.end);
    superblock(&places, &mut out);
    let mut references = heap.references(places.heap);
    for (i, item) in items.iter().enumerate() {
        item.messages(i, &places, &mut references)?
            .finish(&mut out)?;
    }
    heap.write(&mut out);
    for (item, &start) in items.iter().zip(&places.data) {
        if let What::Array(literal) = item.what
            && literal.numel() > 0
        {
            out.resize(start, 0);
            let done = encode(literal, |bytes| {
                out.extend_from_slice(bytes);
                Ok::<(), std::convert::Infallible>(())
            });
            let Ok(()) = done;
        }
    }
    Ok(out)
}

/// A group or an array.
struct Item<'a> {
    attributes: BTreeMap<String, Attribute>,
    what: What<'a>,
}

enum What<'a> {
    /// Names of the members, and their places in the list of all items.
    Group(Vec<(&'a str, usize)>),
    Array(&'a Literal),
}

/// Puts a group and all below it behind the items. Returns its own place.
fn collect<'a, D: Borrow<Literal>>(
    group: &'a Group<D>,
    items: &mut Vec<Item<'a>>,
) -> Result<usize> {
    let place = items.len();
    items.push(Item {
        attributes: split(&group.attributes),
        what: What::Group(Vec::new()),
    });
    let mut members = Vec::new();
    for (name, array) in &group.arrays {
        let literal = array.borrow();
        let mut attributes = BTreeMap::new();
        if literal.dtype() == DType::BF16 {
            attributes.insert("dtype".into(), Attribute::Text("bfloat16".into()));
        }
        members.push((name.as_str(), items.len()));
        items.push(Item {
            attributes,
            what: What::Array(literal),
        });
    }
    for (name, group) in &group.groups {
        members.push((name, collect(group, items)?));
    }
    let wrong = |n: &&str| n.is_empty() || n.contains('/') || n.contains('\0');
    if let Some(name) = members.iter().map(|m| m.0).find(wrong) {
        return Err(Error::new(
            ErrorKind::Config,
            format!("`{name}` cannot be a name in an HDF5 file"),
        ));
    }
    if let Some(item) = items.get_mut(place) {
        item.what = What::Group(members);
    }
    Ok(place)
}

/// The attributes with long lists in parts.
fn split(attributes: &BTreeMap<String, Attribute>) -> BTreeMap<String, Attribute> {
    let mut out = BTreeMap::new();
    for (name, attribute) in attributes {
        match attribute {
            Attribute::Texts(texts) if texts.len() > MOST_TEXTS => {
                for (i, part) in texts.chunks(MOST_TEXTS).enumerate() {
                    out.insert(format!("{name}{i}"), Attribute::Texts(part.to_vec()));
                }
            }
            _ => {
                out.insert(name.clone(), attribute.clone());
            }
        }
    }
    out
}

/// Where everything goes.
#[derive(Default)]
struct Places {
    headers: Vec<usize>,
    data: Vec<usize>,
    heap: usize,
    end: usize,
}

impl Places {
    fn new(items: &[Item<'_>], sizes: &[usize], heap: &Heap<'_>) -> Self {
        let mut places = Places {
            end: SUPERBLOCK,
            ..Places::default()
        };
        for size in sizes {
            places.headers.push(places.end);
            places.end += size;
        }
        places.heap = places.end;
        places.end += heap.size();
        for item in items {
            let start = places.end.next_multiple_of(8);
            places.data.push(start);
            if item.bytes() > 0 {
                places.end = start + item.bytes();
            }
        }
        places
    }

    fn header(&self, item: usize) -> u64 {
        self.headers.get(item).copied().unwrap_or(0) as u64
    }
}

fn superblock(places: &Places, out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    // Versions; sizes of addresses and lengths; the usual sizes of groups; no flags.
    out.extend_from_slice(&[0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0]);
    for address in [
        0,
        UNDEFINED,
        places.end as u64,
        UNDEFINED,
        0,
        places.header(0),
    ] {
        out.extend_from_slice(&address.to_le_bytes());
    }
    out.resize(SUPERBLOCK, 0);
}

const HEADER: usize = 16;

/// The messages of one header.
#[derive(Default)]
struct Messages {
    n: usize,
    bytes: Vec<u8>,
}

impl Messages {
    fn add(&mut self, kind: u16, data: &[u8], what: &str) -> Result<()> {
        let size = data.len().next_multiple_of(8);
        if size > MOST_MESSAGE {
            let hint = "HDF5 keeps it in at most 64 KiB";
            return Err(Error::new(ErrorKind::Config, format!("{what} is too long")).hint(hint));
        }
        self.n += 1;
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&(size as u16).to_le_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len() + size - data.len(), 0);
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<()> {
        let size = u32::try_from(self.bytes.len());
        let (true, Ok(size)) = (self.n <= MOST_MESSAGES, size) else {
            let what = format!("a group has {} members and attributes", self.n);
            return Err(Error::mismatch(
                ErrorKind::Config,
                format!("at most {MOST_MESSAGES}"),
                what,
            ));
        };
        out.extend_from_slice(&[1, 0]);
        out.extend_from_slice(&(self.n as u16).to_le_bytes());
        out.extend_from_slice(&1u32.to_le_bytes());
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.bytes);
        Ok(())
    }
}

impl Item<'_> {
    /// Bytes of its elements.
    fn bytes(&self) -> usize {
        match self.what {
            What::Group(_) => 0,
            What::Array(literal) => literal.numel() * width(literal.dtype()),
        }
    }

    fn messages(
        &self,
        index: usize,
        places: &Places,
        references: &mut impl Iterator<Item = [u8; 16]>,
    ) -> Result<Messages> {
        let mut out = Messages::default();
        match &self.what {
            What::Group(members) => {
                let none = UNDEFINED.to_le_bytes();
                let info = [&[0, 0][..], &none, &none].concat();
                out.add(kind::LINK_INFO, &info, "a group")?;
                out.add(GROUP_INFO, &[0, 0], "a group")?;
                for &(name, item) in members {
                    out.add(kind::LINK, &link(name, places.header(item)), "a name")?;
                }
            }
            What::Array(literal) => {
                let data = places.data.get(index).copied().unwrap_or(0);
                self.array(literal, data, &mut out)?;
            }
        }
        for (name, attribute) in &self.attributes {
            let data = attribute_message(name, attribute, references)?;
            out.add(kind::ATTRIBUTE, &data, &format!("the attribute `{name}`"))?;
        }
        Ok(out)
    }

    fn array(&self, literal: &Literal, data: usize, out: &mut Messages) -> Result<()> {
        out.add(kind::DATASPACE, &dataspace(literal.dims()), "a shape")?;
        out.add(kind::DATATYPE, &datatype(literal.dtype()), "a type")?;
        // Version 2: allocated late, written if set, the default.
        out.add(FILL_VALUE, &[2, 2, 2, 1, 0, 0, 0, 0], "a fill value")?;
        let bytes = self.bytes();
        let address = if bytes == 0 { UNDEFINED } else { data as u64 };
        let layout = [
            &[3, 1][..],
            &address.to_le_bytes(),
            &(bytes as u64).to_le_bytes(),
        ];
        out.add(kind::LAYOUT, &layout.concat(), "a layout")
    }
}

/// A hard link with a UTF-8 name.
fn link(name: &str, address: u64) -> Vec<u8> {
    const CHARSET: u8 = 0x10;
    const UTF8: u8 = 1;
    let mut out = match u8::try_from(name.len()) {
        Ok(length) => vec![1, CHARSET, UTF8, length],
        Err(_) => {
            let mut out = vec![1, CHARSET | 2, UTF8];
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out
        }
    };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&address.to_le_bytes());
    out
}

fn attribute_message(
    name: &str,
    attribute: &Attribute,
    references: &mut impl Iterator<Item = [u8; 16]>,
) -> Result<Vec<u8>> {
    let (stored, space) = match attribute {
        Attribute::Text(_) => (TEXT.to_vec(), dataspace(&[])),
        Attribute::Texts(texts) => (TEXT.to_vec(), dataspace(&[texts.len()])),
        Attribute::Number(_) => (datatype(DType::F64), dataspace(&[])),
        Attribute::Other(what) => {
            let text = format!("the attribute `{name}` holds {what}, which is not written");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
    };
    if texts(attribute).iter().any(|t| t.len() > MOST_TEXT) {
        let text = format!("the attribute `{name}` is a text of more than 4 GiB");
        return Err(Error::new(ErrorKind::Config, text));
    }
    const UTF8: u8 = 1;
    let length = (name.len() + 1).min(usize::from(u16::MAX));
    let mut out = vec![3, 0];
    for size in [length, stored.len(), space.len()] {
        out.extend_from_slice(&(size as u16).to_le_bytes());
    }
    out.push(UTF8);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.extend_from_slice(&stored);
    out.extend_from_slice(&space);
    if let Attribute::Number(value) = attribute {
        out.extend_from_slice(&value.to_le_bytes());
    }
    for reference in references.by_ref().take(texts(attribute).len()) {
        out.extend_from_slice(&reference);
    }
    Ok(out)
}

fn texts(attribute: &Attribute) -> &[String] {
    match attribute {
        Attribute::Text(text) => std::slice::from_ref(text),
        Attribute::Texts(texts) => texts,
        _ => &[],
    }
}
