//! Numbers as files store them.

use refrain_graph::{Data, bf16, f16, with_data};

use super::damaged;
use crate::Result;
use refrain_graph::{DType, Literal};

/// The type of a file's elements. Those that no [`Literal`] has are widened to the smallest one that holds them all: `i8` and
/// `i16` to `i32`, `u16` to `u32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F64,
    F16,
    BF16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    Bool,
}

/// A [`Kind`] and the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub kind: Kind,
    pub big_endian: bool,
}

impl Number {
    pub(super) fn little(kind: Kind) -> Self {
        Number {
            kind,
            big_endian: false,
        }
    }

    /// Bytes of one element.
    pub(super) fn size(self) -> usize {
        match self.kind {
            Kind::F64 | Kind::I64 => 8,
            Kind::F32 | Kind::I32 | Kind::U32 => 4,
            Kind::F16 | Kind::BF16 | Kind::I16 | Kind::U16 => 2,
            Kind::I8 | Kind::U8 | Kind::Bool => 1,
        }
    }

    /// The type of the literal it is read into.
    pub(super) fn dtype(self) -> DType {
        match self.kind {
            Kind::F32 => DType::F32,
            Kind::F64 => DType::F64,
            Kind::F16 => DType::F16,
            Kind::BF16 => DType::BF16,
            Kind::I8 | Kind::I16 | Kind::I32 => DType::I32,
            Kind::I64 => DType::I64,
            Kind::U8 => DType::U8,
            Kind::U16 | Kind::U32 => DType::U32,
            Kind::Bool => DType::Bool,
        }
    }

    /// The elements in `bytes`, row-major. An error if their number does not fit `dims`.
    pub(super) fn decode(self, bytes: &[u8], dims: &[usize]) -> Result<Literal> {
        let big = self.big_endian;
        macro_rules! all {
            ($t:ty, $variant:ident) => {
                all!($t, $variant, |x| x)
            };
            ($t:ty, $variant:ident, |$x:ident| $widen:expr) => {{
                let elements = bytes.as_chunks().0.iter();
                Data::$variant(if big {
                    elements
                        .map(|&b| {
                            let $x = <$t>::from_be_bytes(b);
                            $widen
                        })
                        .collect()
                } else {
                    elements
                        .map(|&b| {
                            let $x = <$t>::from_le_bytes(b);
                            $widen
                        })
                        .collect()
                })
            }};
        }
        let data = match self.kind {
            Kind::F32 => all!(f32, F32),
            Kind::F64 => all!(f64, F64),
            Kind::F16 => all!(f16, F16),
            Kind::BF16 => all!(bf16, BF16),
            Kind::I8 => all!(i8, I32, |x| x.into()),
            Kind::I16 => all!(i16, I32, |x| x.into()),
            Kind::I32 => all!(i32, I32),
            Kind::I64 => all!(i64, I64),
            Kind::U8 => Data::U8(bytes.to_vec()),
            Kind::U16 => all!(u16, U32, |x| x.into()),
            Kind::U32 => all!(u32, U32),
            Kind::Bool => all!(u8, Bool, |x| x != 0),
        };
        Literal::from_data(dims, data)
            .ok_or_else(|| damaged("an array has another number of elements than its shape"))
    }
}

/// Bytes of one element of a literal.
pub(super) fn width(dtype: DType) -> usize {
    match dtype {
        DType::F64 | DType::I64 => 8,
        DType::F32 | DType::I32 | DType::U32 => 4,
        DType::F16 | DType::BF16 => 2,
        DType::U8 | DType::Bool => 1,
    }
}

/// Elements that are turned into bytes at a time.
const BLOCK: usize = 4096;

/// Hands out a literal's elements as little-endian bytes, a block at a time.
pub(super) fn encode<E>(
    literal: &Literal,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    trait Bytes: Copy {
        fn put(self, out: &mut Vec<u8>);
    }
    macro_rules! bytes {
        ($($t:ty)*) => {$(
            impl Bytes for $t {
                fn put(self, out: &mut Vec<u8>) {
                    out.extend_from_slice(&self.to_le_bytes());
                }
            }
        )*};
    }
    bytes!(f32 f64 f16 bf16 i32 i64 u8 u32);
    impl Bytes for bool {
        fn put(self, out: &mut Vec<u8>) {
            out.push(self.into());
        }
    }
    let mut block = Vec::with_capacity(BLOCK * width(DType::F64));
    with_data!(literal.data(), values => {
        for part in values.chunks(BLOCK) {
            block.clear();
            part.iter().for_each(|x| x.put(&mut block));
            sink(&block)?;
        }
    });
    Ok(())
}
