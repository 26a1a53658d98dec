//! Loops that reduce: rows of a block to one element each, and a block into an accumulator.

use std::marker::PhantomData;

use refrain_graph::{DType, Reduction};

use super::elementwise::{BlockLoop, Item, Ptrs, levels, pick};
use crate::simd::{Lanes, Portable, Simd, SimdLevel};

/// Partial results that a row is reduced in, whatever the SIMD level, so that the order of summation is one.
const PARTIALS: usize = 32;

/// An associative operation with its identity.
pub trait Monoid: 'static {
    /// The elements.
    type Of: Item;
    /// The identity.
    fn identity() -> Self::Of;
    /// The operation.
    fn combine(a: Self::Of, b: Self::Of) -> Self::Of;
}

/// `dst[r]` becomes the reduction of row `r`.
#[inline(always)]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    unsafe(link_section = ".text_portable")
)]
unsafe fn rows_body<L: Lanes, M: Monoid>(p: &Ptrs, rows: usize, cols: usize) {
    let _ = PhantomData::<L>;
    for r in 0..rows {
        // SAFETY: the kernel's contract.
        let row = unsafe {
            std::slice::from_raw_parts(p.src[0].cast::<M::Of>().add(r * p.step[0]), cols)
        };
        if cols < PARTIALS {
            let sum = row.iter().fold(M::identity(), |sum, &x| M::combine(sum, x));
            // SAFETY: the kernel's contract.
            unsafe { *p.dst.cast::<M::Of>().add(r) = sum };
            continue;
        }
        let mut partial = [M::identity(); PARTIALS];
        let (chunks, rest) = row.as_chunks::<PARTIALS>();
        for chunk in chunks {
            for (p, &x) in partial.iter_mut().zip(chunk) {
                *p = M::combine(*p, x);
            }
        }
        for (p, &x) in partial.iter_mut().zip(rest) {
            *p = M::combine(*p, x);
        }
        let mut half = PARTIALS / 2;
        while half > 0 {
            for i in 0..half {
                partial[i] = M::combine(partial[i], partial[i + half]);
            }
            half /= 2;
        }
        // SAFETY: the kernel's contract.
        unsafe { *p.dst.cast::<M::Of>().add(r) = partial[0] };
    }
}
levels!(rows_body, rows_avx512, rows_avx2, [M: Monoid]);

/// `dst[i]` is combined with operand 0.
#[inline(always)]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    unsafe(link_section = ".text_portable")
)]
unsafe fn into_body<L: Lanes, M: Monoid>(p: &Ptrs, rows: usize, cols: usize) {
    let _ = PhantomData::<L>;
    let len = rows * cols;
    // SAFETY: the kernel's contract; the accumulator is the result and overlaps no operand.
    let (acc, x) = unsafe {
        (
            std::slice::from_raw_parts_mut(p.dst.cast::<M::Of>(), len),
            std::slice::from_raw_parts(p.src[0].cast::<M::Of>(), len),
        )
    };
    for (a, &x) in acc.iter_mut().zip(x) {
        *a = M::combine(*a, x);
    }
}
levels!(into_body, into_avx512, into_avx2, [M: Monoid]);

macro_rules! monoids {
    ($($name:ident for $($t:ty)*: $identity:expr, |$a:ident, $b:ident| $e:expr;)*) => {$(
        $(impl Monoid for $name<$t> {
            type Of = $t;
            #[inline(always)]
            fn identity() -> $t { $identity as $t }
            #[inline(always)]
            fn combine($a: $t, $b: $t) -> $t { $e }
        })*
    )*};
}
struct Addition<T>(PhantomData<T>);
struct Multiplication<T>(PhantomData<T>);
struct Maximum<T>(PhantomData<T>);
struct Minimum<T>(PhantomData<T>);
struct Conjunction<T>(PhantomData<T>);
struct Disjunction<T>(PhantomData<T>);

monoids! {
    Addition for f32 f64: 0, |a, b| a + b;
    Addition for i32 i64 u32 u8: 0, |a, b| a.wrapping_add(b);
    Multiplication for f32 f64: 1, |a, b| a * b;
    Multiplication for i32 i64 u32 u8: 1, |a, b| a.wrapping_mul(b);
    Maximum for f32 f64: f32::NEG_INFINITY, |a, b| if a > b || a.is_nan() { a } else { b };
    Minimum for f32 f64: f32::INFINITY, |a, b| if a < b || a.is_nan() { a } else { b };
    Maximum for i32: i32::MIN, |a, b| a.max(b);
    Maximum for i64: i64::MIN, |a, b| a.max(b);
    Maximum for u8 u32: 0, |a, b| a.max(b);
    Minimum for i32: i32::MAX, |a, b| a.min(b);
    Minimum for i64: i64::MAX, |a, b| a.min(b);
    Minimum for u32: u32::MAX, |a, b| a.min(b);
    Minimum for u8: u8::MAX, |a, b| a.min(b);
    Conjunction for u8: 1, |a, b| a & b;
    Disjunction for u8: 0, |a, b| a | b;
}

/// The loops of one reduction.
#[derive(Clone, Copy, Debug)]
pub struct Reducer {
    /// Rows of a block to one element each.
    pub rows: BlockLoop,
    /// A block into an accumulator.
    pub into: BlockLoop,
    /// The identity's bits, low bytes first.
    pub identity: u64,
}

fn of<M: Monoid>(simd: Simd, bits: fn(M::Of) -> u64) -> Reducer {
    Reducer {
        rows: pick!(simd, rows_avx512, rows_avx2, rows_body, <M>),
        into: pick!(simd, into_avx512, into_avx2, into_body, <M>),
        identity: bits(M::identity()),
    }
}

/// One loop for all levels: integers are reduced rarely, and each of these loops is up to 60 KB of code where LLVM unrolls it.
fn portable<M: Monoid>(bits: fn(M::Of) -> u64) -> Reducer {
    Reducer {
        rows: rows_body::<Portable, M>,
        into: into_body::<Portable, M>,
        identity: bits(M::identity()),
    }
}

/// The loops of a reduction of elements of this type, if there are any.
pub fn reducer(kind: Reduction, dtype: DType, simd: Simd) -> Option<Reducer> {
    macro_rules! numbers {
        ($t:ty, |$of:ident| $bits:expr, $loops:ident, ($($simd:expr)?)) => {
            match kind {
                Reduction::Sum => $loops::<Addition<$t>>($($simd,)? |$of| $bits),
                Reduction::Product => $loops::<Multiplication<$t>>($($simd,)? |$of| $bits),
                Reduction::Max => $loops::<Maximum<$t>>($($simd,)? |$of| $bits),
                Reduction::Min => $loops::<Minimum<$t>>($($simd,)? |$of| $bits),
                Reduction::And | Reduction::Or => return None,
            }
        };
    }
    Some(match dtype {
        DType::F32 => numbers!(f32, |x| x.to_bits() as u64, of, (simd)),
        DType::F64 => numbers!(f64, |x| x.to_bits(), of, (simd)),
        DType::I32 => numbers!(i32, |x| x as u32 as u64, portable, ()),
        DType::I64 => numbers!(i64, |x| x as u64, portable, ()),
        DType::U32 => numbers!(u32, |x| x as u64, portable, ()),
        DType::U8 => numbers!(u8, |x| x as u64, portable, ()),
        DType::Bool => match kind {
            Reduction::And | Reduction::Min => portable::<Conjunction<u8>>(|x| x as u64),
            Reduction::Or | Reduction::Max => portable::<Disjunction<u8>>(|x| x as u64),
            Reduction::Sum | Reduction::Product => return None,
        },
        DType::F16 | DType::BF16 => return None,
    })
}
