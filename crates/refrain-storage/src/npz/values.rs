//! An array's values: bytes in any of NumPy's number types, to and from [`Literal`]s.

use std::io::Read;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use refrain_graph::Literal;
use refrain_graph::{Data, Element, bf16, f16};

use super::header::{Header, cut};
use crate::{Error, Result};

/// Bytes read at a time: many, and a multiple of every element's size.
const CHUNK: usize = 1 << 16;

/// A number type of NumPy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type<'d> {
    /// Its code without the byte order: `f4`.
    code: &'d str,
    big_endian: bool,
    /// Bytes of an element.
    pub(super) size: usize,
}

impl<'d> Type<'d> {
    pub(super) fn of(descr: &'d str) -> Result<Self> {
        let order = descr.chars().next().unwrap_or_default();
        let code = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
        let size = match code {
            "b1" | "i1" | "u1" => 1,
            "i2" | "u2" | "f2" => 2,
            "i4" | "u4" | "f4" => 4,
            "i8" | "u8" | "f8" => 8,
            _ => return Err(not_numbers(descr, code)),
        };
        let native = order == '=' || order == code.chars().next().unwrap_or_default();
        let big_endian = order == '>' || (native && cfg!(target_endian = "big"));
        Ok(Type {
            code,
            big_endian,
            size,
        })
    }
}

fn not_numbers(descr: &str, code: &str) -> Error {
    let what = match code.chars().next() {
        Some('O') => "Python objects, which only Python can read",
        Some('U' | 'S' | 'a') => "text",
        Some('c') => "complex numbers",
        Some('M' | 'm') => "dates or times",
        Some('V' | '[') => "records",
        _ => "elements that are not read here",
    };
    let text = format!("it holds {what} (type `{descr}`)");
    Error::damaged(text).hint("Convert it to numbers, for example with `.astype('float32')`")
}

/// Reads all values, in row-major order.
pub(super) fn read(
    source: &mut dyn Read,
    header: &Header,
    kind: Type<'_>,
    count: usize,
) -> Result<Literal> {
    let big = kind.big_endian;
    let data = match kind.code {
        "b1" => decode(source, header, count, |b: [u8; 1]| b != [0])?,
        "u1" => decode(source, header, count, |[b]: [u8; 1]| b)?,
        "i1" => decode(source, header, count, |b| i32::from(i8::from_le_bytes(b)))?,
        "i2" => decode(source, header, count, |b| {
            i32::from(i16::from_le_bytes(order(b, big)))
        })?,
        "u2" => decode(source, header, count, |b| {
            i32::from(u16::from_le_bytes(order(b, big)))
        })?,
        "i4" => decode(source, header, count, |b| i32::from_le_bytes(order(b, big)))?,
        "u4" => decode(source, header, count, |b| u32::from_le_bytes(order(b, big)))?,
        "i8" => decode(source, header, count, |b| i64::from_le_bytes(order(b, big)))?,
        "u8" => {
            let wide = decode(source, header, count, |b| i64::from_le_bytes(order(b, big)))?;
            return signed(literal(header, wide)?);
        }
        "f2" => decode(source, header, count, |b| f16::from_le_bytes(order(b, big)))?,
        "f4" => decode(source, header, count, |b| f32::from_le_bytes(order(b, big)))?,
        _ => decode(source, header, count, |b| f64::from_le_bytes(order(b, big)))?,
    };
    literal(header, data)
}

/// Little-endian bytes.
fn order<const N: usize>(mut bytes: [u8; N], big_endian: bool) -> [u8; N] {
    if big_endian {
        bytes.reverse();
    }
    bytes
}

/// Unsigned numbers of 64 bits, read as signed ones: those beyond have become negative.
fn signed(wide: Literal) -> Result<Literal> {
    match wide
        .values::<i64>()
        .unwrap_or_default()
        .iter()
        .find(|v| **v < 0)
    {
        Some(&beyond) => {
            let text = format!(
                "it holds {}, which is beyond 64-bit signed integers",
                beyond as u64
            );
            Err(Error::damaged(text))
        }
        None => Ok(wide),
    }
}

/// Reads `count` elements; memory grows with what is really there.
fn decode<T: Element, const N: usize>(
    source: &mut dyn Read,
    header: &Header,
    count: usize,
    value: impl Fn([u8; N]) -> T,
) -> Result<Data> {
    let mut values: Vec<T> = Vec::new();
    let mut chunk = vec![0; CHUNK.min(count * N)];
    let mut left = count * N;
    while left > 0 {
        let part = &mut chunk[..left.min(CHUNK)];
        source.read_exact(part).map_err(cut)?;
        values.extend(part.as_chunks().0.iter().map(|bytes| value(*bytes)));
        left -= part.len();
    }
    match header.fortran && header.shape.len() > 1 {
        true => Ok(T::wrap(row_major(values, &header.shape)?)),
        false => Ok(T::wrap(values)),
    }
}

fn row_major<T: Copy>(values: Vec<T>, shape: &[usize]) -> Result<Vec<T>> {
    let array = ArrayD::from_shape_vec(IxDyn(shape).f(), values);
    let array = array.map_err(|e| Error::damaged(e.to_string()))?;
    Ok(array.iter().copied().collect())
}

fn literal(header: &Header, data: Data) -> Result<Literal> {
    let literal = Literal::from_data(header.shape.clone(), data);
    literal.ok_or_else(|| Error::damaged("its shape does not fit its number of values"))
}

/// The bytes of a `.npy` file, little-endian and in row-major order. NumPy has no bfloat16: such numbers are written as
/// 32-bit ones.
pub fn to_npy(array: &Literal) -> Vec<u8> {
    fn all<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|v| bytes(*v)).collect()
    }
    let (descr, values) = match array.data() {
        Data::F32(v) => ("<f4", all(v, f32::to_le_bytes)),
        Data::F64(v) => ("<f8", all(v, f64::to_le_bytes)),
        Data::F16(v) => ("<f2", all(v, f16::to_le_bytes)),
        Data::BF16(v) => ("<f4", all(v, |x: bf16| x.to_f32().to_le_bytes())),
        Data::I32(v) => ("<i4", all(v, i32::to_le_bytes)),
        Data::I64(v) => ("<i8", all(v, i64::to_le_bytes)),
        Data::U8(v) => ("|u1", v.clone()),
        Data::U32(v) => ("<u4", all(v, u32::to_le_bytes)),
        Data::Bool(v) => ("|b1", all(v, |x| [u8::from(x)])),
    };
    let header = Header {
        descr: descr.to_owned(),
        fortran: false,
        shape: array.dims().to_vec(),
    };
    let mut out = header.to_bytes();
    out.extend(values);
    out
}
