//! Further elementwise functions of NumPy: special functions, angles, signs, infinities.

use std::f64::consts::{LN_2, PI};

use refrain_graph::{BinaryOp, Comparison, DType};

use super::activation::compare;
use super::arithmetic::{counted, float_input, float_operands, operand, operands, wide_operands};
use super::definition::{OpResult, binary_functions, operations, to, unary_functions};
use super::reduce::{narrow, wide};
use super::{
    Axes, Operand, all, arctan2, beside, dtype, maximum, minimum, option, power, prim, series,
    where_,
};
use crate::config::{Config, number_from_json};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// 16-bit floats are rounded once, at the end.
fn by_series(inputs: &Inputs, function: fn(&Tensor) -> Result<Tensor>) -> OpResult {
    let x = inputs.one()?;
    Ok(narrow(&function(&wide(x)?)?, x)?.into())
}

fn sinc_call(inputs: &Inputs, _: &Config) -> OpResult {
    let x = float_input(inputs)?;
    let zero = compare(Comparison::Eq, &x, 0.0)?;
    let angle = where_(&zero, 1, &x * PI);
    Ok(where_(&zero, 1, angle.sin() / &angle).into())
}

/// Of floats also of -0.
fn signbit_call(inputs: &Inputs, _: &Config) -> OpResult {
    let x = inputs.one()?;
    let zero = prim::constant_like(x, 0.0)?;
    let negative = prim::compare(Comparison::Lt, x, &zero)?;
    if !x.dtype().is_float() {
        return Ok(negative.into());
    }
    let inverse = compare(Comparison::Eq, &(1.0 / x), f64::NEG_INFINITY)?;
    Ok(prim::binary(BinaryOp::Or, &negative, &inverse)?.into())
}

fn is(inputs: &Inputs, value: f64) -> OpResult {
    Ok(compare(Comparison::Eq, &float_input(inputs)?, value)?.into())
}

unary_functions! { UNARY in unary {
    /// Absolute value; of integers it is a float.
    fabs = "ops.numpy" / "Fabs" as "fabs(x)" => |i, _| Ok(float_input(i)?.abs().into());
    /// Degrees as radians.
    deg2rad = "ops.numpy" / "Deg2rad" as "deg2rad(x)" => |i, _| Ok((float_input(i)? * (PI / 180.0)).into());
    /// Radians as degrees.
    rad2deg = "ops.numpy" / "Rad2deg" as "rad2deg(x)" => |i, _| Ok((float_input(i)? * (180.0 / PI)).into());
    /// `sin(πx) / (πx)`, 1 at 0.
    sinc = "ops.numpy" / "Sinc" as "sinc(x)" => sinc_call;
    /// 1 minus the error function, exact where it is small.
    erfc = "ops.math" / "Erfc" as "erfc(x)" => |i, _| by_series(i, series::erfc);
    /// The modified Bessel function of the first kind and order 0.
    i0 = "ops.numpy" / "I0" as "i0(x)" => |i, _| by_series(i, series::i0);
    /// Whether elements are negative, -0 among them; NaN counts as positive.
    signbit = "ops.numpy" / "Signbit" as "signbit(x)" => signbit_call;
    /// Whether elements are infinite and positive.
    isposinf = "ops.numpy" / "Isposinf" as "isposinf(x)" => |i, _| is(i, f64::INFINITY);
    /// Whether elements are infinite and negative.
    isneginf = "ops.numpy" / "Isneginf" as "isneginf(x)" => |i, _| is(i, f64::NEG_INFINITY);
    /// Whether elements are real numbers, which all are here.
    isreal = "ops.numpy" / "Isreal" as "isreal(x)" => |i, _| Ok(prim::full(i.one()?, &i.one()?.shape(), DType::Bool, 1.0)?.into());
    /// The real part: the same numbers.
    real = "ops.numpy" / "Real" as "real(x)" => |i, _| Ok(prim::copy(i.one()?)?.into());
    /// The imaginary part: zeros.
    imag = "ops.numpy" / "Imag" as "imag(x)" => |i, _| Ok(prim::full(i.one()?, &i.one()?.shape(), i.one()?.dtype(), 0.0)?.into());
    /// The complex conjugate: the same numbers.
    conjugate = "ops.numpy" / "Conjugate" as "conjugate(x)", "conj(x)" => |i, _| Ok(prim::copy(i.one()?)?.into());
    /// The angle in the complex plane in radians: 0, or π of negative numbers.
    angle = "ops.numpy" / "Angle" as "angle(x)" => |i, _| Ok(arctan2(0, float_input(i)?).into());
    /// The same numbers.
    copy = "ops.numpy" / "Copy" as "copy(x)" => |i, _| Ok(prim::copy(i.one()?)?.into());
}}

/// `a` where the comparison holds or `b` is NaN.
fn but_nan(inputs: &Inputs, op: Comparison) -> OpResult {
    let (a, b) = operands(inputs)?;
    let wins = prim::compare(op, &a, &b)?;
    let wins = prim::binary(BinaryOp::Or, &wins, &prim::compare(Comparison::Ne, &b, &b)?)?;
    Ok(prim::select(&wins, &a, &b)?.into())
}

/// The logarithm of the sum of two exponentials to a base, around the larger one; infinities are as they are.
fn logaddexp_call(inputs: &Inputs, ln_base: f64) -> OpResult {
    let (a, b) = wide_operands(inputs)?;
    let distance = &a - &b;
    let undefined = distance.isnan();
    let distance = where_(&undefined, 0, distance.abs());
    let above = (distance * -ln_base).exp().log1p() / ln_base;
    Ok(where_(&undefined, &a + &b, maximum(&a, &b) + above).into())
}

/// Without overflow of the squares.
fn hypot_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (a, b) = float_operands(inputs)?;
    let (a, b) = (a.abs(), b.abs());
    let infinite = prim::binary(BinaryOp::Or, &a.isinf(), &b.isinf())?;
    let (large, small) = (maximum(&a, &b), minimum(&a, &b));
    let zero = compare(Comparison::Eq, &large, 0.0)?;
    let ratio = small / where_(&zero, 1, &large);
    let length = where_(&zero, &large, &large * (ratio.square() + 1).sqrt());
    Ok(where_(&infinite, f64::INFINITY, length).into())
}

fn heaviside_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (x, at_zero) = float_operands(inputs)?;
    let other = where_(&x.isnan(), &x, at_zero);
    let upper = where_(&compare(Comparison::Gt, &x, 0.0)?, 1, other);
    Ok(where_(&compare(Comparison::Lt, &x, 0.0)?, 0, upper).into())
}

fn ldexp_call(inputs: &Inputs, _: &Config) -> OpResult {
    let x = operand(inputs, 0, "x1", beside(inputs)?)?;
    let exponent = operand(inputs, 1, "x2", beside(inputs)?)?;
    let dtype = prim::float_type(x.dtype());
    let (x, exponent) = (prim::convert(&x, dtype)?, prim::convert(&exponent, dtype)?);
    // Two factors, as one may be infinite where the product is not.
    let half = (&exponent * 0.5).floor();
    let rest = exponent - &half;
    Ok((x * power(2.0, half) * power(2.0, rest)).into())
}

/// The digits of a type of floats, and the exponent of its smallest number.
fn digits(dtype: DType) -> (i32, i32) {
    match dtype {
        DType::F64 => (53, -1074),
        DType::F16 => (11, -24),
        DType::BF16 => (8, -133),
        _ => (24, -149),
    }
}

/// More than half a step is added in `f64`, and rounded: Rump, Zimmermann, Boldo, Melquiond, 2009. Small numbers of `f64` are computed
/// as larger ones.
fn nextafter_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (a, b) = float_operands(inputs)?;
    let (a, b) = prim::unify(&a, &b)?;
    let (digits, last) = digits(a.dtype());
    let power = |exponent: i32| 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
    let part = power(-digits) * (1.0 + 2.0 * power(-digits));
    let x = prim::convert(&a, DType::F64)?;
    let number = |value| prim::constant_like(&x, value);
    let down = prim::select(&super::less(&b, &a), &number(-1.0)?, &number(0.0)?)?;
    let sign = prim::select(&super::greater(&b, &a), &number(1.0)?, &down)?;
    let tiny = compare(Comparison::Lt, &x.abs(), power(-900))?;
    let scale = prim::select(&tiny, &number(power(200))?, &number(1.0)?)?;
    let scaled = &x * &scale;
    let next = (&scaled + scaled.abs() * part * &sign) / scale;
    let small = compare(Comparison::Lt, &x.abs(), 2.0 * power(last + digits - 1))?;
    let next = where_(small, &x + &sign * power(last), next);
    let largest = prim::limits(a.dtype()).1;
    let positive = compare(Comparison::Gt, &x, 0.0)?;
    let end = prim::select(&positive, &number(largest)?, &number(-largest)?)?;
    let next = where_(x.isinf(), end, next);
    let next = prim::convert(&next.checked()?, a.dtype())?;
    let undefined = super::logical_or(a.isnan(), b.isnan());
    Ok(where_(undefined, f64::NAN, where_(super::equal(&a, &b), &b, next)).into())
}

binary_functions! { BINARY in binary {
    /// The float next to `a` in the direction of `b`, which it is if both are equal.
    nextafter = "Nextafter" as "nextafter(x1, x2)" => nextafter_call;
    /// The larger of two elements; a number wins over NaN.
    fmax = "Fmax" as "fmax(x1, x2)" => |i, _| but_nan(i, Comparison::Gt);
    /// The smaller of two elements; a number wins over NaN.
    fmin = "Fmin" as "fmin(x1, x2)" => |i, _| but_nan(i, Comparison::Lt);
    /// Remainder with the sign of the dividend; of integers by 0 it is 0, of truth values what they are.
    fmod = "Fmod" as "fmod(x1, x2)" => |i, _| {
        let (a, b) = operands(i)?;
        let remainder = prim::binary(BinaryOp::Remainder, &counted(&a)?, &b)?;
        if a.dtype() != DType::Bool {
            return Ok(remainder.into());
        }
        let by_zero = prim::compare(Comparison::Eq, &b, &prim::constant_like(&b, 0.0)?)?;
        Ok(prim::select(&by_zero, &a, &remainder)?.into())
    };
    /// 0 below 0, 1 above, `b` at 0.
    heaviside = "Heaviside" as "heaviside(x1, x2)" => heaviside_call;
    /// The length of the hypotenuse over two sides.
    hypot = "Hypot" as "hypot(x1, x2)" => hypot_call;
    /// `log(exp(a) + exp(b))` without overflow.
    logaddexp = "Logaddexp" as "logaddexp(x1, x2)" => |i, _| logaddexp_call(i, 1.0);
    /// The same to base 2.
    logaddexp2 = "Logaddexp2" as "logaddexp2(x1, x2)" => |i, _| logaddexp_call(i, LN_2);
}}

operations! { TABLE in table {
    /// `x · 2^exponent`, the exponents integers.
    ///
    /// Shapes broadcast as in NumPy.
    ///
    /// ```
    /// use refrain::{DType, Input, input, ops};
    /// let exponents = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::ldexp(&input([3]), &exponents).dtype(), DType::F32);
    /// ```
    pub fn ldexp(x: impl Into<Operand>, exponent: impl Into<Operand>) -> Tensor {
        [to::<Operand>(x), to::<Operand>(exponent)]
    }
    "ops.numpy" / "Ldexp" as "ldexp(x1, x2)" [Operand, Operand] => ldexp_call;
    /// NaN and infinities replaced; `None`: by the largest and the smallest number of the type.
    ///
    /// In the shape of `x`. Keras replaces NaN by 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::nan_to_num(input([3]), 0.0, None, None).shape().to_string(), "(None, 3)");
    /// ```
    pub fn nan_to_num(x: impl AsRef<Tensor>, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Tensor {
        [x.as_ref(), nan, posinf, neginf]
    }
    "ops.numpy" / "NanToNum" as "nan_to_num(x, nan=0.0, posinf=None, neginf=None)"
    [Tensor, Number, OptionalNumber, OptionalNumber] => nan_to_num_call;
    /// Whether `|a - b|` is at most `atol + rtol · |b|`; equal infinities are close, NaN are with `equal_nan`.
    ///
    /// Shapes broadcast as in NumPy. Keras has 1e-5, 1e-8 and `false` by default.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::isclose(&input([3]), 1.0, 1e-5, 1e-8, false).dtype(), DType::Bool);
    /// ```
    pub fn isclose(a: impl Into<Operand>, b: impl Into<Operand>, rtol: f64, atol: f64, equal_nan: bool) -> Tensor {
        [to::<Operand>(a), to::<Operand>(b), rtol, atol, equal_nan]
    }
    "ops.numpy" / "Isclose" as "isclose(x1, x2, rtol=1e-05, atol=1e-08, equal_nan=False)"
    [Operand, Operand, Named, Named, Flag] => |inputs, config| {
        let number = |position, name, default| {
            let given = inputs.plain(position, name);
            given.and_then(number_from_json).unwrap_or(default)
        };
        let (rtol, atol) = (number(2, "rtol", 1e-5), number(3, "atol", 1e-8));
        Ok(close(inputs, config, rtol, atol)?.into())
    };
    /// Whether all elements are close, as [`isclose`] says.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::allclose(&input([3]), 1.0, 1e-5, 1e-8, false).rank(), 0);
    /// ```
    pub fn allclose(a: impl Into<Operand>, b: impl Into<Operand>, rtol: f64, atol: f64, equal_nan: bool) -> Tensor {
        [to::<Operand>(a), to::<Operand>(b), rtol, atol, equal_nan]
    }
    "ops.numpy" / "AllClose" as "allclose(x1, x2, rtol=1e-05, atol=1e-08, equal_nan=False)"
    [Operand, Operand, Number, Number, Flag] => |inputs, config| {
        let close = close(inputs, config, option(config, "rtol")?, option(config, "atol")?)?;
        Ok(all(close, Axes::All, false).into())
    };
    /// Another element type; numbers beyond its limits become the limits.
    ///
    /// In the shape of `x`.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::saturate_cast(input([3]), DType::U8).dtype(), DType::U8);
    /// ```
    pub fn saturate_cast(x: impl AsRef<Tensor>, dtype: DType) -> Tensor { [x.as_ref(), dtype] }
    "ops.core" / "SaturateCast" as "saturate_cast(x, dtype)" [Tensor, Type] => |inputs, config| {
        let x = inputs.one()?;
        let to = dtype(config)?.unwrap_or(x.dtype());
        let (low, high) = prim::limits(to);
        let (own_low, own_high) = prim::limits(x.dtype());
        let (low, high) = (low.max(own_low), high.min(own_high));
        Ok(prim::convert(&within(x, low, high)?, to)?.into())
    };
    /// Zeros in the shape of a tensor, by default of its type; in Keras any numbers.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::empty_like(input([3]), None).shape().to_string(), "(None, 3)");
    /// ```
    pub fn empty_like(x: impl AsRef<Tensor>, dtype: Option<DType>) -> Tensor { [x.as_ref(), dtype] }
    "ops.numpy" / "EmptyLike" as "empty_like(x, dtype=None)" [Tensor, OptionalType] => |inputs, config| {
        let x = inputs.one()?;
        let to = dtype(config)?.unwrap_or(x.dtype());
        Ok(prim::full(x, &x.shape(), to, 0.0)?.into())
    };
}}

/// NaN stays; conversions of floats saturate where a limit is not among them.
fn within(x: &Tensor, low: f64, high: f64) -> Result<Tensor> {
    let raised = prim::binary(BinaryOp::Maximum, x, &prim::constant_like(x, low)?)?;
    prim::binary(BinaryOp::Minimum, &raised, &prim::constant_like(x, high)?)
}

fn nan_to_num_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    if !x.dtype().is_float() {
        return Ok(prim::copy(x)?.into());
    }
    let (low, high) = prim::limits(x.dtype());
    let or =
        |name, limit| -> Result<f64> { Ok(option::<Option<f64>>(config, name)?.unwrap_or(limit)) };
    let (posinf, neginf) = (or("posinf", high)?, or("neginf", low)?);
    let y = where_(&x.isnan(), option::<f64>(config, "nan")?, x);
    let y = where_(&compare(Comparison::Eq, &y, f64::INFINITY)?, posinf, &y);
    Ok(where_(&compare(Comparison::Eq, &y, f64::NEG_INFINITY)?, neginf, &y).into())
}

fn close(inputs: &Inputs, config: &Config, rtol: f64, atol: f64) -> Result<Tensor> {
    let (a, b) = float_operands(inputs)?;
    let limit = b.abs() * rtol + atol;
    let near = prim::compare(Comparison::Le, &(&a - &b).abs(), &limit)?;
    let near = prim::binary(BinaryOp::And, &near, &b.isfinite())?;
    let equal = prim::compare(Comparison::Eq, &a, &b)?;
    let close = prim::binary(BinaryOp::Or, &near, &equal)?;
    if !option::<bool>(config, "equal_nan")? {
        return Ok(close);
    }
    let both = prim::binary(BinaryOp::And, &a.isnan(), &b.isnan())?;
    prim::binary(BinaryOp::Or, &close, &both)
}
