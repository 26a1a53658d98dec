//! Reductions that leave NaN out.

use refrain_graph::{DType, Reduction};

use super::definition::{OpResult, ToArgument, operations, to};
use super::order::{arg_call, cumulative_call};
use super::reduce::{mean_call, narrow, options, reduce, reduce_call, reductions, wide};
use super::{Axes, all, prim, where_};
use crate::config::Config;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::tensor::Tensor;

/// The call with this in place of NaN; integers have none.
fn without(inputs: &Inputs, value: f64) -> Result<Inputs> {
    let x = inputs.one()?;
    Ok(match x.dtype().is_float() {
        true => Inputs::new(&where_(&x.isnan(), value, x)),
        false => Inputs::new(x),
    })
}

/// The largest or smallest numbers, NaN where there are none.
fn extreme(inputs: &Inputs, config: &Config, kind: Reduction) -> OpResult {
    let beyond = match kind {
        Reduction::Max => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    };
    let (x, dims, keepdims) = options(inputs, config)?;
    let found = reduce_call(&without(inputs, beyond)?, config, kind)?;
    if !x.dtype().is_float() {
        return Ok(found);
    }
    let none = reduce(&x.isnan(), Reduction::And, &dims, keepdims)?;
    let found = found.into_first();
    Ok(where_(&none, f64::NAN, found).into())
}

/// The sum of elements that are numbers, and how many they are.
fn total(x: &Tensor, dims: &[usize], keepdims: bool) -> Result<(Tensor, Tensor)> {
    let undefined = x.isnan();
    let count = prim::convert(&undefined.logical_not(), x.dtype())?;
    Ok((
        reduce(&where_(&undefined, 0, x), Reduction::Sum, dims, keepdims)?,
        reduce(&count, Reduction::Sum, dims, keepdims)?,
    ))
}

fn mean(inputs: &Inputs, config: &Config) -> OpResult {
    let (x, dims, keepdims) = options(inputs, config)?;
    if !x.dtype().is_float() {
        return mean_call(inputs, config);
    }
    let (total, count) = total(&wide(&x)?, &dims, keepdims)?;
    Ok(narrow(&(total / count), &x)?.into())
}

/// The mean of the squared distances from the mean, in the type that sums need.
fn variance(inputs: &Inputs, config: &Config) -> Result<Tensor> {
    let (x, dims, keepdims) = options(inputs, config)?;
    let x = wide(&x)?;
    let (sum, count) = total(&x, &dims, true)?;
    let centered = where_(&x.isnan(), 0, &x - sum / count);
    let squares = reduce(&centered.square(), Reduction::Sum, &dims, keepdims)?;
    let (_, count) = total(&x, &dims, keepdims)?;
    Ok(squares / count)
}

reductions! { TABLE in table {
    /// The sum of the numbers along axes.
    nansum = "ops.numpy" / "Nansum" as "nansum(x, axis=None, keepdims=False)" []
    => |i, c| reduce_call(&without(i, 0.0)?, c, Reduction::Sum);
    /// The product of the numbers along axes.
    nanprod = "ops.numpy" / "Nanprod" as "nanprod(x, axis=None, keepdims=False)" []
    => |i, c| reduce_call(&without(i, 1.0)?, c, Reduction::Product);
    /// The largest number along axes; NaN where there is none.
    nanmax = "ops.numpy" / "Nanmax" as "nanmax(x, axis=None, keepdims=False)" [] => |i, c| extreme(i, c, Reduction::Max);
    /// The smallest number along axes; NaN where there is none.
    nanmin = "ops.numpy" / "Nanmin" as "nanmin(x, axis=None, keepdims=False)" [] => |i, c| extreme(i, c, Reduction::Min);
    /// The mean of the numbers along axes; NaN where there is none.
    nanmean = "ops.numpy" / "Nanmean" as "nanmean(x, axis=None, keepdims=False)" [] => mean;
    /// The variance of the numbers along axes; NaN where there is none.
    nanvar = "ops.numpy" / "Nanvar" as "nanvar(x, axis=None, keepdims=False)" []
    => |i, c| Ok(narrow(&variance(i, c)?, i.one()?)?.into());
    /// The standard deviation of the numbers along axes; NaN where there is none.
    nanstd = "ops.numpy" / "Nanstd" as "nanstd(x, axis=None, keepdims=False)" []
    => |i, c| Ok(narrow(&variance(i, c)?.sqrt(), i.one()?)?.into());
}}

/// The place of an extreme number; -1 where there is none.
fn place(inputs: &Inputs, config: &Config, kind: Reduction) -> OpResult {
    let beyond = match kind {
        Reduction::Max => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    };
    let found = arg_call(&without(inputs, beyond)?, config, kind)?;
    let (x, dims, keepdims) = options(inputs, config)?;
    if !x.dtype().is_float() {
        return Ok(found);
    }
    let none = all(x.isnan(), axes(&dims), keepdims);
    let found = found.into_first();
    Ok(where_(&none, -1, found).into())
}

fn axes(dims: &[usize]) -> Axes {
    Axes::Only(dims.iter().map(|&d| d as i64).collect())
}

operations! { OTHERS in others {
    /// The position of the largest number along an axis (the first of equals), -1 where there is none; `None`: in the flattened tensor.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::nanargmax(input([10]), -1, false).shape().to_string(), "(None,)");
    /// ```
    pub fn nanargmax(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), keepdims]
    }
    "ops.numpy" / "Nanargmax" as "nanargmax(x, axis=None, keepdims=False)" [Tensor, OptionalInteger, Flag]
    => |i, c| place(i, c, Reduction::Max);
    /// The position of the smallest number along an axis (the first of equals), -1 where there is none; `None`: in the flattened tensor.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::nanargmin(input([10]), -1, true).shape().to_string(), "(None, 1)");
    /// ```
    pub fn nanargmin(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>, keepdims: bool) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), keepdims]
    }
    "ops.numpy" / "Nanargmin" as "nanargmin(x, axis=None, keepdims=False)" [Tensor, OptionalInteger, Flag]
    => |i, c| place(i, c, Reduction::Min);
    /// Running sums along an axis, NaN counted as 0; `None`: over the flattened tensor.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::nancumsum(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn nancumsum(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), None::<DType>]
    }
    "ops.numpy" / "Nancumsum" as "nancumsum(x, axis=None, dtype=None)" [Tensor, OptionalInteger, OptionalType]
    => |i, c| cumulative_call(&without(i, 0.0)?, c, Reduction::Sum);
    /// Running products along an axis, NaN counted as 1; `None`: over the flattened tensor.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::nancumprod(input([10]), -1).shape().to_string(), "(None, 10)");
    /// ```
    pub fn nancumprod(x: impl AsRef<Tensor>, axis: impl Into<Option<i64>>) -> Tensor {
        [x.as_ref(), to::<Option<i64>>(axis), None::<DType>]
    }
    "ops.numpy" / "Nancumprod" as "nancumprod(x, axis=None, dtype=None)" [Tensor, OptionalInteger, OptionalType]
    => |i, c| cumulative_call(&without(i, 1.0)?, c, Reduction::Product);
}}
