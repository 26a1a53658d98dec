//! Loops that convert elements from one type to another.

use std::marker::PhantomData;

use refrain_graph::{DType, bf16, f16, round_to_odd};

use super::elementwise::{BlockLoop, Item, Map, copy, map};
use super::halves;
use crate::simd::{Lanes, Simd};

/// `as`, to truth values `!= 0`.
trait Cast<U>: Item {
    fn cast(self) -> U;
}
/// A truth value's byte.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Truth(u8);

macro_rules! casts {
    ($($from:ty => [$($to:ty)*];)*) => {$(
        $(impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to { self as $to }
        })*
        impl Cast<Truth> for $from {
            #[inline(always)]
            fn cast(self) -> Truth { Truth((self != (0 as $from)) as u8) }
        }
        impl Cast<$from> for Truth {
            #[inline(always)]
            fn cast(self) -> $from { self.0 as $from }
        }
    )*};
}
casts! {
    f32 => [f64 i32 i64 u8 u32];
    f64 => [f32 i32 i64 u8 u32];
    i32 => [f32 f64 i64 u8 u32];
    i64 => [f32 f64 i32 u8 u32];
    u8 => [f32 f64 i32 i64 u32];
    u32 => [f32 f64 i32 i64 u8];
}

macro_rules! half_casts {
    ($([$($from:ty)*] |$x:ident| $single:expr;)*) => {$($(
        impl Cast<f16> for $from {
            #[inline(always)]
            fn cast(self) -> f16 {
                let $x = self;
                f16::from_bits(halves::to_f16($single))
            }
        }
        impl Cast<bf16> for $from {
            #[inline(always)]
            fn cast(self) -> bf16 {
                let $x = self;
                bf16::from_bits(halves::to_bf16($single))
            }
        }
    )*)*};
}
half_casts! {
    [f32] |x| x;
    [u8] |x| f32::from(x);
    [Truth] |x| f32::from(x.0);
    [f64] |x| round_to_odd(x);
    [i32 i64 u32] |x| round_to_odd(x as f64);
}

impl Cast<f32> for f16 {
    #[inline(always)]
    fn cast(self) -> f32 {
        halves::from_f16(self.to_bits())
    }
}
impl Cast<f32> for bf16 {
    #[inline(always)]
    fn cast(self) -> f32 {
        halves::from_bf16(self.to_bits())
    }
}

struct Converted<T, U>(PhantomData<(T, U)>);
impl<T: Cast<U>, U: Item> Map for Converted<T, U> {
    type In = T;
    type Out = U;
    #[inline(always)]
    fn apply<L: Lanes>(x: T) -> U {
        x.cast()
    }
}

struct Rounded<T>(PhantomData<T>);
impl<T: Cast<f32>> Map for Rounded<T>
where
    f32: Cast<T>,
{
    type In = f32;
    type Out = f32;
    #[inline(always)]
    fn apply<L: Lanes>(x: f32) -> f32 {
        let half: T = x.cast();
        half.cast()
    }
}

/// The kernel that rounds `f32` to a type of 16 bits and leaves it `f32`.
pub fn round(to: DType, simd: Simd) -> Option<BlockLoop> {
    match to {
        DType::F16 => Some(halves::f16_rounding(simd).unwrap_or(map::<Rounded<f16>>(simd, false))),
        DType::BF16 => Some(map::<Rounded<bf16>>(simd, false)),
        _ => None,
    }
}

/// The kernel that converts, if there is one for the types. Conversions between equal types are copies; those from 16-bit floats
/// lead to `f32`.
pub fn convert(from: DType, to: DType, simd: Simd) -> Option<BlockLoop> {
    macro_rules! to {
        ($from:ty, [$($dtype:ident $to:ty),*]) => {
            match to { $(DType::$dtype => map::<Converted<$from, $to>>(simd, false),)* _ => return None }
        };
    }
    if from == to {
        return copy(from.size(), false, simd);
    }
    if let Some(kernel) = halves::f16_kernel(from, to, simd) {
        return Some(kernel);
    }
    macro_rules! all {
        ($from:ty, [$($dtype:ident $to:ty),*]) => {
            to!($from, [$($dtype $to,)* Bool Truth, F16 f16, BF16 bf16])
        };
    }
    Some(match from {
        DType::F32 => all!(f32, [F64 f64, I32 i32, I64 i64, U8 u8, U32 u32]),
        DType::F64 => all!(f64, [F32 f32, I32 i32, I64 i64, U8 u8, U32 u32]),
        DType::I32 => all!(i32, [F32 f32, F64 f64, I64 i64, U8 u8, U32 u32]),
        DType::I64 => all!(i64, [F32 f32, F64 f64, I32 i32, U8 u8, U32 u32]),
        DType::U8 => all!(u8, [F32 f32, F64 f64, I32 i32, I64 i64, U32 u32]),
        DType::U32 => all!(u32, [F32 f32, F64 f64, I32 i32, I64 i64, U8 u8]),
        DType::Bool => {
            to!(Truth, [F32 f32, F64 f64, I32 i32, I64 i64, U8 u8, U32 u32, F16 f16, BF16 bf16])
        }
        DType::F16 => to!(f16, [F32 f32]),
        DType::BF16 => to!(bf16, [F32 f32]),
    })
}
