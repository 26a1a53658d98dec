//! Truth values, rounding, and constants in another tensor's shape.

use refrain_graph::{BinaryOp, Comparison, DType, UnaryOp};
use serde_json::Value as Json;

use super::arithmetic::{
    Operand, binary_functions, float_input, operand, operands, to_json, to_number, unary_functions,
};
use super::{OpDef, apply, config, definitions, option, prim, tensor_argument};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::Config;
use crate::structure::Structure;
use crate::tensor::Tensor;

fn truth(inputs: &Inputs, op: BinaryOp) -> Result<Structure<Tensor>> {
    let (a, b) = operands(inputs)?;
    let (a, b) = (
        prim::convert(&a, DType::Bool)?,
        prim::convert(&b, DType::Bool)?,
    );
    Ok(prim::binary(op, &a, &b)?.into())
}

binary_functions! { BINARY in binary_defs {
    /// Whether both hold.
    logical_and, "LogicalAnd", |i, _| truth(i, BinaryOp::And);
    /// Whether either holds.
    logical_or, "LogicalOr", |i, _| truth(i, BinaryOp::Or);
    /// Whether exactly one holds.
    logical_xor, "LogicalXor", |i, _| truth(i, BinaryOp::Xor);
}}

unary_functions! { UNARY in unary_defs {
    /// Whether it does not hold.
    logical_not, "LogicalNot", "numpy", |i, _| {
        Ok(prim::unary(UnaryOp::Not, &prim::convert(i.one()?, DType::Bool)?)?.into())
    };
    /// Whether elements are NaN.
    isnan, "Isnan", "numpy", |i, _| Ok(prim::compare(Comparison::Ne, i.one()?, i.one()?)?.into());
    /// Whether elements are infinite.
    isinf, "Isinf", "numpy", |i, _| {
        let x = float_input(i)?;
        let infinite = prim::constant_like(&x, f64::INFINITY)?;
        Ok(prim::compare(Comparison::Eq, &prim::unary(UnaryOp::Abs, &x)?, &infinite)?.into())
    };
    /// Rounds towards zero.
    trunc, "Trunc", "numpy", |i, _| {
        let x = i.one()?;
        match x.dtype().is_float() {
            true => Ok((x.sign() * x.abs().floor()).into()),
            false => Ok(x.clone().into()),
        }
    };
}}

definitions! { DEFS {
    ROUND = "numpy" / "Round" => round_call;
    CLIP = "numpy" / "Clip" => clip_call;
    ZEROS_LIKE = "numpy" / "ZerosLike" => |inputs, config| filled(inputs, config, 0.0);
    ONES_LIKE = "numpy" / "OnesLike" => |inputs, config| filled(inputs, config, 1.0);
    FULL_LIKE = "numpy" / "FullLike" => |inputs, config| {
        let x = tensor_argument(inputs, 0, "x")?;
        let dtype = dtype_of(config)?.unwrap_or(x.dtype());
        let value = prim::convert(&operand(inputs, 1, "fill_value", &x)?, dtype)?;
        Ok(prim::broadcast_to(&value, &x.shape())?.into())
    };
    STOP_GRADIENT = "core" / "StopGradient" => |inputs, _| {
        let x = inputs.one()?;
        Ok(crate::trace::Trace::apply(refrain_graph::Op::StopGradient, &[x])?.into())
    };
}}

/// Rounded to so many decimals (negative: to tens, hundreds, …); ties go to the even number.
pub fn round(x: impl AsRef<Tensor>, decimals: i64) -> Tensor {
    apply(
        &ROUND,
        Inputs::new(x.as_ref()),
        config([("decimals", decimals.into())]),
    )
}

fn round_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let decimals = option::<Option<i64>>(config, "decimals")?.unwrap_or(0);
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

/// Elements brought between two limits.
pub fn clip(x: impl AsRef<Tensor>, low: f64, high: f64) -> Tensor {
    let config = config([("x_min", to_json(low)), ("x_max", to_json(high))]);
    apply(&CLIP, Inputs::new(x.as_ref()), config)
}

fn clip_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let limit = |name: &str| {
        let json = config.get(name).unwrap_or(&Json::Null);
        let number = to_number(json);
        number.ok_or_else(|| crate::layers::unexpected("a number", json))
    };
    let (low, high) = (limit("x_min")?, limit("x_max")?);
    let whole = |limit: f64| limit.fract() == 0.0 || limit.is_infinite();
    let x = match whole(low) && whole(high) {
        true => x.clone(),
        false => float_input(inputs)?,
    };
    let raised = prim::binary(BinaryOp::Maximum, &x, &prim::constant_like(&x, low)?)?;
    Ok(prim::binary(BinaryOp::Minimum, &raised, &prim::constant_like(&x, high)?)?.into())
}

fn dtype_of(config: &Config) -> Result<Option<DType>> {
    let Some(name) = option::<Option<String>>(config, "dtype")? else {
        return Ok(None);
    };
    let dtype = DType::from_keras_name(&name);
    let dtype = dtype.ok_or_else(|| Error::mismatch(ErrorKind::DType, "an element type", name))?;
    Ok(Some(dtype))
}

fn filled(inputs: &Inputs, config: &Config, value: f64) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let dtype = dtype_of(config)?.unwrap_or(x.dtype());
    Ok(prim::full(x, &x.shape(), dtype, value)?.into())
}

fn dtype_config(dtype: Option<DType>) -> Config {
    let name = dtype.map_or(Json::Null, |d| d.keras_name().into());
    config([("dtype", name)])
}

/// Zeros in the shape of a tensor, by default of its type.
pub fn zeros_like(x: impl AsRef<Tensor>, dtype: Option<DType>) -> Tensor {
    apply(&ZEROS_LIKE, Inputs::new(x.as_ref()), dtype_config(dtype))
}

/// Ones in the shape of a tensor, by default of its type.
pub fn ones_like(x: impl AsRef<Tensor>, dtype: Option<DType>) -> Tensor {
    apply(&ONES_LIKE, Inputs::new(x.as_ref()), dtype_config(dtype))
}

/// One value in the shape of a tensor, by default of its type.
pub fn full_like(x: impl AsRef<Tensor>, value: impl Into<Operand>, dtype: Option<DType>) -> Tensor {
    let inputs = value.into().push_to(Inputs::new(x.as_ref()));
    apply(&FULL_LIKE, inputs, dtype_config(dtype))
}

/// The same values; gradients stop here.
pub fn stop_gradient(x: &Tensor) -> Tensor {
    apply(&STOP_GRADIENT, Inputs::new(x), Config::new())
}
