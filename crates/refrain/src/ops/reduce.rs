//! Reductions.

use refrain_graph::{BinaryOp, DType, Op, Reduction};
use serde_json::Value as Json;

use super::{OpDef, apply, apply_many, config, definitions, option, prim};
use crate::error::Result;
use crate::inputs::Inputs;
use crate::layers::{Config, ConfigValue, unexpected};
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
fn options(inputs: &Inputs, config: &Config) -> Result<(Tensor, Vec<usize>, bool)> {
    let x = inputs.one()?.clone();
    let dims = Axes::from_json(config.get("axis").or(config.get("axes")))?.resolve(x.rank())?;
    let keepdims = option::<Option<bool>>(config, "keepdims")?.unwrap_or(false);
    Ok((x, dims, keepdims))
}

fn reduce_call(inputs: &Inputs, config: &Config, kind: Reduction) -> Result<Structure<Tensor>> {
    let (x, dims, keepdims) = options(inputs, config)?;
    let arithmetic = matches!(kind, Reduction::Sum | Reduction::Product);
    let dtype = match (x.dtype(), kind) {
        (_, Reduction::And | Reduction::Or) => DType::Bool,
        (DType::Bool, _) => DType::I32,
        (DType::U8, _) if arithmetic => DType::U32,
        (dtype, _) => dtype,
    };
    let reduced = reduce(&prim::convert(&x, dtype)?, kind, &dims, keepdims)?;
    let kept = if arithmetic || dtype == DType::Bool {
        dtype
    } else {
        x.dtype()
    };
    Ok(prim::convert(&reduced, kept)?.into())
}

/// At least f32, which sums of smaller floats and of integers need.
fn wide(x: &Tensor) -> Result<Tensor> {
    let dtype = match x.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    };
    prim::convert(x, dtype)
}

/// The type of a mean of elements of this type.
fn narrow(x: &Tensor, like: &Tensor) -> Result<Tensor> {
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

fn mean_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
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
    let x = match x.dtype().is_float() {
        true => x,
        false => prim::convert(&x, DType::F32)?,
    };
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

definitions! { DEFS {
    MOMENTS = "nn" / "Moments" => |inputs, config| {
        let (x, dims, keepdims) = options(inputs, config)?;
        let wide = wide(&x)?;
        let mean = narrow(&mean_wide(&wide, &dims, keepdims)?, &x)?;
        let variance = narrow(&variance_wide(&wide, &dims, keepdims)?, &x)?;
        Ok(Structure::tuple([mean, variance]))
    };
    COUNT_NONZERO = "numpy" / "CountNonzero" => |inputs, config| {
        let (x, dims, keepdims) = options(inputs, config)?;
        let nonzero = prim::convert(&prim::convert(&x, DType::Bool)?, DType::I32)?;
        Ok(reduce(&nonzero, Reduction::Sum, &dims, keepdims)?.into())
    };
}}

/// The mean and the variance along axes.
pub fn moments(x: impl AsRef<Tensor>, axes: impl Into<Axes>, keepdims: bool) -> (Tensor, Tensor) {
    let config = config([
        ("axes", axes.into().to_json()),
        ("keepdims", keepdims.into()),
        ("synchronized", false.into()),
    ]);
    let mut outputs = apply_many(&MOMENTS, Inputs::new(x.as_ref()), config, 2);
    let variance = outputs.swap_remove(1);
    (outputs.swap_remove(0), variance)
}

/// The number of elements along axes that are not zero.
pub fn count_nonzero(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor {
    let config = config([("axis", axis.into().to_json())]);
    apply(&COUNT_NONZERO, Inputs::new(x.as_ref()), config)
}

pub(crate) fn axis_config(axis: &Axes, keepdims: bool) -> Config {
    let mut config = Config::new();
    config.insert("axis".to_owned(), axis.to_json());
    config.insert("keepdims".to_owned(), keepdims.into());
    config
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident, $module:literal, $class:literal, $call:expr;)*) => {
        #[allow(non_upper_case_globals)]
        mod defs {
            use super::*;
            $(pub(super) static $name: OpDef = OpDef { class: $class, module: $module, call: $call };)*
        }
        pub(super) static REDUCTIONS: &[&OpDef] = &[$(&defs::$name),*];
        $(
            $(#[$doc])*
            pub fn $name(x: impl AsRef<Tensor>, axis: impl Into<Axes>, keepdims: bool) -> Tensor {
                apply(&defs::$name, Inputs::new(x.as_ref()), axis_config(&axis.into(), keepdims))
            }
        )*
    };
}

reductions! {
    /// The sum along axes.
    sum, "numpy", "Sum", |i, c| reduce_call(i, c, Reduction::Sum);
    /// The product along axes.
    prod, "numpy", "Prod", |i, c| reduce_call(i, c, Reduction::Product);
    /// The largest element along axes; NaN wins.
    max, "numpy", "Max", |i, c| reduce_call(i, c, Reduction::Max);
    /// The smallest element along axes; NaN wins.
    min, "numpy", "Min", |i, c| reduce_call(i, c, Reduction::Min);
    /// [`max`] under NumPy's other name.
    amax, "numpy", "Amax", |i, c| reduce_call(i, c, Reduction::Max);
    /// [`min`] under NumPy's other name.
    amin, "numpy", "Amin", |i, c| reduce_call(i, c, Reduction::Min);
    /// Whether all elements along axes are not zero.
    all, "numpy", "All", |i, c| reduce_call(i, c, Reduction::And);
    /// Whether any element along axes is not zero.
    any, "numpy", "Any", |i, c| reduce_call(i, c, Reduction::Or);
    /// The mean along axes; of integers it is a float.
    mean, "numpy", "Mean", mean_call;
    /// The variance along axes (the mean of the squared distances from the mean).
    var, "numpy", "Var", variance_call;
    /// The standard deviation along axes: the root of the variance.
    std, "numpy", "Std", deviation_call;
    /// The logarithm of the sum of the exponentials along axes.
    logsumexp, "math", "Logsumexp", logsumexp_call;
}
