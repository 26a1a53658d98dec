//! Elementwise arithmetic, and the operators on tensors.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use ndarray::{ArrayBase, Data, Dimension};
use refrain_graph::{BinaryOp, Comparison, DType, UnaryOp};
use serde_json::Value as Json;

use super::definition::{binary_functions, operations, unary_functions};
use super::reduce::wide;
use super::{OpDef, ParameterKind, absent, dtype, prim, tensor_argument};
use crate::config::number_from_json;
use crate::config::{Config, dtype_from_json};
use crate::data::Sample;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// What can stand beside a tensor in arithmetic: a tensor, an array or a number.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number: it takes the tensor's type if that is a float type, else it makes the result f32, as in Keras.
    Number(f64),
    /// An integer; it takes the tensor's type, as in Keras.
    Integer(i64),
}

impl From<&Tensor> for Operand {
    fn from(t: &Tensor) -> Self {
        Operand::Tensor(t.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(t: Tensor) -> Self {
        Operand::Tensor(t)
    }
}

impl<T: Sample, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Operand {
    fn from(array: &ArrayBase<S, D>) -> Self {
        Operand::Tensor(array.into())
    }
}

impl From<&Operand> for Operand {
    fn from(o: &Operand) -> Self {
        o.clone()
    }
}

macro_rules! numbers {
    ($($t:ty => $variant:ident as $to:ty),*) => {$(
        impl From<$t> for Operand {
            fn from(n: $t) -> Self { Operand::$variant(n as $to) }
        }
    )*};
}
numbers!(f32 => Number as f64, f64 => Number as f64, i32 => Integer as i64, i64 => Integer as i64, usize => Integer as i64);

/// An argument as a traced tensor; a number takes the type of the tensor beside it.
pub(crate) fn operand(
    inputs: &Inputs,
    position: usize,
    name: &str,
    beside: &Tensor,
) -> Result<Tensor> {
    if let Some(t) = inputs.tensor(position, name) {
        return Ok(t.clone());
    }
    let missing = || {
        let expected = format!("a tensor or a number as argument `{name}`");
        Error::mismatch(ErrorKind::Structure, expected, "none")
    };
    let json = inputs.plain(position, name).ok_or_else(missing)?;
    if json.is_array() {
        return tensor_argument(inputs, position, name);
    }
    if let Some(truth) = json.as_bool() {
        return prim::constant_of(beside, DType::Bool, f64::from(u8::from(truth)));
    }
    let number = number_from_json(json).ok_or_else(missing)?;
    let dtype = match (beside.dtype(), json.is_i64() || json.is_u64()) {
        (dtype, _) if dtype.is_float() => dtype,
        (DType::Bool, true) => DType::I32,
        (dtype, true) => dtype,
        (_, false) => DType::F32,
    };
    prim::constant_of(beside, dtype, number)
}

/// The two operands of a call as traced tensors; a number takes the type of the tensor beside it.
pub(crate) fn operands(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let first = super::beside(inputs)?;
    Ok((
        operand(inputs, 0, "x1", first)?,
        operand(inputs, 1, "x2", first)?,
    ))
}

/// The two operands in their common type of floats; integers become f32.
pub(crate) fn float_operands(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let (a, b) = operands(inputs)?;
    common_float(&a, &b)
}

fn common_float(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let dtype = prim::float_type(prim::promote(a.dtype(), b.dtype()));
    Ok((prim::convert(a, dtype)?, prim::convert(b, dtype)?))
}

/// Sums and products of truth values are truth values.
fn binary_call(inputs: &Inputs, op: BinaryOp) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let op = match (op, prim::promote(a.dtype(), b.dtype())) {
        (BinaryOp::Add, DType::Bool) => BinaryOp::Or,
        (BinaryOp::Multiply, DType::Bool) => BinaryOp::And,
        _ => op,
    };
    Ok(prim::binary(op, &a, &b)?.into())
}

/// [`float_operands`], where a number with a fraction beside 16-bit floats is one of `f32`: Keras makes an array of it first.
pub(super) fn wide_operands(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let plain = [inputs.plain(0, "x1"), inputs.plain(1, "x2")];
    let fraction = plain.into_iter().flatten().any(Json::is_f64);
    let (a, b) = match fraction {
        true => {
            let first = wide(super::beside(inputs)?)?;
            (
                operand(inputs, 0, "x1", &first)?,
                operand(inputs, 1, "x2", &first)?,
            )
        }
        false => operands(inputs)?,
    };
    common_float(&a, &b)
}

/// Truth values as integers.
pub(super) fn counted(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::Bool => prim::convert(x, DType::I32),
        _ => Ok(x.clone()),
    }
}

fn compare_call(inputs: &Inputs, op: Comparison) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    Ok(prim::compare(op, &a, &b)?.into())
}

/// Division of integers gives floats, as in NumPy.
fn divide_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = float_operands(inputs)?;
    Ok(prim::binary(BinaryOp::Divide, &a, &b)?.into())
}

/// Where the divisor is 0, 1 stands in its place before the division, so that gradients there are 0 too.
fn divide_no_nan_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = float_operands(inputs)?;
    let zero = prim::compare(Comparison::Eq, &b, &prim::constant_like(&b, 0.0)?)?;
    let divisor = prim::select(&zero, &prim::constant_like(&b, 1.0)?, &b)?;
    let quotient = prim::binary(BinaryOp::Divide, &a, &divisor)?;
    Ok(prim::select(&zero, &prim::constant_like(&quotient, 0.0)?, &quotient)?.into())
}

/// `a - floor(a / b) * b`: the sign of the divisor, as in Python.
fn mod_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    Ok(floored_remainder(&counted(&a)?, &b)?.into())
}

fn floored_remainder(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let remainder = prim::binary(BinaryOp::Remainder, a, b)?;
    let zero = prim::constant_like(&remainder, 0.0)?;
    let moved = prim::binary(BinaryOp::Add, &remainder, b)?;
    let nonzero = prim::compare(Comparison::Ne, &remainder, &zero)?;
    let negative = prim::compare(Comparison::Lt, &remainder, &zero)?;
    let divisor = prim::compare(Comparison::Lt, b, &prim::constant_like(b, 0.0)?)?;
    let differs = prim::compare(Comparison::Ne, &negative, &divisor)?;
    let wrong = prim::binary(BinaryOp::And, &nonzero, &differs)?;
    prim::select(&wrong, &moved, &remainder)
}

/// The lower six bits of exponents count alone, as in JAX: those beyond give 0 or overflow, negative ones do not divide.
fn power_of_integers(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let bits = prim::binary(BinaryOp::And, b, &prim::constant_like(b, 63.0)?)?;
    let power = prim::binary(BinaryOp::Power, a, &bits)?;
    let zero = |x: &Tensor, op| prim::compare(op, x, &prim::constant_like(x, 0.0)?);
    let nothing = prim::binary(
        BinaryOp::And,
        &zero(a, Comparison::Eq)?,
        &zero(b, Comparison::Ne)?,
    )?;
    prim::select(&nothing, &prim::constant_like(&power, 0.0)?, &power)
}

/// Small whole exponents are products: exact, and differentiable below zero.
fn power_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let a = counted(&a)?;
    let exponent = inputs.plain(1, "x2").and_then(Json::as_i64);
    Ok(match exponent {
        Some(1) => prim::copy(&a)?.into(),
        Some(2) => (&a * &a).into(),
        Some(3) => (&a * &a * &a).into(),
        Some(4) => {
            let square = &a * &a;
            (&square * &square).into()
        }
        _ if prim::promote(a.dtype(), b.dtype()).is_float() => {
            prim::binary(BinaryOp::Power, &a, &b)?.into()
        }
        _ => power_of_integers(&a, &counted(&b)?)?.into(),
    })
}

/// `(a - remainder) / b`, less 1 where the remainder has another sign than `b`: exact for integers, and not off by one for floats
/// near whole numbers. Division by 0 gives infinities.
fn floor_divide_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    if !prim::promote(a.dtype(), b.dtype()).is_float() {
        return Ok(floor_divide_integers(&counted(&a)?, &b)?.into());
    }
    let remainder = prim::binary(BinaryOp::Remainder, &a, &b)?;
    let whole = prim::binary(BinaryOp::Subtract, &a, &remainder)?;
    let by_zero = prim::compare(Comparison::Eq, &b, &prim::constant_like(&b, 0.0)?)?;
    let quotient = prim::select(&by_zero, &a, &whole)? / &b;
    let left = prim::compare(
        Comparison::Ne,
        &remainder,
        &prim::constant_like(&remainder, 0.0)?,
    )?;
    let differs = prim::compare(Comparison::Ne, &b.sign(), &remainder.sign())?;
    let beyond = prim::binary(BinaryOp::And, &left, &differs)?;
    let down = prim::select(&beyond, &(&quotient - 1), &quotient)?;
    Ok(prim::unary(UnaryOp::RoundNearestEven, &down)?.into())
}

/// By 0 it is -1 of 0 and -2 of other numbers, or the largest unsigned number: what XLA's -1 is, rounded down.
fn floor_divide_integers(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let whole = prim::binary(BinaryOp::Subtract, a, &floored_remainder(a, b)?)?;
    let quotient = prim::binary(BinaryOp::Divide, &whole, b)?;
    let by_zero = prim::compare(Comparison::Eq, b, &prim::constant_like(b, 0.0)?)?;
    let without = |value| prim::constant_like(&quotient, value);
    let without = match quotient.dtype() {
        unsigned @ (DType::U8 | DType::U32) => without(prim::limits(unsigned).1)?,
        _ => {
            let zero = prim::compare(Comparison::Eq, a, &prim::constant_like(a, 0.0)?)?;
            prim::select(&zero, &without(-1.0)?, &without(-2.0)?)?
        }
    };
    prim::select(&by_zero, &without, &quotient)
}

binary_functions! { BINARY in binary {
    /// Sum, elementwise.
    add = "Add" as "add(x1, x2)", "tf.add(x, y)" => |i, _| binary_call(i, BinaryOp::Add);
    /// Difference, elementwise.
    subtract = "Subtract" as "subtract(x1, x2)", "tf.subtract(x, y)" => |i, _| binary_call(i, BinaryOp::Subtract);
    /// Product, elementwise.
    multiply = "Multiply" as "multiply(x1, x2)", "tf.multiply(x, y)" => |i, _| binary_call(i, BinaryOp::Multiply);
    /// Quotient, elementwise; of integers it is a float.
    divide = "Divide" as "divide(x1, x2)", "tf.divide(x, y)", "tf.truediv(x, y)" => divide_call;
    /// [`divide`], with 0 where the divisor is 0.
    divide_no_nan = "DivideNoNan" as "divide_no_nan(x1, x2)", "tf.divide_no_nan(x, y)" => divide_no_nan_call;
    /// [`divide`] under the name that the operator `/` has.
    true_divide = "TrueDivide" as "true_divide(x1, x2)" => divide_call;
    /// Remainder with the sign of the divisor.
    modulo = "Mod" as "mod(x1, x2)", "tf.mod(x, y)", "tf.floormod(x, y)" => mod_call;
    /// `a` to the power `b`, elementwise; of integers the lower six bits of `b` count alone, as in Keras on JAX.
    power = "Power" as "power(x1, x2)", "K.pow(x, a)", "tf.pow(x, y)" => power_call;
    /// The larger of two elements; NaN wins.
    maximum = "Maximum" as "maximum(x1, x2)", "K.maximum(x, y)", "tf.maximum(x, y)" => |i, _| binary_call(i, BinaryOp::Maximum);
    /// The smaller of two elements; NaN wins.
    minimum = "Minimum" as "minimum(x1, x2)", "K.minimum(x, y)", "tf.minimum(x, y)" => |i, _| binary_call(i, BinaryOp::Minimum);
    /// The angle of the point (`b`, `a`) in radians.
    arctan2 = "Arctan2" as "arctan2(x1, x2)", "tf.atan2(y, x)" => |i, _| {
        let (a, b) = wide_operands(i)?;
        Ok(prim::binary(BinaryOp::Atan2, &a, &b)?.into())
    };
    /// Whether elements are equal.
    equal = "Equal" as "equal(x1, x2)", "K.equal(x, y)", "tf.equal(x, y)" => |i, _| compare_call(i, Comparison::Eq);
    /// Whether elements differ.
    not_equal = "NotEqual" as "not_equal(x1, x2)", "K.not_equal(x, y)", "tf.not_equal(x, y)" => |i, _| compare_call(i, Comparison::Ne);
    /// Whether `a` is less than `b`.
    less = "Less" as "less(x1, x2)", "K.less(x, y)", "tf.less(x, y)" => |i, _| compare_call(i, Comparison::Lt);
    /// Whether `a` is at most `b`.
    less_equal = "LessEqual" as "less_equal(x1, x2)", "K.less_equal(x, y)", "tf.less_equal(x, y)" => |i, _| compare_call(i, Comparison::Le);
    /// Whether `a` is greater than `b`.
    greater = "Greater" as "greater(x1, x2)", "K.greater(x, y)", "tf.greater(x, y)" => |i, _| compare_call(i, Comparison::Gt);
    /// Whether `a` is at least `b`.
    greater_equal = "GreaterEqual" as "greater_equal(x1, x2)", "K.greater_equal(x, y)", "tf.greater_equal(x, y)" => |i, _| compare_call(i, Comparison::Ge);
    /// Quotient rounded down; of integers by 0 what Keras on JAX gives (-2, of 0 it is -1, the largest number of unsigned ones).
    floor_divide = "FloorDivide" as "floor_divide(x1, x2)", "tf.floordiv(x, y)" => floor_divide_call;
}}

/// The one input of a function that needs floats: integers become f32.
pub(crate) fn float_input(inputs: &Inputs) -> Result<Tensor> {
    as_float(inputs.one()?)
}

/// Integers as f32.
pub(crate) fn as_float(x: &Tensor) -> Result<Tensor> {
    prim::convert(x, prim::float_type(x.dtype()))
}

fn float(inputs: &Inputs, op: UnaryOp) -> Result<Structure<Tensor>> {
    Ok(prim::unary(op, &float_input(inputs)?)?.into())
}

unary_functions! { UNARY in unary {
    /// Absolute value.
    abs = "ops.numpy" / "Absolute" as "abs(x)", "absolute(x)", "K.abs(x)", "tf.abs(x)" => |i, _| match i.one()? {
        x if x.dtype() == DType::Bool => Ok(prim::copy(x)?.into()),
        x => Ok(prim::unary(UnaryOp::Abs, x)?.into()),
    };
    /// Negation; unsigned integers wrap.
    negative = "ops.numpy" / "Negative" as "negative(x)", "tf.negative(x)" => |i, _| match i.one()? {
        x if matches!(x.dtype(), DType::U8 | DType::U32) => {
            Ok(prim::binary(BinaryOp::Subtract, &prim::constant_like(x, 0.0)?, x)?.into())
        }
        x => Ok(prim::unary(UnaryOp::Negate, x)?.into()),
    };
    /// -1, 0 or 1.
    sign = "ops.numpy" / "Sign" as "sign(x)", "K.sign(x)", "tf.sign(x)" => |i, _| Ok(prim::unary(UnaryOp::Sign, i.one()?)?.into());
    /// The square.
    square = "ops.numpy" / "Square" as "square(x)", "K.square(x)", "tf.square(x)" => |i, _| {
        let x = counted(i.one()?)?;
        Ok(prim::binary(BinaryOp::Multiply, &x, &x)?.into())
    };
    /// The square root.
    sqrt = "ops.numpy" / "Sqrt" as "sqrt(x)", "tf.sqrt(x)" => |i, _| float(i, UnaryOp::Sqrt);
    /// One over the square root.
    rsqrt = "ops.math" / "Rsqrt" as "rsqrt(x)", "tf.rsqrt(x)" => |i, _| float(i, UnaryOp::Rsqrt);
    /// The cube root.
    cbrt = "ops.numpy" / "Cbrt" as "cbrt(x)" => |i, _| float(i, UnaryOp::Cbrt);
    /// e to the power of each element.
    exp = "ops.numpy" / "Exp" as "exp(x)", "K.exp(x)", "tf.exp(x)" => |i, _| float(i, UnaryOp::Exponential);
    /// `exp(x) - 1`, exact for small `x`.
    expm1 = "ops.numpy" / "Expm1" as "expm1(x)", "tf.expm1(x)" => |i, _| float(i, UnaryOp::ExponentialMinusOne);
    /// Natural logarithm.
    log = "ops.numpy" / "Log" as "log(x)", "K.log(x)", "tf.log(x)" => |i, _| float(i, UnaryOp::Log);
    /// `log(1 + x)`, exact for small `x`.
    log1p = "ops.numpy" / "Log1p" as "log1p(x)", "tf.log1p(x)" => |i, _| float(i, UnaryOp::LogPlusOne);
    /// Hyperbolic tangent.
    tanh = "ops.numpy" / "Tanh" as "tanh(x)", "K.tanh(x)", "tf.tanh(x)" => |i, _| float(i, UnaryOp::Tanh);
    /// Sine, of radians.
    sin = "ops.numpy" / "Sin" as "sin(x)", "K.sin(x)", "tf.sin(x)" => |i, _| float(i, UnaryOp::Sine);
    /// Cosine, of radians.
    cos = "ops.numpy" / "Cos" as "cos(x)", "K.cos(x)", "tf.cos(x)" => |i, _| float(i, UnaryOp::Cosine);
    /// Tangent, of radians.
    tan = "ops.numpy" / "Tan" as "tan(x)", "tf.tan(x)" => |i, _| float(i, UnaryOp::Tan);
    /// Inverse sine, in radians.
    arcsin = "ops.numpy" / "Arcsin" as "arcsin(x)", "tf.asin(x)" => |i, _| float(i, UnaryOp::Asin);
    /// Inverse cosine, in radians.
    arccos = "ops.numpy" / "Arccos" as "arccos(x)", "tf.acos(x)" => |i, _| float(i, UnaryOp::Acos);
    /// Inverse tangent, in radians.
    arctan = "ops.numpy" / "Arctan" as "arctan(x)", "tf.atan(x)" => |i, _| float(i, UnaryOp::Atan);
    /// Hyperbolic sine.
    sinh = "ops.numpy" / "Sinh" as "sinh(x)", "tf.sinh(x)" => |i, _| float(i, UnaryOp::Sinh);
    /// Hyperbolic cosine.
    cosh = "ops.numpy" / "Cosh" as "cosh(x)", "tf.cosh(x)" => |i, _| float(i, UnaryOp::Cosh);
    /// Inverse hyperbolic sine.
    arcsinh = "ops.numpy" / "Arcsinh" as "arcsinh(x)", "tf.asinh(x)" => |i, _| float(i, UnaryOp::Asinh);
    /// Inverse hyperbolic cosine.
    arccosh = "ops.numpy" / "Arccosh" as "arccosh(x)", "tf.acosh(x)" => |i, _| float(i, UnaryOp::Acosh);
    /// Inverse hyperbolic tangent.
    arctanh = "ops.numpy" / "Arctanh" as "arctanh(x)", "tf.atanh(x)" => |i, _| float(i, UnaryOp::Atanh);
    /// The error function.
    erf = "ops.math" / "Erf" as "erf(x)", "tf.erf(x)" => |i, _| float(i, UnaryOp::Erf);
    /// The inverse of the error function.
    erfinv = "ops.math" / "Erfinv" as "erfinv(x)" => |i, _| float(i, UnaryOp::ErfInv);
    /// Rounds down.
    floor = "ops.numpy" / "Floor" as "floor(x)", "tf.floor(x)" => |i, _| float(i, UnaryOp::Floor);
    /// Rounds up.
    ceil = "ops.numpy" / "Ceil" as "ceil(x)", "tf.ceil(x)" => |i, _| float(i, UnaryOp::Ceil);
    /// Whether elements are neither NaN nor infinite.
    isfinite = "ops.numpy" / "Isfinite" as "isfinite(x)", "tf.is_finite(x)" => |i, _| float(i, UnaryOp::IsFinite);
    /// One over each element.
    reciprocal = "ops.numpy" / "Reciprocal" as "reciprocal(x)", "tf.reciprocal(x)" => |i, _| Ok((1.0 / &float_input(i)?).into());
    /// 2 to the power of each element.
    exp2 = "ops.numpy" / "Exp2" as "exp2(x)" => |i, _| Ok((float_input(i)? * std::f64::consts::LN_2).exp().into());
    /// Logarithm to base 2.
    log2 = "ops.numpy" / "Log2" as "log2(x)" => |i, _| Ok((float_input(i)?.log() / std::f64::consts::LN_2).into());
    /// Logarithm to base 10.
    log10 = "ops.numpy" / "Log10" as "log10(x)" => |i, _| Ok((float_input(i)?.log() / std::f64::consts::LN_10).into());
}}

macro_rules! operators {
    ($($trait:ident, $method:ident, $function:ident;)*) => {$(
        impl<O: Into<Operand>> $trait<O> for &Tensor {
            type Output = Tensor;
            fn $method(self, other: O) -> Tensor { $function(self, other) }
        }
        impl<O: Into<Operand>> $trait<O> for Tensor {
            type Output = Tensor;
            fn $method(self, other: O) -> Tensor { $function(self, other) }
        }
        impl $trait<&Tensor> for f64 {
            type Output = Tensor;
            fn $method(self, other: &Tensor) -> Tensor { $function(self, other) }
        }
        impl $trait<Tensor> for f64 {
            type Output = Tensor;
            fn $method(self, other: Tensor) -> Tensor { $function(self, other) }
        }
    )*};
}

operators! {
    Add, add, add;
    Sub, sub, subtract;
    Mul, mul, multiply;
    Div, div, true_divide;
    Rem, rem, modulo;
}

impl Neg for &Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        negative(self)
    }
}

impl Neg for Tensor {
    type Output = Tensor;

    fn neg(self) -> Tensor {
        negative(&self)
    }
}

/// Keras's conversion of a tensor to another type, which is a function in files.
pub(super) static CONVERT_TO_TENSOR: OpDef = OpDef {
    function: None,
    class: "ConvertToTensor",
    module: "ops.core",
    signature: "convert_to_tensor(x, dtype=None, sparse=None, ragged=None)",
    kinds: &[
        ParameterKind::Tensor,
        ParameterKind::OptionalType,
        ParameterKind::Plain,
        ParameterKind::Plain,
    ],
    aliases: &[],
    differences: &[],
    call: |inputs, config| {
        absent(config, &["sparse", "ragged"])?;
        let x = inputs.one()?;
        Ok(prim::convert(x, dtype(config)?.unwrap_or(x.dtype()))?.into())
    },
};

operations! { TABLE in table {
    /// Another element type.
    ///
    /// In the shape of `x`. Floats lose their fractions in integers; everything but 0 is true.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::cast(input([3]), DType::I32).dtype(), DType::I32);
    /// ```
    pub fn cast(x: impl AsRef<Tensor>, dtype: DType) -> Tensor { [x.as_ref(), dtype] }
    "ops.core" / "Cast" as "cast(x, dtype)" [Tensor, Type], "K.cast(x, dtype)", "tf.cast(x, dtype)" => |inputs, config| {
        let dtype = config.get("dtype").unwrap_or(&Json::Null);
        Ok(prim::convert(inputs.one()?, dtype_from_json(dtype)?)?.into())
    };
}}

/// Floats as another type, as layers take them; integers and truth values as they are.
pub(crate) fn cast_floats(x: &Tensor, dtype: DType) -> Tensor {
    match x.dtype().is_float() && x.dtype() != dtype {
        true => cast(x, dtype),
        false => x.clone(),
    }
}
