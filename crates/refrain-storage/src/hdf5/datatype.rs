//! Data types and shapes.

use super::super::cursor::Cursor;
use super::super::number::{Kind, Number};
use super::super::{damaged, unsupported};
use crate::Result;

pub(super) struct Datatype {
    /// Bytes of one element.
    pub size: usize,
    pub class: Class,
}

pub(super) enum Class {
    Number(Number),
    /// 8 bytes, which no literal has.
    Unsigned64 {
        big_endian: bool,
    },
    /// Of one length, filled up behind.
    FixedText,
    /// Somewhere in the file, of any length.
    Text,
    Other(&'static str),
}

impl Datatype {
    /// In words, for what cannot be read.
    pub(super) fn describe(&self) -> String {
        match &self.class {
            Class::Number(number) => format!("numbers ({:?})", number.kind),
            Class::Unsigned64 { .. } => "unsigned integers of 8 bytes".into(),
            Class::FixedText | Class::Text => "texts".into(),
            Class::Other(what) => format!("{what} of {} bytes", self.size),
        }
    }
}

/// Reads a data type.
pub(super) fn datatype(c: &mut Cursor<'_>) -> Result<Datatype> {
    let (version, class) = {
        let byte = c.u8()?;
        (byte >> 4, byte & 15)
    };
    let bits = [c.u8()?, c.u8()?, c.u8()?];
    let size = c.u32()? as usize;
    let class = match class {
        0 => integer(c, bits[0], size)?,
        1 => float(c, bits[0], size)?,
        3 => Class::FixedText,
        // Keras stores bfloat16 as two bytes without meaning, and says so in an attribute.
        5 if size == 2 => Class::Number(Number::little(Kind::BF16)),
        5 => Class::Other("bytes without meaning"),
        8 => enumeration(c, version, u16::from_le_bytes([bits[0], bits[1]]), size)?,
        9 if bits[0] & 15 == 1 => Class::Text,
        9 => Class::Other("lists of any length"),
        2 => Class::Other("times"),
        4 => Class::Other("bit fields"),
        6 => Class::Other("records"),
        7 => Class::Other("references"),
        10 => Class::Other("arrays"),
        11 => Class::Other("complex numbers"),
        _ => {
            return Err(damaged(format_args!(
                "there is no data type of class {class}"
            )));
        }
    };
    Ok(Datatype { size, class })
}

fn integer(c: &mut Cursor<'_>, bits: u8, size: usize) -> Result<Class> {
    let (offset, precision) = (c.u16()?, c.u16()?);
    let (big_endian, signed) = (bits & 1 != 0, bits & 8 != 0);
    if offset != 0 || usize::from(precision) != size.saturating_mul(8) {
        return Ok(Class::Other("integers with unused bits"));
    }
    let kind = match (size, signed) {
        (1, true) => Kind::I8,
        (1, false) => Kind::U8,
        (2, true) => Kind::I16,
        (2, false) => Kind::U16,
        (4, true) => Kind::I32,
        (4, false) => Kind::U32,
        (8, true) => Kind::I64,
        (8, false) => return Ok(Class::Unsigned64 { big_endian }),
        _ => return Ok(Class::Other("integers")),
    };
    Ok(Class::Number(Number { kind, big_endian }))
}

fn float(c: &mut Cursor<'_>, bits: u8, size: usize) -> Result<Class> {
    c.skip(4)?;
    let (exponent, mantissa) = {
        c.skip(1)?;
        let exponent = c.u8()?;
        c.skip(1)?;
        (exponent, c.u8()?)
    };
    if bits & 0x40 != 0 {
        return Ok(Class::Other("numbers of a VAX"));
    }
    let kind = match (size, exponent, mantissa) {
        (2, 5, 10) => Kind::F16,
        (2, 8, 7) => Kind::BF16,
        (4, 8, 23) => Kind::F32,
        (8, 11, 52) => Kind::F64,
        _ => return Ok(Class::Other("floating-point numbers")),
    };
    let big_endian = bits & 1 != 0;
    Ok(Class::Number(Number { kind, big_endian }))
}

/// h5py's `bool` is an enumeration of FALSE and TRUE in one byte.
fn enumeration(c: &mut Cursor<'_>, version: u8, members: u16, size: usize) -> Result<Class> {
    const OTHER: Class = Class::Other("an enumeration");
    // The base type: an integer has 8 bytes of head and 4 of properties.
    c.skip(12)?;
    if members != 2 || size != 1 {
        return Ok(OTHER);
    }
    for expected in [&b"FALSE"[..], b"TRUE"] {
        let length = c.rest().iter().position(|&b| b == 0);
        let length = length.ok_or_else(|| damaged("a name does not end"))?;
        if c.take(length)? != expected {
            return Ok(OTHER);
        }
        let ended = length + 1;
        let padded = if version < 3 {
            ended.next_multiple_of(8)
        } else {
            ended
        };
        c.skip(padded - length)?;
    }
    let values = c.take(2)?;
    Ok(if values == [0, 1] {
        Class::Number(Number::little(Kind::Bool))
    } else {
        OTHER
    })
}

/// NumPy's limit, and HDF5's own.
const MOST_DIMENSIONS: u8 = 32;

/// The dimensions of an array, and those that it can grow to.
pub(super) struct Space {
    pub dims: Vec<u64>,
    pub most: Vec<u64>,
}

/// Reads the dimensions of an array. What holds nothing at all has the shape of an empty list.
pub(super) fn dataspace(c: &mut Cursor<'_>) -> Result<Space> {
    const GROWS: u8 = 1;
    let version = c.u8()?;
    let (rank, flags) = (c.u8()?, c.u8()?);
    if rank > MOST_DIMENSIONS {
        return Err(damaged(format_args!("an array has {rank} dimensions")));
    }
    match version {
        1 => c.skip(5)?,
        2 => {
            const NULL: u8 = 2;
            if c.u8()? == NULL {
                let (dims, most) = (vec![0], vec![0]);
                return Ok(Space { dims, most });
            }
        }
        _ => {
            return Err(unsupported(format!(
                "HDF5 shapes of version {version} are not read"
            )));
        }
    }
    let mut list = || (0..rank).map(|_| c.u64()).collect::<Result<Vec<_>>>();
    let dims = list()?;
    let most = match flags & GROWS {
        0 => dims.clone(),
        _ => list()?,
    };
    if dims.iter().zip(&most).any(|(d, m)| d > m) {
        return Err(damaged("an array is larger than it can grow to"));
    }
    Ok(Space { dims, most })
}
