//! Reductions.

use refrain_graph::{BinaryOp, DType, Op, Reduction};
use serde_json::Value as Json;

use super::arithmetic::as_float;
use super::definition::{ToArgument, operations, to};
use super::{absent, cast, dtype, not_equal, option, prim};
use crate::config::{Config, ConfigValue, unexpected};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;

/// The axes of a reduction. Made from one axis, an array of axes, or [`Axes::All`]; negative axes count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Every axis.
    All,
    /// These axes.
    Only(Vec<i64>),
}

impl From<i64> for Axes {
    fn from(axis: i64) -> Self {
        Axes::Only(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for Axes {
    fn from(axes: [i64; N]) -> Self {
        Axes::Only(axes.to_vec())
    }
}

impl From<&[i64]> for Axes {
    fn from(axes: &[i64]) -> Self {
        Axes::Only(axes.to_vec())
    }
}

impl From<&Vec<i64>> for Axes {
    fn from(axes: &Vec<i64>) -> Self {
        Axes::Only(axes.clone())
    }
}

impl From<Vec<i64>> for Axes {
    fn from(axes: Vec<i64>) -> Self {
        Axes::Only(axes)
    }
}

impl Axes {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Axes::All => Json::Null,
            Axes::Only(axes) if axes.len() == 1 => axes[0].into(),
            Axes::Only(axes) => axes.clone().into(),
        }
    }

    pub(crate) fn from_json(json: Option<&Json>) -> Result<Self> {
        Ok(match json {
            None | Some(Json::Null) => Axes::All,
            Some(Json::Array(axes)) => {
                let axes = axes
                    .iter()
                    .map(|a| a.as_i64().ok_or_else(|| unexpected("an axis", a)));
                Axes::Only(axes.collect::<Result<_>>()?)
            }
            Some(json) => Axes::from(json.as_i64().ok_or_else(|| unexpected("an axis", json))?),
        })
    }

    /// The axes counted from the front, in the order given.
    pub(crate) fn resolve_in_order(&self, rank: usize) -> Result<Vec<usize>> {
        match self {
            Axes::All => Ok((0..rank).collect()),
            Axes::Only(axes) => axes.iter().map(|&a| resolve_axis(a, rank)).collect(),
        }
    }

    /// The axes counted from the front, in increasing order, each once.
    pub(crate) fn resolve(&self, rank: usize) -> Result<Vec<usize>> {
        let mut axes = self.resolve_in_order(rank)?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }
}

impl Axes {
    /// As Keras has axes that it takes as a list only.
    fn in_list(self) -> Json {
        match self {
            Axes::All => Json::Null,
            Axes::Only(axes) => axes.into(),
        }
    }
}

impl ConfigValue for Axes {
    fn to_json(&self) -> Json {
        Axes::to_json(self)
    }

    fn from_json(json: &Json) -> Result<Self> {
        Axes::from_json(Some(json))
    }
}

/// Reduces a traced tensor; `keepdims` leaves axes of size 1.
pub(crate) fn reduce(
    x: &Tensor,
    kind: Reduction,
    dims: &[usize],
    keepdims: bool,
) -> Result<Tensor> {
    let reduced = Trace::apply(
        Op::Reduce {
            kind,
            dims: dims.to_vec(),
        },
        &[x],
    )?;
    if !keepdims {
        return Ok(reduced);
    }
    let mut shape = x.shape();
    dims.iter().for_each(|&d| shape.dims_mut()[d] = Some(1));
    prim::reshape(&reduced, shape)
}

/// The axes and `keepdims` of a call.
pub(super) fn options(inputs: &Inputs, config: &Config) -> Result<(Tensor, Vec<usize>, bool)> {
    let x = inputs.one()?.clone();
    let dims = Axes::from_json(config.get("axis").or(config.get("axes")))?.resolve(x.rank())?;
    Ok((x, dims, option(config, "keepdims")?))
}

pub(super) fn reduce_call(
    inputs: &Inputs,
    config: &Config,
    kind: Reduction,
) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    let arithmetic = matches!(kind, Reduction::Sum | Reduction::Product);
    let dtype = match (dtype(config)?, x.dtype(), kind) {
        (Some(dtype), ..) => dtype,
        (_, _, Reduction::And | Reduction::Or) => DType::Bool,
        (_, DType::Bool, _) => DType::I32,
        (_, DType::U8, _) if arithmetic => DType::U32,
        (_, dtype, _) => dtype,
    };
    let reduced = reduce(&prim::convert(&x, dtype)?, kind, &dims, keepdims)?;
    let kept = if arithmetic || dtype == DType::Bool {
        dtype
    } else {
        x.dtype()
    };
    Ok(prim::convert(&reduced, kept)?.into())
}

/// The largest or smallest elements, of which a number may be one.
fn extreme_call(
    inputs: &Inputs,
    config: &Config,
    kind: Reduction,
    op: BinaryOp,
) -> Result<Structure<Tensor>> {
    let extremes = reduce_call(inputs, config, kind)?;
    let Some(initial) = option::<Option<f64>>(config, "initial")? else {
        return Ok(extremes);
    };
    let extremes = extremes.into_first();
    let initial = prim::constant_like(&extremes, initial)?;
    Ok(prim::binary(op, &extremes, &initial)?.into())
}

/// At least f32, which sums of smaller floats and of integers need.
pub(super) fn wide(x: &Tensor) -> Result<Tensor> {
    let dtype = match x.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    prim::convert(x, dtype)
}

/// The type of a mean of elements of this type.
pub(super) fn narrow(x: &Tensor, like: &Tensor) -> Result<Tensor> {
    match like.dtype() {
        dtype if dtype.is_float() => prim::convert(x, dtype),
        _ => Ok(x.clone()),
    }
}

/// The mean of a wide tensor. The count is a placeholder while sizes are unknown.
fn mean_wide(x: &Tensor, dims: &[usize], keepdims: bool) -> Result<Tensor> {
    let total = reduce(x, Reduction::Sum, dims, keepdims)?;
    let shape = x.shape();
    let count: usize = dims.iter().map(|&d| shape.dim(d).unwrap_or(1)).product();
    let count = prim::constant_like(&total, count as f64)?;
    prim::binary(BinaryOp::Divide, &total, &count)
}

/// The mean of the squared distances from the mean.
fn variance_wide(x: &Tensor, dims: &[usize], keepdims: bool) -> Result<Tensor> {
    let centered = x - mean_wide(x, dims, true)?;
    centered.check()?;
    mean_wide(&centered.square(), dims, keepdims)
}

pub(super) fn mean_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    Ok(narrow(&mean_wide(&wide(&x)?, &dims, keepdims)?, &x)?.into())
}

fn variance_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    Ok(narrow(&variance_wide(&wide(&x)?, &dims, keepdims)?, &x)?.into())
}

fn deviation_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    let deviation = variance_wide(&wide(&x)?, &dims, keepdims)?.sqrt();
    Ok(narrow(&deviation, &x)?.into())
}

/// `log(sum(exp(x)))` around the largest element, so that nothing overflows.
fn logsumexp_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    let x = as_float(&x)?;
    let largest = finite_max(&x, &dims)?;
    let total = reduce(&(&x - &largest).exp(), Reduction::Sum, &dims, keepdims)?;
    let largest = prim::reshape(&largest, total.shape())?;
    Ok((total.log() + largest).into())
}

/// The largest elements, 0 where they are infinite; no gradient passes.
pub(super) fn finite_max(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let largest = reduce(x, Reduction::Max, dims, true)?;
    let largest = Trace::apply(Op::StopGradient, &[&largest])?;
    let zero = prim::constant_like(&largest, 0.0)?;
    prim::select(&largest.isfinite(), &largest, &zero)
}

/// The mean and the variance.
fn moments_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    absent(config, &["synchronized"])?;
    let (x, dims, keepdims) = options(inputs, config)?;
    let wide = wide(&x)?;
    let mean = narrow(&mean_wide(&wide, &dims, keepdims)?, &x)?;
    let variance = narrow(&variance_wide(&wide, &dims, keepdims)?, &x)?;
    Ok(Structure::tuple([mean, variance]))
}

fn count_nonzero_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let dims = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
    let nonzero = prim::convert(&prim::convert(x, DType::Bool)?, DType::I32)?;
    Ok(reduce(&nonzero, Reduction::Sum, &dims, false)?.into())
}

/// Declares functions of a tensor, axes and `keepdims`; what Keras has besides stays at its default.
macro_rules! reductions {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        $name:ident = $module:literal / $class:literal as $signature:literal [$($kind:ident)?] $($difference:ident)? $(, $alias:literal)* => $call:expr;
    )* }) => {
        $crate::ops::definition::operations! { $table in $defs { $(
            $(#[$meta])*
            ///
            /// `keepdims` leaves axes of size 1. Keras takes all axes and drops them by default. An axis that `x` does not have is an error.
            ///
            /// ```
            /// use refrain::{input, ops, ops::Axes};
            /// let x = input([4, 3]);
            #[doc = concat!("assert_eq!(ops::", stringify!($name), "(&x, -1, false).shape().to_string(), \"(None, 4)\");")]
            #[doc = concat!("assert_eq!(ops::", stringify!($name), "(&x, Axes::All, true).shape().to_string(), \"(1, 1, 1)\");")]
            /// ```
            pub fn $name(x: impl AsRef<Tensor>, axis: impl Into<Axes>, keepdims: bool) -> Tensor {
                |op| {
                    let given = [x.as_ref().argument(), to::<Axes>(axis).argument(), keepdims.argument()];
                    op.apply(given.into_iter().chain(op.defaults(3)))
                }
            }
            $module / $class as $signature [Tensor, Axes, Flag $(, $kind)?] $($difference)? $(, $alias)* => $call;
        )* }}
    };
}

pub(super) use reductions;

reductions! { TABLE in table {
    /// The sum along axes.
    sum = "ops.numpy" / "Sum" as "sum(x, axis=None, keepdims=False)" [], "K.sum(x, axis=None, keepdims=False)",
    "tf.reduce_sum(input_tensor, axis=None, keepdims=False)" => |i, c| reduce_call(i, c, Reduction::Sum);
    /// The product along axes.
    prod = "ops.numpy" / "Prod" as "prod(x, axis=None, keepdims=False, dtype=None)" [OptionalType],
    "K.prod(x, axis=None, keepdims=False)", "tf.reduce_prod(input_tensor, axis=None, keepdims=False)"
    => |i, c| reduce_call(i, c, Reduction::Product);
    /// The largest element along axes; NaN wins.
    max = "ops.numpy" / "Max" as "max(x, axis=None, keepdims=False, initial=None)" [OptionalNumber],
    "K.max(x, axis=None, keepdims=False)", "tf.reduce_max(input_tensor, axis=None, keepdims=False)"
    => |i, c| extreme_call(i, c, Reduction::Max, BinaryOp::Maximum);
    /// The smallest element along axes; NaN wins.
    min = "ops.numpy" / "Min" as "min(x, axis=None, keepdims=False, initial=None)" [OptionalNumber],
    "K.min(x, axis=None, keepdims=False)", "tf.reduce_min(input_tensor, axis=None, keepdims=False)"
    => |i, c| extreme_call(i, c, Reduction::Min, BinaryOp::Minimum);
    /// [`max`] under NumPy's other name.
    amax = "ops.numpy" / "Amax" as "amax(x, axis=None, keepdims=False)" [] => |i, c| reduce_call(i, c, Reduction::Max);
    /// [`min`] under NumPy's other name.
    amin = "ops.numpy" / "Amin" as "amin(x, axis=None, keepdims=False)" [] => |i, c| reduce_call(i, c, Reduction::Min);
    /// Whether all elements along axes are not zero.
    all = "ops.numpy" / "All" as "all(x, axis=None, keepdims=False)" [], "K.all(x, axis=None, keepdims=False)",
    "tf.reduce_all(input_tensor, axis=None, keepdims=False)" => |i, c| reduce_call(i, c, Reduction::And);
    /// Whether any element along axes is not zero.
    any = "ops.numpy" / "Any" as "any(x, axis=None, keepdims=False)" [], "K.any(x, axis=None, keepdims=False)",
    "tf.reduce_any(input_tensor, axis=None, keepdims=False)" => |i, c| reduce_call(i, c, Reduction::Or);
    /// The mean along axes; of integers it is a float.
    mean = "ops.numpy" / "Mean" as "mean(x, axis=None, keepdims=False)" [] IntegersInKeras2 => mean_call;
    /// The variance along axes (the mean of the squared distances from the mean).
    var = "ops.numpy" / "Var" as "var(x, axis=None, keepdims=False)" [] => variance_call;
    /// The standard deviation along axes: the root of the variance.
    std = "ops.numpy" / "Std" as "std(x, axis=None, keepdims=False)" [] => deviation_call;
    /// The logarithm of the sum of the exponentials along axes.
    logsumexp = "ops.math" / "Logsumexp" as "logsumexp(x, axis=None, keepdims=False)" [],
    "tf.reduce_logsumexp(input_tensor, axis=None, keepdims=False)" => logsumexp_call;
}}

operations! { OTHERS in others {
    /// The mean and the variance along axes.
    ///
    /// `keepdims` leaves axes of size 1; of integers they are floats. An axis that `x` does not have is an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let (mean, variance) = ops::moments(input([4, 3]), [1, 2], false);
    /// assert_eq!((mean.shape().to_string(), variance.rank()), ("(None,)".to_owned(), 1));
    /// ```
    pub fn moments(x: impl AsRef<Tensor>, axes: impl Into<Axes>, keepdims: bool) -> (Tensor, Tensor) {
        [x.as_ref(), to::<Axes>(axes).in_list(), keepdims, false]
    }
    "ops.nn" / "Moments" as "moments(x, axes, keepdims=False, synchronized=False)" [Tensor, Axes, Flag, Flag] => moments_call;
    /// The number of elements along axes that are not zero.
    ///
    /// Integers. Keras counts over all axes by default. An axis that `x` does not have is an error. Over several axes a declared graph
    /// has a sum: Keras on JAX does not run its own function there.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::count_nonzero(input([4, 3]), -1).shape().to_string(), "(None, 4)");
    /// ```
    pub fn count_nonzero(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor {
        |op| match axis.into() {
            Axes::Only(axes) if axes.len() > 1 => sum(cast(not_equal(x.as_ref(), 0), DType::I32), axes, false),
            axes => op.apply([x.as_ref().argument(), axes.argument()]),
        }
    }
    "ops.numpy" / "CountNonzero" as "count_nonzero(x, axis=None)" [Tensor, Axes] => count_nonzero_call;
}}
