//! safetensors: the length of a JSON header, the header, the arrays' bytes.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value, json};

use super::array_file::{ArrayRef, Budget, Content, Place};
use super::cursor::Cursor;
use super::number::{Kind, Number, encode, width};
use super::{Attribute, Group, Limits, damaged, parse_json};
use crate::{Error, ErrorKind, Result};
use refrain_graph::{DType, Literal};

/// Bytes of the header's length.
const LENGTH: usize = 8;
const METADATA: &str = "__metadata__";

/// Whether the file begins with a length that it can have, and an object.
pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    let mut c = Cursor::new(bytes);
    let header = c.u64().and_then(|n| c.take_u64(n));
    header.is_ok_and(|h| h.first() == Some(&b'{'))
}

/// One flat group: the arrays by their whole names, the metadata as text attributes.
pub(super) fn read_tree(file: &[u8], limits: &Limits) -> Result<Group<ArrayRef>> {
    let mut c = Cursor::new(file);
    let length = c.u64()?;
    let header = parse_json(c.take_u64(length)?, limits)?;
    let Value::Object(header) = header else {
        return Err(damaged("its header is not an object"));
    };
    let start = LENGTH + length as usize;
    let mut budget = Budget::new(file.len(), limits);
    let mut group = Group::default();
    let mut pieces = Vec::new();
    for (name, value) in header {
        if name == METADATA {
            group.attributes = metadata(value)?;
            continue;
        }
        budget.object()?;
        let wrong = || {
            damaged(format_args!(
                "the entry of `{name}` in its header is not complete"
            ))
        };
        let entry = Entry::read(&value).ok_or_else(wrong)?;
        pieces.push((entry.begin, entry.end));
        let array = ArrayRef::new(name.clone(), entry.content(start, &name, &mut budget)?);
        group.arrays.insert(name, array);
    }
    pieces.sort_unstable();
    let end = pieces
        .iter()
        .try_fold(0, |at, &(begin, end)| (begin == at).then_some(end));
    if end != Some(c.len() as u64) {
        return Err(damaged("its arrays overlap or leave gaps"));
    }
    Ok(group)
}

fn metadata(value: Value) -> Result<BTreeMap<String, Attribute>> {
    let Value::Object(map) = value else {
        return Err(damaged("its metadata is not an object"));
    };
    let text = |(name, value)| match value {
        Value::String(text) => Ok((name, Attribute::Text(text))),
        _ => Err(damaged(format_args!("the metadata `{name}` is not a text"))),
    };
    map.into_iter().map(text).collect()
}

struct Entry<'a> {
    dtype: &'a str,
    dims: Vec<u64>,
    begin: u64,
    end: u64,
}

impl<'a> Entry<'a> {
    fn read(value: &'a Value) -> Option<Self> {
        let numbers = |name: &str| -> Option<Vec<u64>> {
            value
                .get(name)?
                .as_array()?
                .iter()
                .map(Value::as_u64)
                .collect()
        };
        let offsets = numbers("data_offsets")?;
        let &[begin, end] = offsets.as_slice() else {
            return None;
        };
        let dtype = value.get("dtype")?.as_str()?;
        (begin <= end).then_some(Entry {
            dtype,
            dims: numbers("shape")?,
            begin,
            end,
        })
    }

    fn content(&self, start: usize, name: &str, budget: &mut Budget<'_>) -> Result<Content> {
        let Some((kind, _)) = NAMES.iter().find(|n| n.1 == self.dtype) else {
            return Ok(Content::Other(format!(
                "elements of the type {}",
                self.dtype
            )));
        };
        let number = Number::little(*kind);
        let (dims, bytes) = budget.array(&self.dims, number.size())?;
        if bytes as u64 != self.end - self.begin {
            return Err(damaged(format_args!(
                "`{name}` has another size than its shape"
            )));
        }
        budget.plain(bytes)?;
        let begin = start + self.begin as usize;
        Ok(Content::Numbers {
            number,
            dims,
            place: Place::Here(begin..begin + bytes),
        })
    }
}

const NAMES: [(Kind, &str); 12] = [
    (Kind::F32, "F32"),
    (Kind::F64, "F64"),
    (Kind::F16, "F16"),
    (Kind::BF16, "BF16"),
    (Kind::I8, "I8"),
    (Kind::I16, "I16"),
    (Kind::I32, "I32"),
    (Kind::I64, "I64"),
    (Kind::U8, "U8"),
    (Kind::U16, "U16"),
    (Kind::U32, "U32"),
    (Kind::Bool, "BOOL"),
];

/// Writes a safetensors file: the arrays in the given order, the metadata in its header.
///
/// # Errors
/// For two arrays of one name, or if writing fails.
pub fn write_safetensors<D: Borrow<Literal>>(
    out: &mut dyn Write,
    arrays: &[(String, D)],
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.into(), json!(metadata));
    }
    let mut end = 0;
    for (name, array) in arrays {
        let literal = array.borrow();
        let begin = end;
        end += literal.numel() * width(literal.dtype());
        let entry = json!({
            "dtype": dtype_name(literal.dtype()),
            "shape": literal.dims(),
            "data_offsets": [begin, end],
        });
        if header.insert(name.clone(), entry).is_some() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("two arrays are named `{name}`"),
            ));
        }
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // The arrays begin at a multiple of 8.
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    let failed = |e: std::io::Error| Error::new(ErrorKind::Io, format!("writing failed: {e}"));
    out.write_all(&(header.len() as u64).to_le_bytes())
        .map_err(failed)?;
    out.write_all(&header).map_err(failed)?;
    for (_, array) in arrays {
        encode(array.borrow(), |bytes| out.write_all(bytes)).map_err(failed)?;
    }
    Ok(())
}

fn dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::F16 => "F16",
        DType::BF16 => "BF16",
        DType::I32 => "I32",
        DType::I64 => "I64",
        DType::U8 => "U8",
        DType::U32 => "U32",
        DType::Bool => "BOOL",
    }
}
