//! Truth values, rounding, and constants in another tensor's shape.

use refrain_graph::{BinaryOp, Comparison, DType, Op, Reduction, UnaryOp};

use super::arithmetic::{Operand, counted, float_input, operand, operands};
use super::definition::{binary_functions, operations, to, unary_functions};
use super::reduce::reduce;
use super::{dtype, flatten_from, option, prim, tensor_argument};
use crate::config::Config;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

fn truth(inputs: &Inputs, op: BinaryOp) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let (a, b) = (
        prim::convert(&a, DType::Bool)?,
        prim::convert(&b, DType::Bool)?,
    );
    Ok(prim::binary(op, &a, &b)?.into())
}

binary_functions! { BINARY in binary {
    /// Whether both hold.
    logical_and = "LogicalAnd" as "logical_and(x1, x2)", "tf.logical_and(x, y)" => |i, _| truth(i, BinaryOp::And);
    /// Whether either holds.
    logical_or = "LogicalOr" as "logical_or(x1, x2)", "tf.logical_or(x, y)" => |i, _| truth(i, BinaryOp::Or);
    /// Whether exactly one holds.
    logical_xor = "LogicalXor" as "logical_xor(x1, x2)", "tf.logical_xor(x, y)" => |i, _| truth(i, BinaryOp::Xor);
}}

unary_functions! { UNARY in unary {
    /// Whether it does not hold.
    logical_not = "ops.numpy" / "LogicalNot" as "logical_not(x)", "tf.logical_not(x)" => |i, _| {
        Ok(prim::unary(UnaryOp::Not, &prim::convert(i.one()?, DType::Bool)?)?.into())
    };
    /// Whether elements are NaN.
    isnan = "ops.numpy" / "Isnan" as "isnan(x)", "tf.is_nan(x)" => |i, _| Ok(prim::compare(Comparison::Ne, i.one()?, i.one()?)?.into());
    /// Whether elements are infinite.
    isinf = "ops.numpy" / "Isinf" as "isinf(x)", "tf.is_inf(x)" => |i, _| {
        let x = float_input(i)?;
        let infinite = prim::constant_like(&x, f64::INFINITY)?;
        Ok(prim::compare(Comparison::Eq, &prim::unary(UnaryOp::Abs, &x)?, &infinite)?.into())
    };
    /// Rounds towards zero.
    trunc = "ops.numpy" / "Trunc" as "trunc(x)" => |i, _| {
        let x = i.one()?;
        match x.dtype().is_float() {
            true => Ok((x.sign() * x.abs().floor()).into()),
            false => Ok(x.clone().into()),
        }
    };
}}

operations! { TABLE in table {
    /// Rounded to so many decimals (negative: to tens, hundreds, …); ties go to the even number.
    ///
    /// In the shape and type of `x`. Keras rounds to 0 decimals by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::round(input([3]), 2).shape().to_string(), "(None, 3)");
    /// ```
    pub fn round(x: impl AsRef<Tensor>, decimals: i64) -> Tensor { [x.as_ref(), decimals] }
    "ops.numpy" / "Round" as "round(x, decimals=0)" [Tensor, Integer], "K.round(x)", "tf.round(x)" => round_call;
    /// Elements brought between two limits.
    ///
    /// In the shape of `x`; integers stay integers between whole limits.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::clip(input([3]), -1.0, 1.0).shape().to_string(), "(None, 3)");
    /// ```
    pub fn clip(x: impl AsRef<Tensor>, low: f64, high: f64) -> Tensor { [x.as_ref(), low, high] }
    "ops.numpy" / "Clip" as "clip(x, x_min, x_max)" [Tensor, Number, Number],
    "tf.clip_by_value(t, clip_value_min, clip_value_max)" => clip_call;
    /// Zeros in the shape of a tensor, by default of its type.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// let zeros = ops::zeros_like(input([3]), Some(DType::I32));
    /// assert_eq!((zeros.shape(), zeros.dtype()), (input([3]).shape(), DType::I32));
    /// ```
    pub fn zeros_like(x: impl AsRef<Tensor>, dtype: Option<DType>) -> Tensor { [x.as_ref(), dtype] }
    "ops.numpy" / "ZerosLike" as "zeros_like(x, dtype=None)" [Tensor, OptionalType],
    "K.zeros_like(x, dtype=None)", "tf.zeros_like(input, dtype=None)" => |inputs, config| filled(inputs, config, 0.0);
    /// Ones in the shape of a tensor, by default of its type.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// assert_eq!(ops::ones_like(input([3]), None).dtype(), DType::F32);
    /// ```
    pub fn ones_like(x: impl AsRef<Tensor>, dtype: Option<DType>) -> Tensor { [x.as_ref(), dtype] }
    "ops.numpy" / "OnesLike" as "ones_like(x, dtype=None)" [Tensor, OptionalType],
    "K.ones_like(x, dtype=None)", "tf.ones_like(input, dtype=None)" => |inputs, config| filled(inputs, config, 1.0);
    /// One value, or those of a tensor, in the shape of a tensor, by default of its type.
    ///
    /// A value whose shape does not broadcast to that of `x` is an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::full_like(input([3]), 2.5, None).shape().to_string(), "(None, 3)");
    /// ```
    pub fn full_like(x: impl AsRef<Tensor>, value: impl Into<Operand>, dtype: Option<DType>) -> Tensor {
        [x.as_ref(), to::<Operand>(value), dtype]
    }
    "ops.numpy" / "FullLike" as "full_like(x, fill_value, dtype=None)" [Tensor, Operand, OptionalType] => |inputs, config| {
        let x = tensor_argument(inputs, 0, "x")?;
        let dtype = dtype(config)?.unwrap_or(x.dtype());
        let value = prim::convert(&operand(inputs, 1, "fill_value", &x)?, dtype)?;
        Ok(prim::broadcast_to(&value, &x.shape())?.into())
    };
    /// Whether elements are among those of `x2`, or with `invert` whether they are not.
    ///
    /// In the shape of `x1`.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, ops};
    /// let some = ops::convert_to_tensor(&array![1.0_f32, 2.0]);
    /// assert_eq!(ops::isin(&input([3]), &some, false).shape().to_string(), "(None, 3)");
    /// ```
    pub fn isin(x1: &Tensor, x2: &Tensor, invert: bool) -> Tensor { [x1, x2, false, invert] }
    "ops.numpy" / "IsIn" as "isin(x1, x2, assume_unique=False, invert=False)" [Tensor, Indices, Flag, Flag] => |inputs, config| {
        let (x, set) = (tensor_argument(inputs, 0, "x1")?, tensor_argument(inputs, 1, "x2")?);
        let mut shape = x.shape();
        shape.dims_mut().push(Some(1));
        let equal = prim::compare(Comparison::Eq, &prim::reshape(&x, shape)?, &flatten_from(&set, 0)?)?;
        let found = reduce(&equal, Reduction::Or, &[x.rank()], false)?;
        let invert: bool = option(config, "invert")?;
        let found = if invert { found.logical_not() } else { found };
        Ok(found.into())
    };
    /// The same values; gradients stop here.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::stop_gradient(&input([3])).shape().to_string(), "(None, 3)");
    /// ```
    pub fn stop_gradient(x: &Tensor) -> Tensor { [x] }
    "ops.core" / "StopGradient" as "stop_gradient(variable)" [Tensor],
    "K.stop_gradient(variables)", "tf.stop_gradient(input)" => |inputs, _| {
        Ok(Trace::apply(Op::StopGradient, &[inputs.one()?])?.into())
    };
}}

fn round_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let decimals: i64 = option(config, "decimals")?;
    if !x.dtype().is_float() && decimals >= 0 {
        return Ok(x.clone().into());
    }
    let float = float_input(inputs)?;
    if decimals == 0 {
        return Ok(prim::unary(UnaryOp::RoundNearestEven, &float)?.into());
    }
    let scale = 10f64.powi(decimals.clamp(-300, 300) as i32);
    let rounded = prim::unary(UnaryOp::RoundNearestEven, &(&float * scale))? / scale;
    Ok(prim::convert(&rounded, x.dtype())?.into())
}

fn clip_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let (low, high): (f64, f64) = (option(config, "x_min")?, option(config, "x_max")?);
    let whole = |limit: f64| limit.fract() == 0.0 || limit.is_infinite();
    let x = match whole(low) && whole(high) {
        true => counted(x)?,
        false => float_input(inputs)?,
    };
    let raised = prim::binary(BinaryOp::Maximum, &x, &prim::constant_like(&x, low)?)?;
    Ok(prim::binary(BinaryOp::Minimum, &raised, &prim::constant_like(&x, high)?)?.into())
}

fn filled(inputs: &Inputs, config: &Config, value: f64) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let dtype = dtype(config)?.unwrap_or(x.dtype());
    Ok(prim::full(x, &x.shape(), dtype, value)?.into())
}
