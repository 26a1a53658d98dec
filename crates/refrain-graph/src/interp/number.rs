//! Arithmetic on all element types through three accumulators: f64 for floats, i64 for integers, `bool`.
//!
//! Computing in the accumulator and rounding once gives floats the nearest result there is, and gives integers the
//! wrapping of their own width (two's complement is a ring, so cutting off upper bits may wait until the end).

use half::{bf16, f16};

use super::{float, integer};
use crate::{BinaryOp, Element, GraphError, Reduction, UnaryOp, round_to_odd};

/// A type that computations are done in. `bits` is the width of the element type it stands for.
pub(super) trait Accumulator: Copy + PartialOrd {
    const ZERO: Self;
    const ONE: Self;
    /// `None` where the primitive is not defined for the type.
    fn unary(self, op: UnaryOp, bits: u32) -> Option<Self>;
    /// `None` where the primitive is not defined for the type.
    fn binary(self, op: BinaryOp, other: Self, bits: u32) -> Option<Self>;
    fn is_nan(self) -> bool;
    fn is_finite(self) -> bool;
    fn from_index(index: usize) -> Self;
}

impl Accumulator for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    fn unary(self, op: UnaryOp, _bits: u32) -> Option<f64> {
        float::unary(op, self)
    }
    fn binary(self, op: BinaryOp, other: f64, _bits: u32) -> Option<f64> {
        float::binary(op, self, other)
    }
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
    fn from_index(index: usize) -> f64 {
        index as f64
    }
}

impl Accumulator for i64 {
    const ZERO: i64 = 0;
    const ONE: i64 = 1;
    fn unary(self, op: UnaryOp, _bits: u32) -> Option<i64> {
        integer::unary(op, self)
    }
    fn binary(self, op: BinaryOp, other: i64, bits: u32) -> Option<i64> {
        integer::binary(op, self, other, bits)
    }
    fn is_nan(self) -> bool {
        false
    }
    fn is_finite(self) -> bool {
        true
    }
    fn from_index(index: usize) -> i64 {
        index as i64
    }
}

impl Accumulator for bool {
    const ZERO: bool = false;
    const ONE: bool = true;
    fn unary(self, op: UnaryOp, _bits: u32) -> Option<bool> {
        (op == UnaryOp::Not).then_some(!self)
    }
    fn binary(self, op: BinaryOp, other: bool, _bits: u32) -> Option<bool> {
        match op {
            BinaryOp::Add | BinaryOp::Or | BinaryOp::Maximum => Some(self | other),
            BinaryOp::Multiply | BinaryOp::And | BinaryOp::Minimum => Some(self & other),
            BinaryOp::Xor => Some(self ^ other),
            _ => None,
        }
    }
    fn is_nan(self) -> bool {
        false
    }
    fn is_finite(self) -> bool {
        true
    }
    fn from_index(index: usize) -> bool {
        index != 0
    }
}

/// An element type with its accumulator.
pub(super) trait Number: Element {
    type Acc: Accumulator;
    const BITS: u32;
    /// The identity of the maximum.
    const LOWEST: Self::Acc;
    /// The identity of the minimum.
    const HIGHEST: Self::Acc;
    fn widen(self) -> Self::Acc;
    /// Rounds to nearest (floats) or cuts off upper bits (integers).
    fn narrow(acc: Self::Acc) -> Self;
}

macro_rules! number {
    ($($t:ty, $acc:ty, $bits:literal, $lowest:expr, $highest:expr, |$x:ident| $widen:expr, |$y:ident| $narrow:expr;)*) => {$(
        impl Number for $t {
            type Acc = $acc;
            const BITS: u32 = $bits;
            const LOWEST: $acc = $lowest;
            const HIGHEST: $acc = $highest;
            fn widen(self) -> $acc { let $x = self; $widen }
            fn narrow($y: $acc) -> Self { $narrow }
        }
    )*};
}

number! {
    f64, f64, 64, f64::NEG_INFINITY, f64::INFINITY, |x| x, |y| y;
    f32, f64, 32, f64::NEG_INFINITY, f64::INFINITY, |x| f64::from(x), |y| y as f32;
    f16, f64, 16, f64::NEG_INFINITY, f64::INFINITY, |x| x.to_f64(), |y| f16::from_f32(round_to_odd(y));
    bf16, f64, 16, f64::NEG_INFINITY, f64::INFINITY, |x| x.to_f64(), |y| bf16::from_f32(round_to_odd(y));
    i64, i64, 64, i64::MIN, i64::MAX, |x| x, |y| y;
    i32, i64, 32, i32::MIN as i64, i32::MAX as i64, |x| i64::from(x), |y| y as i32;
    u32, i64, 32, 0, u32::MAX as i64, |x| i64::from(x), |y| y as u32;
    u8, i64, 8, 0, u8::MAX as i64, |x| i64::from(x), |y| y as u8;
    bool, bool, 1, false, true, |x| x, |y| y;
}

/// The elementwise primitive that combines two elements of a reduction.
pub(super) fn combiner(kind: Reduction) -> BinaryOp {
    match kind {
        Reduction::Sum => BinaryOp::Add,
        Reduction::Product => BinaryOp::Multiply,
        Reduction::Max => BinaryOp::Maximum,
        Reduction::Min => BinaryOp::Minimum,
        Reduction::And => BinaryOp::And,
        Reduction::Or => BinaryOp::Or,
    }
}

/// What an empty reduction gives.
pub(super) fn identity<T: Number>(kind: Reduction) -> T::Acc {
    match kind {
        Reduction::Sum | Reduction::Or => T::Acc::ZERO,
        Reduction::Product | Reduction::And => T::Acc::ONE,
        Reduction::Max => T::LOWEST,
        Reduction::Min => T::HIGHEST,
    }
}

/// `accumulator = op(accumulator, element)`.
pub(super) fn fold<T: Number>(
    op: BinaryOp,
    accumulator: &mut T::Acc,
    element: T::Acc,
) -> Result<(), GraphError> {
    *accumulator = accumulator
        .binary(op, element, T::BITS)
        .ok_or_else(|| undefined::<T>(op.name()))?;
    Ok(())
}

/// The error of a primitive that is not defined for a type.
pub(super) fn undefined<T: Number>(name: &str) -> GraphError {
    GraphError::new(format!(
        "{name} is not defined for elements of type {}",
        T::DTYPE
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bit_floats_round_once() {
        // Just above the middle of 1 and the next f16 (1 + 2^-10): an f32 on the way would round it to the tie, and the
        // tie to 1.
        let above_tie = 1.0 + f64::powi(2.0, -11) + f64::powi(2.0, -40);
        assert_eq!(f16::narrow(above_tie).to_f64(), 1.0 + f64::powi(2.0, -10));
        assert_eq!(f16::narrow(1.0 + f64::powi(2.0, -11)).to_f64(), 1.0);
        assert_eq!(f16::narrow(-above_tie).to_f64(), -1.0 - f64::powi(2.0, -10));
        let above_tie = 1.0 + f64::powi(2.0, -8) + f64::powi(2.0, -40);
        assert_eq!(bf16::narrow(above_tie).to_f64(), 1.0 + f64::powi(2.0, -7));
        assert!(f16::narrow(f64::NAN).is_nan());
        assert_eq!(f16::narrow(1e300), f16::INFINITY);
        assert_eq!(f16::narrow(-1e300), f16::NEG_INFINITY);
        assert_eq!(f16::narrow(65519.99).to_f64(), 65504.0);
        assert_eq!(f16::narrow(65520.0), f16::INFINITY);
    }
}
