//! Elementwise primitives on integers, computed in i64 and cut to `bits` by the caller.

use crate::{BinaryOp, UnaryOp};

/// `None` where the primitive is not defined for integers.
pub(super) fn unary(op: UnaryOp, x: i64) -> Option<i64> {
    match op {
        UnaryOp::Abs => Some(x.wrapping_abs()),
        UnaryOp::Negate => Some(x.wrapping_neg()),
        UnaryOp::Sign => Some(x.signum()),
        UnaryOp::Not => Some(!x),
        UnaryOp::Floor | UnaryOp::Ceil | UnaryOp::RoundNearestEven => Some(x),
        _ => None,
    }
}

/// `None` where the primitive is not defined for integers.
pub(super) fn binary(op: BinaryOp, a: i64, b: i64, bits: u32) -> Option<i64> {
    Some(match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Subtract => a.wrapping_sub(b),
        BinaryOp::Multiply => a.wrapping_mul(b),
        BinaryOp::Divide if b == 0 => 0,
        BinaryOp::Divide => a.wrapping_div(b),
        BinaryOp::Remainder if b == 0 => 0,
        BinaryOp::Remainder => a.wrapping_rem(b),
        BinaryOp::Maximum => a.max(b),
        BinaryOp::Minimum => a.min(b),
        BinaryOp::Power => power(a, b),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::ShiftLeft => amount(b, bits).map_or(0, |n| a << n),
        BinaryOp::ShiftRightLogical => {
            let unsigned = a as u64 & (u64::MAX >> (u64::BITS - bits));
            amount(b, bits).map_or(0, |n| (unsigned >> n) as i64)
        }
        BinaryOp::ShiftRightArithmetic => {
            let unused = i64::BITS - bits;
            let signed = a << unused >> unused;
            signed >> amount(b, bits).unwrap_or(bits - 1)
        }
        BinaryOp::Atan2 => return None,
    })
}

/// A shift's distance, if it leaves any bit in place.
fn amount(b: i64, bits: u32) -> Option<u32> {
    u32::try_from(b).ok().filter(|&n| n < bits)
}

/// Wrapping power. A negative exponent gives the fraction cut towards zero, so 0 unless the base is 1 or -1.
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
