//! Functions of the bits of integers, and of their divisors.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, UnaryOp};

use super::arithmetic::{counted, operands};
use super::definition::{OpResult, operations, to};
use super::{Operand, ScanOptions, prim, scan};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// Declares functions of two integers that work element by element.
macro_rules! integer_functions {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        $name:ident = $class:literal as $signature:literal => $call:expr;
    )* }) => {
        $crate::ops::definition::operations! { $table in $defs { $(
            $(#[$meta])*
            ///
            /// Element by element; shapes broadcast as in NumPy. Floats are an error.
            ///
            /// ```
            /// use refrain::{DType, Input, ops};
            /// let x = Input::new([3]).dtype(DType::I32).tensor();
            #[doc = concat!("let y = ops::", stringify!($name), "(&x, 2);")]
            /// assert_eq!((y.shape(), y.dtype()), (x.shape(), DType::I32));
            /// ```
            pub fn $name(a: impl Into<Operand>, b: impl Into<Operand>) -> Tensor { [to::<Operand>(a), to::<Operand>(b)] }
            "ops.numpy" / $class as $signature [Operand, Operand] => $call;
        )* }}
    };
}

/// The two operands in their common type, which floats are not.
fn integers(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let (a, b) = operands(inputs)?;
    let (a, b) = prim::unify(&a, &b)?;
    match a.dtype().is_float() {
        false => Ok((a, b)),
        true => Err(Error::mismatch(
            ErrorKind::DType,
            "integers",
            a.dtype().keras_name(),
        )),
    }
}

fn bits(inputs: &Inputs, op: BinaryOp) -> OpResult {
    let (a, b) = integers(inputs)?;
    Ok(prim::binary(op, &a, &b)?.into())
}

fn invert(inputs: &Inputs) -> OpResult {
    Ok(prim::unary(UnaryOp::Not, inputs.one()?)?.into())
}

/// By as many bits as there are, nothing is left but copies of the sign.
fn shift(inputs: &Inputs, left: bool) -> OpResult {
    let (a, b) = integers(inputs)?;
    let (a, b) = (counted(&a)?, counted(&b)?);
    let signed = matches!(a.dtype(), DType::I32 | DType::I64);
    let width = 8.0 * a.dtype().size() as f64;
    let (zero, last) = (
        prim::constant_like(&b, 0.0)?,
        prim::constant_like(&b, width - 1.0)?,
    );
    let below = prim::compare(Comparison::Le, &b, &last)?;
    let above = prim::compare(Comparison::Ge, &b, &zero)?;
    let inside = prim::binary(BinaryOp::And, &below, &above)?;
    let by = prim::select(&inside, &b, &last)?;
    let shifted = match (left, signed) {
        (true, _) => prim::binary(BinaryOp::ShiftLeft, &a, &by)?,
        (false, true) => return Ok(prim::binary(BinaryOp::ShiftRightArithmetic, &a, &by)?.into()),
        (false, false) => prim::binary(BinaryOp::ShiftRightLogical, &a, &by)?,
    };
    Ok(prim::select(&inside, &shifted, &prim::constant_like(&a, 0.0)?)?.into())
}

/// Euclid's algorithm, with as many steps as numbers of this type can need: Fibonacci's need the most.
fn common_divisor(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let steps: Dim = match a.dtype().size() {
        8 => Some(92),
        4 => Some(47),
        _ => Some(13),
    };
    let options = ScanOptions {
        reverse: false,
        length: steps,
    };
    let (last, _) = scan(&[a.clone(), b.clone()], &[], options, |pair, _| {
        let [a, b] = [&pair[0], &pair[1]];
        let zero = prim::constant_like(b, 0.0)?;
        let done = prim::compare(Comparison::Eq, b, &zero)?;
        let rest = prim::binary(BinaryOp::Remainder, a, b)?;
        let next = [
            prim::select(&done, a, b)?,
            prim::select(&done, &zero, &rest)?,
        ];
        Ok((next.to_vec(), Vec::new()))
    })?;
    last.into_iter()
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a loop of two numbers"))
}

/// Both operands without their signs.
fn sizes(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let (a, b) = integers(inputs)?;
    match a.dtype() {
        DType::Bool => Err(Error::mismatch(ErrorKind::DType, "integers", "bool")),
        DType::I32 | DType::I64 => Ok((a.abs(), b.abs())),
        _ => Ok((a, b)),
    }
}

fn lcm_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (a, b) = sizes(inputs)?;
    let divisor = common_divisor(&a, &b)?;
    // Division by 0 gives 0.
    let quotient = prim::binary(BinaryOp::Divide, &b, &divisor)?;
    Ok(prim::binary(BinaryOp::Multiply, &a, &quotient)?.into())
}

integer_functions! { TABLE in table {
    /// The bits that both have.
    bitwise_and = "BitwiseAnd" as "bitwise_and(x, y)" => |i, _| bits(i, BinaryOp::And);
    /// The bits that either has.
    bitwise_or = "BitwiseOr" as "bitwise_or(x, y)" => |i, _| bits(i, BinaryOp::Or);
    /// The bits that one of them has.
    bitwise_xor = "BitwiseXor" as "bitwise_xor(x, y)" => |i, _| bits(i, BinaryOp::Xor);
    /// Bits moved up.
    bitwise_left_shift = "BitwiseLeftShift" as "bitwise_left_shift(x, y)" => |i, _| shift(i, true);
    /// Bits moved down; the sign stays.
    bitwise_right_shift = "BitwiseRightShift" as "bitwise_right_shift(x, y)" => |i, _| shift(i, false);
    /// [`bitwise_left_shift`] under another name.
    left_shift = "LeftShift" as "left_shift(x, y)" => |i, _| shift(i, true);
    /// [`bitwise_right_shift`] under another name.
    right_shift = "RightShift" as "right_shift(x, y)" => |i, _| shift(i, false);
    /// The greatest common divisor; 0 of two zeros.
    gcd = "Gcd" as "gcd(x1, x2)" => |i, _| {
        let (a, b) = sizes(i)?;
        Ok(common_divisor(&a, &b)?.into())
    };
    /// The least common multiple; 0 beside 0.
    lcm = "Lcm" as "lcm(x1, x2)" => lcm_call;
}}

operations! { UNARY in unary {
    /// The bits that it does not have; of truth values, whether they do not hold.
    ///
    /// Floats are an error.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let x = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::bitwise_invert(&x).dtype(), DType::I32);
    /// ```
    pub fn bitwise_invert(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "BitwiseInvert" as "bitwise_invert(x)" [Tensor] => |inputs, _| invert(inputs);
    /// [`bitwise_invert`] under another name.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let x = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::bitwise_not(&x).dtype(), DType::I32);
    /// ```
    pub fn bitwise_not(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "BitwiseNot" as "bitwise_not(x)" [Tensor] => |inputs, _| invert(inputs);
}}
