//! Types and shapes as they are written.

use refrain_graph::DType;

/// Version 1: rank, dimensions.
pub(super) fn dataspace(dims: &[usize]) -> Vec<u8> {
    let mut out = vec![1, dims.len() as u8, 0, 0, 0, 0, 0, 0];
    for &dim in dims {
        out.extend_from_slice(&(dim as u64).to_le_bytes());
    }
    out
}

/// Variable-length UTF-8, in references of 16 bytes, over bytes.
pub(super) const TEXT: [u8; 20] = [
    0x19, 1, 1, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0,
];

/// h5py's `bool`: an enumeration of two names over signed bytes.
const BOOL: &[u8] =
    b"\x18\x02\0\0\x01\0\0\0\x10\x08\0\0\x01\0\0\0\0\0\x08\0FALSE\0\0\0TRUE\0\0\0\0\0\x01";

pub(super) fn datatype(dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F16 => float(2, 5, 10),
        DType::F32 => float(4, 8, 23),
        DType::F64 => float(8, 11, 52),
        DType::BF16 => vec![0x15, 0, 0, 0, 2, 0, 0, 0],
        DType::I32 => integer(4, true),
        DType::I64 => integer(8, true),
        DType::U8 => integer(1, false),
        DType::U32 => integer(4, false),
        DType::Bool => BOOL.to_vec(),
    }
}

fn integer(size: u8, signed: bool) -> Vec<u8> {
    let signed = if signed { 8 } else { 0 };
    vec![0x10, signed, 0, 0, size, 0, 0, 0, 0, 0, size * 8, 0]
}

fn float(size: u8, exponent: u8, mantissa: u8) -> Vec<u8> {
    let bias = (1u32 << (exponent - 1)) - 1;
    // The mantissa's first bit is implied; the sign is the last bit.
    let mut out = vec![
        0x11,
        0x20,
        size * 8 - 1,
        0,
        size,
        0,
        0,
        0,
        0,
        0,
        size * 8,
        0,
    ];
    out.extend_from_slice(&[mantissa, exponent, 0, mantissa]);
    out.extend_from_slice(&bias.to_le_bytes());
    out
}
