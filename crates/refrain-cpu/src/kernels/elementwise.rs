//! Elementwise loops over blocks, one per primitive, element type, operand pattern and SIMD level.
//!
//! Functions of `f32` that models spend their time in are written for vectors, with the errors that [`ERROR_BOUNDS`] states; the
//! others call the standard library for each element.

use std::marker::PhantomData;

use refrain_graph::{BinaryOp, Comparison, DType, UnaryOp};

use super::{math, special};
use crate::simd::{Lanes, Portable, Simd, SimdLevel};

/// How far the result of a unary primitive in `f32` may be from the exact one, in units in the last place (ULP) of the exact result,
/// at every SIMD level. Measured over some 44 million arguments of all sizes.
///
/// Arguments without a finite result give what IEEE 754 says: NaN for NaN, infinities where they belong. `tanh` and `erf` are exactly
/// 1 where that is the nearest number and the argument beyond 9.1 or 4, and never beyond 1.
///
/// ```
/// use refrain_cpu::ERROR_BOUNDS;
/// assert!(ERROR_BOUNDS.iter().all(|(_, ulps)| *ulps <= 4.0));
/// ```
pub const ERROR_BOUNDS: [(UnaryOp, f64); 7] = [
    (UnaryOp::Exponential, 1.25),
    (UnaryOp::ExponentialMinusOne, 1.75),
    (UnaryOp::Log, 1.0),
    (UnaryOp::LogPlusOne, 1.5),
    (UnaryOp::Logistic, 2.5),
    (UnaryOp::Tanh, 4.0),
    (UnaryOp::Erf, 4.0),
];

/// Where one call of a [`BlockLoop`] reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Ptrs {
    /// First element of the result.
    pub dst: *mut u8,
    /// First element of each operand.
    pub src: [*const u8; 3],
    /// Elements from one row of an operand to the next.
    pub step: [usize; 3],
}

/// A loop over `rows` times `cols` elements.
///
/// # Safety
/// Each full operand and the result hold `rows * cols` elements of the kernel's types, each per-row operand `rows` elements
/// (or one, with a step of 0); the result overlaps no operand; the machine has the instructions that the kernel was
/// picked for.
pub type BlockLoop = unsafe fn(&Ptrs, usize, usize);

/// Gives the instance of a generic loop for a SIMD level.
macro_rules! pick {
    ($simd:expr, $avx512:ident, $avx2:ident, $body:ident, <$($g:ty),*>) => {
        match $simd.level() {
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => $avx512::<$($g),*> as BlockLoop,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => $avx2::<$($g),*> as BlockLoop,
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => $body::<crate::simd::Neon, $($g),*> as BlockLoop,
            _ => $body::<Portable, $($g),*> as BlockLoop,
        }
    };
}
pub(super) use pick;

/// Declares a generic loop's instances for the levels of x86-64.
macro_rules! levels {
    ($body:ident, $avx512:ident, $avx2:ident, [$($g:ident : $bound:path),*]) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
        #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx512"))]
        unsafe fn $avx512<$($g: $bound),*>(p: &Ptrs, rows: usize, cols: usize) {
            // SAFETY: as the caller's.
            unsafe { $body::<crate::simd::Avx512, $($g),*>(p, rows, cols) }
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c")]
        #[cfg_attr(target_os = "linux", unsafe(link_section = ".text_avx2"))]
        unsafe fn $avx2<$($g: $bound),*>(p: &Ptrs, rows: usize, cols: usize) {
            // SAFETY: as the caller's.
            unsafe { $body::<crate::simd::Avx2, $($g),*>(p, rows, cols) }
        }
    };
}
pub(super) use levels;

/// An element.
pub trait Item: Copy + 'static {}
impl<T: Copy + 'static> Item for T {}

/// A function of one element.
pub trait Map: 'static {
    /// Operand.
    type In: Item;
    /// Result.
    type Out: Item;
    /// The function.
    fn apply<L: Lanes>(x: Self::In) -> Self::Out;
}

/// A function of two elements.
pub trait Zip: 'static {
    /// Operands.
    type In: Item;
    /// Result.
    type Out: Item;
    /// The function.
    fn apply<L: Lanes>(a: Self::In, b: Self::In) -> Self::Out;
}

/// How an operand is read: a full block, or one element per row.
pub trait RowPattern: 'static {
    /// One element per row.
    const PER_ROW: bool;
}

/// A full block.
pub struct Full;
/// One element per row.
pub struct PerRow;
impl RowPattern for Full {
    const PER_ROW: bool = false;
}
impl RowPattern for PerRow {
    const PER_ROW: bool = true;
}

/// The row `r` of operand `i`.
#[inline(always)]
unsafe fn row<'a, T>(p: &Ptrs, i: usize, r: usize, cols: usize) -> &'a [T] {
    // SAFETY: the kernel's contract.
    unsafe { std::slice::from_raw_parts(p.src[i].cast::<T>().add(r * p.step[i]), cols) }
}

/// The element of row `r` of a per-row operand `i`.
#[inline(always)]
unsafe fn item<T: Copy>(p: &Ptrs, i: usize, r: usize) -> T {
    // SAFETY: the kernel's contract.
    unsafe { *p.src[i].cast::<T>().add(r * p.step[i]) }
}

#[inline(always)]
unsafe fn target<'a, T>(p: &Ptrs, r: usize, cols: usize) -> &'a mut [T] {
    // SAFETY: the kernel's contract.
    unsafe { std::slice::from_raw_parts_mut(p.dst.cast::<T>().add(r * cols), cols) }
}

#[inline(always)]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    unsafe(link_section = ".text_portable")
)]
unsafe fn map_body<L: Lanes, F: Map, A: RowPattern>(p: &Ptrs, rows: usize, cols: usize) {
    for r in 0..rows {
        // SAFETY: the kernel's contract.
        unsafe {
            let dst = target::<F::Out>(p, r, cols);
            if A::PER_ROW {
                dst.fill(F::apply::<L>(item(p, 0, r)));
            } else {
                for (d, &x) in dst.iter_mut().zip(row::<F::In>(p, 0, r, cols)) {
                    *d = F::apply::<L>(x);
                }
            }
        }
    }
}
levels!(map_body, map_avx512, map_avx2, [F: Map, A: RowPattern]);

#[inline(always)]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    unsafe(link_section = ".text_portable")
)]
unsafe fn zip_body<L: Lanes, F: Zip, A: RowPattern, B: RowPattern>(
    p: &Ptrs,
    rows: usize,
    cols: usize,
) {
    for r in 0..rows {
        // SAFETY: the kernel's contract.
        unsafe {
            let dst = target::<F::Out>(p, r, cols);
            match (A::PER_ROW, B::PER_ROW) {
                (false, false) => {
                    let (a, b) = (row::<F::In>(p, 0, r, cols), row::<F::In>(p, 1, r, cols));
                    for ((d, &x), &y) in dst.iter_mut().zip(a).zip(b) {
                        *d = F::apply::<L>(x, y);
                    }
                }
                (false, true) => {
                    let y = item(p, 1, r);
                    for (d, &x) in dst.iter_mut().zip(row::<F::In>(p, 0, r, cols)) {
                        *d = F::apply::<L>(x, y);
                    }
                }
                (true, false) => {
                    let x = item(p, 0, r);
                    for (d, &y) in dst.iter_mut().zip(row::<F::In>(p, 1, r, cols)) {
                        *d = F::apply::<L>(x, y);
                    }
                }
                (true, true) => dst.fill(F::apply::<L>(item(p, 0, r), item(p, 1, r))),
            }
        }
    }
}
levels!(zip_body, zip_avx512, zip_avx2, [F: Zip, A: RowPattern, B: RowPattern]);

/// Operand 0 chooses between operands 1 and 2.
#[inline(always)]
#[cfg_attr(
    all(target_os = "linux", target_arch = "x86_64"),
    unsafe(link_section = ".text_portable")
)]
unsafe fn select_body<L: Lanes, T: Item, A: RowPattern, B: RowPattern>(
    p: &Ptrs,
    rows: usize,
    cols: usize,
) {
    let _ = PhantomData::<L>;
    for r in 0..rows {
        // SAFETY: the kernel's contract.
        unsafe {
            let dst = target::<T>(p, r, cols);
            let choice = row::<u8>(p, 0, r, cols);
            match (A::PER_ROW, B::PER_ROW) {
                (false, false) => {
                    let (a, b) = (row::<T>(p, 1, r, cols), row::<T>(p, 2, r, cols));
                    for (((d, &c), &x), &y) in dst.iter_mut().zip(choice).zip(a).zip(b) {
                        *d = if c != 0 { x } else { y };
                    }
                }
                (false, true) => {
                    let y: T = item(p, 2, r);
                    for ((d, &c), &x) in dst.iter_mut().zip(choice).zip(row::<T>(p, 1, r, cols)) {
                        *d = if c != 0 { x } else { y };
                    }
                }
                (true, false) => {
                    let x: T = item(p, 1, r);
                    for ((d, &c), &y) in dst.iter_mut().zip(choice).zip(row::<T>(p, 2, r, cols)) {
                        *d = if c != 0 { x } else { y };
                    }
                }
                (true, true) => {
                    let (x, y): (T, T) = (item(p, 1, r), item(p, 2, r));
                    for (d, &c) in dst.iter_mut().zip(choice) {
                        *d = if c != 0 { x } else { y };
                    }
                }
            }
        }
    }
}
levels!(select_body, select_avx512, select_avx2, [T: Item, A: RowPattern, B: RowPattern]);

pub(super) fn map<F: Map>(simd: Simd, per_row: bool) -> BlockLoop {
    if per_row {
        pick!(simd, map_avx512, map_avx2, map_body, <F, PerRow>)
    } else {
        pick!(simd, map_avx512, map_avx2, map_body, <F, Full>)
    }
}

fn zip<F: Zip>(simd: Simd, per_row: [bool; 2]) -> BlockLoop {
    match per_row {
        [false, false] => pick!(simd, zip_avx512, zip_avx2, zip_body, <F, Full, Full>),
        [false, true] => pick!(simd, zip_avx512, zip_avx2, zip_body, <F, Full, PerRow>),
        [true, false] => pick!(simd, zip_avx512, zip_avx2, zip_body, <F, PerRow, Full>),
        // One function call a row, and a fill: not worth a copy of the code for each level.
        [true, true] => zip_body::<Portable, F, PerRow, PerRow>,
    }
}

fn select_of<T: Item>(simd: Simd, per_row: [bool; 2]) -> BlockLoop {
    match per_row {
        [false, false] => pick!(simd, select_avx512, select_avx2, select_body, <T, Full, Full>),
        [false, true] => pick!(simd, select_avx512, select_avx2, select_body, <T, Full, PerRow>),
        [true, false] => pick!(simd, select_avx512, select_avx2, select_body, <T, PerRow, Full>),
        [true, true] => pick!(simd, select_avx512, select_avx2, select_body, <T, PerRow, PerRow>),
    }
}

macro_rules! maps {
    ($($name:ident: $t:ty => $u:ty, |$x:ident, $l:ident| $e:expr;)*) => {$(
        pub(super) struct $name;
        impl Map for $name {
            type In = $t;
            type Out = $u;
            #[inline(always)]
            fn apply<$l: Lanes>($x: $t) -> $u { $e }
        }
    )*};
}

macro_rules! zips {
    ($($name:ident<$t:ty> => $u:ty, |$x:ident, $y:ident| $e:expr;)*) => {$(
        pub(super) struct $name;
        impl Zip for $name {
            type In = $t;
            type Out = $u;
            #[inline(always)]
            fn apply<L: Lanes>($x: $t, $y: $t) -> $u { $e }
        }
    )*};
}

struct Same<T>(PhantomData<T>);
impl<T: Item> Map for Same<T> {
    type In = T;
    type Out = T;
    #[inline(always)]
    fn apply<L: Lanes>(x: T) -> T {
        x
    }
}

/// The kernel that copies or repeats elements of this many bytes.
pub fn copy(size: usize, per_row: bool, simd: Simd) -> Option<BlockLoop> {
    Some(match size {
        1 => map::<Same<u8>>(simd, per_row),
        2 => map::<Same<u16>>(simd, per_row),
        4 => map::<Same<u32>>(simd, per_row),
        8 => map::<Same<u64>>(simd, per_row),
        _ => return None,
    })
}

/// The kernel that selects between elements of this many bytes; the predicate is always full.
pub fn select(size: usize, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
    Some(match size {
        1 => select_of::<u8>(simd, per_row),
        2 => select_of::<u16>(simd, per_row),
        4 => select_of::<u32>(simd, per_row),
        8 => select_of::<u64>(simd, per_row),
        _ => return None,
    })
}

/// The kernel of a unary primitive, if there is one for the type.
pub fn unary(op: UnaryOp, dtype: DType, simd: Simd) -> Option<BlockLoop> {
    match dtype {
        DType::F32 => float32::unary(op, simd),
        DType::F64 => float64::unary(op, simd),
        DType::I32 => signed32::unary(op, simd),
        DType::I64 => signed64::unary(op, simd),
        DType::U32 => unsigned32::unary(op, simd),
        DType::U8 => unsigned8::unary(op, simd),
        DType::Bool => (op == UnaryOp::Not).then(|| map::<truth::Not>(simd, false)),
        DType::F16 => (op == UnaryOp::ErfInv).then(|| map::<narrow::F16>(simd, false)),
        DType::BF16 => (op == UnaryOp::ErfInv).then(|| map::<narrow::Bf16>(simd, false)),
    }
}

/// The kernel of a binary primitive, if there is one for the type.
pub fn binary(op: BinaryOp, dtype: DType, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
    match dtype {
        DType::F32 => float32::binary(op, per_row, simd),
        DType::F64 => float64::binary(op, per_row, simd),
        DType::I32 => signed32::binary(op, per_row, simd),
        DType::I64 => signed64::binary(op, per_row, simd),
        DType::U32 => unsigned32::binary(op, per_row, simd),
        DType::U8 => unsigned8::binary(op, per_row, simd),
        DType::Bool => truth::binary(op, per_row, simd),
        DType::F16 | DType::BF16 => None,
    }
}

/// The kernel of a comparison, if there is one for the type.
pub fn compare(op: Comparison, dtype: DType, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
    match dtype {
        DType::F32 => comparison::<f32>(op, per_row, simd),
        DType::F64 => comparison::<f64>(op, per_row, simd),
        DType::I32 => comparison::<i32>(op, per_row, simd),
        DType::I64 => comparison::<i64>(op, per_row, simd),
        DType::U32 => comparison::<u32>(op, per_row, simd),
        DType::U8 | DType::Bool => comparison::<u8>(op, per_row, simd),
        DType::F16 | DType::BF16 => None,
    }
}

macro_rules! comparisons {
    ($($name:ident |$x:ident, $y:ident| $e:expr;)*) => {
        $(struct $name<T>(PhantomData<T>);
        impl<T: Item + PartialOrd> Zip for $name<T> {
            type In = T;
            type Out = u8;
            #[inline(always)]
            fn apply<L: Lanes>($x: T, $y: T) -> u8 { ($e) as u8 }
        })*
        fn comparison<T: Item + PartialOrd>(op: Comparison, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
            Some(match op { $(Comparison::$name => zip::<$name<T>>(simd, per_row),)* })
        }
    };
}
comparisons! {
    Eq |x, y| x == y;
    Ne |x, y| x != y;
    Lt |x, y| x < y;
    Le |x, y| x <= y;
    Gt |x, y| x > y;
    Ge |x, y| x >= y;
}

/// The kernels of the first functions; the type has not the others. Every function is one or the other.
macro_rules! unary_table {
    ($op:expr, $simd:expr, [$($name:ident)*] [$($other:ident)*]) => {
        match $op {
            $(UnaryOp::$name => map::<$name>($simd, false),)*
            $(UnaryOp::$other)|* => return None,
        }
    };
}
macro_rules! binary_table {
    ($op:expr, $simd:expr, $per_row:expr, [$($name:ident)*] [$($other:ident)*]) => {
        match $op {
            $(BinaryOp::$name => zip::<$name>($simd, $per_row),)*
            $(BinaryOp::$other)|* => return None,
        }
    };
}

/// NaN wins.
macro_rules! float_max {
    ($x:ident, $y:ident) => {
        if $x > $y || $x.is_nan() { $x } else { $y }
    };
}
/// NaN wins.
macro_rules! float_min {
    ($x:ident, $y:ident) => {
        if $x < $y || $x.is_nan() { $x } else { $y }
    };
}

/// The float types' tables; the functions that `math` has come as arguments.
macro_rules! float_table {
    ($module:ident, $t:ty, { $($special:ident |$s:ident, $l:ident| $special_e:expr;)* }) => {
        mod $module {
            use super::*;
            maps! {
                $($special: $t => $t, |$s, $l| $special_e;)*
                Abs: $t => $t, |x, L| x.abs();
                Negate: $t => $t, |x, L| -x;
                Sign: $t => $t, |x, L| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x };
                Sqrt: $t => $t, |x, L| x.sqrt();
                Rsqrt: $t => $t, |x, L| 1.0 / x.sqrt();
                Cbrt: $t => $t, |x, L| x.cbrt();
                Sine: $t => $t, |x, L| x.sin();
                Cosine: $t => $t, |x, L| x.cos();
                Tan: $t => $t, |x, L| x.tan();
                Asin: $t => $t, |x, L| x.asin();
                Acos: $t => $t, |x, L| x.acos();
                Atan: $t => $t, |x, L| x.atan();
                Sinh: $t => $t, |x, L| x.sinh();
                Cosh: $t => $t, |x, L| x.cosh();
                Asinh: $t => $t, |x, L| math::asinh(x as f64) as $t;
                Acosh: $t => $t, |x, L| math::acosh(x as f64) as $t;
                Atanh: $t => $t, |x, L| x.atanh();
                Floor: $t => $t, |x, L| x.floor();
                Ceil: $t => $t, |x, L| x.ceil();
                RoundNearestEven: $t => $t, |x, L| x.round_ties_even();
                ErfInv: $t => $t, |x, L| special::erf_inv(x as f64) as $t;
                IsFinite: $t => u8, |x, L| x.is_finite() as u8;
            }
            zips! {
                Add<$t> => $t, |x, y| x + y;
                Subtract<$t> => $t, |x, y| x - y;
                Multiply<$t> => $t, |x, y| x * y;
                Divide<$t> => $t, |x, y| x / y;
                Maximum<$t> => $t, |x, y| float_max!(x, y);
                Minimum<$t> => $t, |x, y| float_min!(x, y);
                Power<$t> => $t, |x, y| x.powf(y);
                Remainder<$t> => $t, |x, y| x % y;
                Atan2<$t> => $t, |x, y| x.atan2(y);
            }
            pub(super) fn unary(op: UnaryOp, simd: Simd) -> Option<BlockLoop> {
                Some(unary_table!(op, simd, [$($special)* Abs Negate Sign Sqrt Rsqrt Cbrt Sine Cosine Tan Asin Acos
                    Atan Sinh Cosh Asinh Acosh Atanh ErfInv Floor Ceil RoundNearestEven IsFinite] [Not]))
            }
            pub(super) fn binary(op: BinaryOp, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
                Some(binary_table!(op, simd, per_row,
                    [Add Subtract Multiply Divide Maximum Minimum Power Remainder Atan2]
                    [And Or Xor ShiftLeft ShiftRightArithmetic ShiftRightLogical]))
            }
        }
    };
}

float_table!(float32, f32, {
    Exponential |x, L| math::exp::<L>(x);
    ExponentialMinusOne |x, L| math::exp_m1::<L>(x);
    Log |x, L| math::log::<L>(x);
    LogPlusOne |x, L| math::log_1p::<L>(x);
    Logistic |x, L| math::logistic::<L>(x);
    Tanh |x, L| math::tanh::<L>(x);
    Erf |x, L| math::erf::<L>(x);
});
float_table!(float64, f64, {
    Exponential |x, L| x.exp();
    ExponentialMinusOne |x, L| x.exp_m1();
    Log |x, L| x.ln();
    LogPlusOne |x, L| x.ln_1p();
    Logistic |x, L| 1.0 / (1.0 + (-x).exp());
    Tanh |x, L| x.tanh();
    Erf |x, L| libm::erf(x);
});

macro_rules! integer_table {
    ($module:ident, $t:ty, $unsigned:ty, $signed:ty) => {
        // Unsigned numbers are never below 0.
        #[allow(unused_comparisons)]
        mod $module {
            use super::*;
            maps! {
                Abs: $t => $t, |x, L| if x < (0 as $t) { x.wrapping_neg() } else { x };
                Negate: $t => $t, |x, L| x.wrapping_neg();
                Sign: $t => $t, |x, L| (x > 0) as $t - (x < (0 as $t)) as $t;
                Not: $t => $t, |x, L| !x;
            }
            zips! {
                Add<$t> => $t, |x, y| x.wrapping_add(y);
                Subtract<$t> => $t, |x, y| x.wrapping_sub(y);
                Multiply<$t> => $t, |x, y| x.wrapping_mul(y);
                Divide<$t> => $t, |x, y| if y == 0 { 0 } else { x.wrapping_div(y) };
                Remainder<$t> => $t, |x, y| if y == 0 { 0 } else { x.wrapping_rem(y) };
                Maximum<$t> => $t, |x, y| if x > y { x } else { y };
                Minimum<$t> => $t, |x, y| if x < y { x } else { y };
                Power<$t> => $t, |x, y| power(x as i64, y as i64) as $t;
                And<$t> => $t, |x, y| x & y;
                Or<$t> => $t, |x, y| x | y;
                Xor<$t> => $t, |x, y| x ^ y;
                ShiftLeft<$t> => $t, |x, y| {
                    if (y as $unsigned) < <$t>::BITS as $unsigned { x << (y as u32 & (<$t>::BITS - 1)) } else { 0 }
                };
                ShiftRightLogical<$t> => $t, |x, y| {
                    if (y as $unsigned) < <$t>::BITS as $unsigned {
                        ((x as $unsigned) >> (y as u32 & (<$t>::BITS - 1))) as $t
                    } else {
                        0
                    }
                };
                ShiftRightArithmetic<$t> => $t, |x, y| {
                    ((x as $signed) >> (y as $unsigned).min((<$t>::BITS - 1) as $unsigned)) as $t
                };
            }
            pub(super) fn unary(op: UnaryOp, simd: Simd) -> Option<BlockLoop> {
                Some(unary_table!(op, simd, [Abs Negate Sign Not]
                    [Exponential ExponentialMinusOne Log LogPlusOne Logistic Tanh Sqrt Rsqrt Cbrt Sine Cosine Tan Asin Acos
                    Atan Sinh Cosh Asinh Acosh Atanh Erf ErfInv Floor Ceil RoundNearestEven IsFinite]))
            }
            pub(super) fn binary(op: BinaryOp, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
                Some(binary_table!(op, simd, per_row, [Add Subtract Multiply Divide Remainder Maximum Minimum
                    Power And Or Xor ShiftLeft ShiftRightArithmetic ShiftRightLogical] [Atan2]))
            }
        }
    };
}
integer_table!(signed32, i32, u32, i32);
integer_table!(signed64, i64, u64, i64);
integer_table!(unsigned32, u32, u32, i32);
integer_table!(unsigned8, u8, u8, i8);

/// Wrapping power. A negative exponent gives the fraction cut towards zero: 0, unless the base is 1 or -1.
fn power(base: i64, exponent: i64) -> i64 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 => 1 - 2 * (exponent & 1),
            _ => 0,
        };
    }
    let (mut result, mut square, mut left) = (1i64, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left >>= 1;
    }
    result
}

/// Functions of 16-bit floats that are not `f32`'s rounded: exact ones rounded once.
mod narrow {
    use super::*;
    use refrain_graph::{bf16, f16, round_to_odd};
    maps! {
        F16: f16 => f16, |x, L| f16::from_f32(round_to_odd(special::erf_inv(x.to_f64())));
        Bf16: bf16 => bf16, |x, L| bf16::from_f32(round_to_odd(special::erf_inv(x.to_f64())));
    }
}

mod truth {
    use super::*;
    maps! { Not: u8 => u8, |x, L| x ^ 1; }
    zips! {
        And<u8> => u8, |x, y| x & y;
        Or<u8> => u8, |x, y| x | y;
        Xor<u8> => u8, |x, y| x ^ y;
        Maximum<u8> => u8, |x, y| x | y;
        Minimum<u8> => u8, |x, y| x & y;
    }
    pub(super) fn binary(op: BinaryOp, per_row: [bool; 2], simd: Simd) -> Option<BlockLoop> {
        Some(
            binary_table!(op, simd, per_row, [And Or Xor Maximum Minimum]
            [Add Subtract Multiply Divide Power Remainder Atan2 ShiftLeft ShiftRightArithmetic ShiftRightLogical]),
        )
    }
}
