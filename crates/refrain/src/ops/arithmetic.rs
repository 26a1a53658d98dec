//! Elementwise arithmetic, and the operators on tensors.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use refrain_graph::{BinaryOp, Comparison, DType, UnaryOp};
use serde_json::Value as Json;

use super::{OpDef, apply, prim};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Config;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// What can stand beside a tensor in arithmetic: a tensor or a number.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number; it takes the tensor's type, as in Keras.
    Number(f64),
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

impl From<&Operand> for Operand {
    fn from(o: &Operand) -> Self {
        o.clone()
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl From<$t> for Operand {
            fn from(n: $t) -> Self { Operand::Number(n as f64) }
        }
    )*};
}
numbers!(f32, f64, i32, i64, usize);

impl Operand {
    /// Appends it to the arguments of a call.
    fn push_to(self, inputs: Inputs) -> Inputs {
        match self {
            Operand::Tensor(t) => inputs.arg(t),
            Operand::Number(n) if n.fract() == 0.0 && n.abs() < 2f64.powi(53) => {
                inputs.value(Json::from(n as i64))
            }
            Operand::Number(n) => inputs.value(n),
        }
    }
}

/// The two operands of a call as traced tensors; a number takes the type of the tensor beside it.
pub(crate) fn operands(inputs: &Inputs) -> Result<(Tensor, Tensor)> {
    let tensors = inputs.tensors();
    let first = *tensors
        .first()
        .ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor operand", "only numbers"))?;
    let operand = |position: usize, name: &str| -> Result<Tensor> {
        if let Some(t) = inputs.tensor(position, name) {
            return Ok(t.clone());
        }
        let number = inputs.plain(position, name).and_then(Json::as_f64);
        let number =
            number.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "two operands", "fewer"))?;
        let dtype = match number.fract() == 0.0 && first.dtype() != DType::Bool {
            true => first.dtype(),
            false => prim::promote(first.dtype(), DType::F32),
        };
        prim::constant_of(first, dtype, number)
    };
    Ok((operand(0, "x1")?, operand(1, "x2")?))
}

fn binary_call(inputs: &Inputs, op: BinaryOp) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    Ok(prim::binary(op, &a, &b)?.into())
}

fn compare_call(inputs: &Inputs, op: Comparison) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    Ok(prim::compare(op, &a, &b)?.into())
}

/// Division of integers gives floats, as in NumPy.
fn divide_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let dtype = match prim::promote(a.dtype(), b.dtype()) {
        dtype if dtype.is_float() => dtype,
        _ => DType::F32,
    };
    let (a, b) = (prim::convert(&a, dtype)?, prim::convert(&b, dtype)?);
    Ok(prim::binary(BinaryOp::Divide, &a, &b)?.into())
}

/// `a - floor(a / b) * b`: the sign of the divisor, as in Python.
fn mod_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let remainder = prim::binary(BinaryOp::Remainder, &a, &b)?;
    let zero = prim::constant_like(&remainder, 0.0)?;
    let moved = prim::binary(BinaryOp::Add, &remainder, &b)?;
    let nonzero = prim::compare(Comparison::Ne, &remainder, &zero)?;
    let negative = prim::compare(Comparison::Lt, &remainder, &zero)?;
    let divisor = prim::compare(Comparison::Lt, &b, &prim::constant_like(&b, 0.0)?)?;
    let differs = prim::compare(Comparison::Ne, &negative, &divisor)?;
    let wrong = prim::binary(BinaryOp::And, &nonzero, &differs)?;
    Ok(prim::select(&wrong, &moved, &remainder)?.into())
}

macro_rules! binary_functions {
    ($($(#[$doc:meta])* $name:ident, $class:literal, $call:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(a: impl Into<Operand>, b: impl Into<Operand>) -> Tensor {
            static DEF: OpDef = OpDef { class: $class, module: "numpy", call: $call };
            let inputs = b.into().push_to(a.into().push_to(Inputs::default()));
            apply(&DEF, inputs, Config::new())
        }
    )*};
}

binary_functions! {
    /// Sum, elementwise.
    add, "Add", |i, _| binary_call(i, BinaryOp::Add);
    /// Difference, elementwise.
    subtract, "Subtract", |i, _| binary_call(i, BinaryOp::Subtract);
    /// Product, elementwise.
    multiply, "Multiply", |i, _| binary_call(i, BinaryOp::Multiply);
    /// Quotient, elementwise; of integers it is a float.
    divide, "Divide", divide_call;
    /// Remainder with the sign of the divisor.
    modulo, "Mod", mod_call;
    /// `a` to the power `b`, elementwise.
    power, "Power", |i, _| binary_call(i, BinaryOp::Power);
    /// The larger of two elements; NaN wins.
    maximum, "Maximum", |i, _| binary_call(i, BinaryOp::Maximum);
    /// The smaller of two elements; NaN wins.
    minimum, "Minimum", |i, _| binary_call(i, BinaryOp::Minimum);
    /// The angle of the point (`b`, `a`) in radians.
    arctan2, "Arctan2", |i, _| binary_call(i, BinaryOp::Atan2);
    /// Whether elements are equal.
    equal, "Equal", |i, _| compare_call(i, Comparison::Eq);
    /// Whether elements differ.
    not_equal, "NotEqual", |i, _| compare_call(i, Comparison::Ne);
    /// Whether `a` is less than `b`.
    less, "Less", |i, _| compare_call(i, Comparison::Lt);
    /// Whether `a` is at most `b`.
    less_equal, "LessEqual", |i, _| compare_call(i, Comparison::Le);
    /// Whether `a` is greater than `b`.
    greater, "Greater", |i, _| compare_call(i, Comparison::Gt);
    /// Whether `a` is at least `b`.
    greater_equal, "GreaterEqual", |i, _| compare_call(i, Comparison::Ge);
}

/// The one input of a function that needs floats: integers become f32.
pub(crate) fn float_input(inputs: &Inputs) -> Result<Tensor> {
    let x = inputs.one()?;
    match x.dtype().is_float() {
        true => Ok(x.clone()),
        false => prim::convert(x, DType::F32),
    }
}

macro_rules! unary_functions {
    ($($(#[$doc:meta])* $name:ident, $class:literal, $module:literal, $call:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &Tensor) -> Tensor {
                static DEF: OpDef = OpDef { class: $class, module: $module, call: $call };
                apply(&DEF, Inputs::new(x), Config::new())
            }
        )*
        impl Tensor {
            $(
                #[doc = concat!("See [`ops::", stringify!($name), "`](crate::ops::", stringify!($name), ").")]
                pub fn $name(&self) -> Tensor { $name(self) }
            )*
        }
    };
}

fn plain(inputs: &Inputs, op: UnaryOp) -> Result<Structure<Tensor>> {
    Ok(prim::unary(op, inputs.one()?)?.into())
}

fn float(inputs: &Inputs, op: UnaryOp) -> Result<Structure<Tensor>> {
    Ok(prim::unary(op, &float_input(inputs)?)?.into())
}

unary_functions! {
    /// Absolute value.
    abs, "Absolute", "numpy", |i, _| plain(i, UnaryOp::Abs);
    /// Negation.
    negative, "Negative", "numpy", |i, _| plain(i, UnaryOp::Negate);
    /// -1, 0 or 1.
    sign, "Sign", "numpy", |i, _| plain(i, UnaryOp::Sign);
    /// The square.
    square, "Square", "numpy", |i, _| Ok(prim::binary(BinaryOp::Multiply, i.one()?, i.one()?)?.into());
    /// The square root.
    sqrt, "Sqrt", "numpy", |i, _| float(i, UnaryOp::Sqrt);
    /// One over the square root.
    rsqrt, "Rsqrt", "math", |i, _| float(i, UnaryOp::Rsqrt);
    /// The cube root.
    cbrt, "Cbrt", "numpy", |i, _| float(i, UnaryOp::Cbrt);
    /// e to the power of each element.
    exp, "Exp", "numpy", |i, _| float(i, UnaryOp::Exponential);
    /// `exp(x) - 1`, exact for small `x`.
    expm1, "Expm1", "numpy", |i, _| float(i, UnaryOp::ExponentialMinusOne);
    /// Natural logarithm.
    log, "Log", "numpy", |i, _| float(i, UnaryOp::Log);
    /// `log(1 + x)`, exact for small `x`.
    log1p, "Log1p", "numpy", |i, _| float(i, UnaryOp::LogPlusOne);
    /// Hyperbolic tangent.
    tanh, "Tanh", "numpy", |i, _| float(i, UnaryOp::Tanh);
    /// Sine, of radians.
    sin, "Sin", "numpy", |i, _| float(i, UnaryOp::Sine);
    /// Cosine, of radians.
    cos, "Cos", "numpy", |i, _| float(i, UnaryOp::Cosine);
    /// Tangent, of radians.
    tan, "Tan", "numpy", |i, _| float(i, UnaryOp::Tan);
    /// Inverse sine, in radians.
    arcsin, "Arcsin", "numpy", |i, _| float(i, UnaryOp::Asin);
    /// Inverse cosine, in radians.
    arccos, "Arccos", "numpy", |i, _| float(i, UnaryOp::Acos);
    /// Inverse tangent, in radians.
    arctan, "Arctan", "numpy", |i, _| float(i, UnaryOp::Atan);
    /// Hyperbolic sine.
    sinh, "Sinh", "numpy", |i, _| float(i, UnaryOp::Sinh);
    /// Hyperbolic cosine.
    cosh, "Cosh", "numpy", |i, _| float(i, UnaryOp::Cosh);
    /// Inverse hyperbolic sine.
    arcsinh, "Arcsinh", "numpy", |i, _| float(i, UnaryOp::Asinh);
    /// Inverse hyperbolic cosine.
    arccosh, "Arccosh", "numpy", |i, _| float(i, UnaryOp::Acosh);
    /// Inverse hyperbolic tangent.
    arctanh, "Arctanh", "numpy", |i, _| float(i, UnaryOp::Atanh);
    /// The error function.
    erf, "Erf", "math", |i, _| float(i, UnaryOp::Erf);
    /// The inverse of the error function.
    erfinv, "Erfinv", "math", |i, _| float(i, UnaryOp::ErfInv);
    /// Rounds down.
    floor, "Floor", "numpy", |i, _| float(i, UnaryOp::Floor);
    /// Rounds up.
    ceil, "Ceil", "numpy", |i, _| float(i, UnaryOp::Ceil);
    /// Whether elements are neither NaN nor infinite.
    isfinite, "Isfinite", "numpy", |i, _| float(i, UnaryOp::IsFinite);
}

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
    Div, div, divide;
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

/// Another element type.
pub fn cast(x: &Tensor, dtype: DType) -> Tensor {
    static DEF: OpDef = OpDef {
        class: "Cast",
        module: "core",
        call: |inputs, config| {
            let name = config.get("dtype").and_then(Json::as_str).unwrap_or("");
            let dtype = DType::from_keras_name(name)
                .ok_or_else(|| Error::mismatch(ErrorKind::DType, "an element type", name))?;
            Ok(prim::convert(inputs.one()?, dtype)?.into())
        },
    };
    let mut config = Config::new();
    config.insert("dtype".to_owned(), Json::from(dtype.keras_name()));
    apply(&DEF, Inputs::new(x), config)
}
