//! Means and variances, and the axes that they are taken along.

use refrain_graph::{DType, Dim, Reduction, Shape, UnaryOp};
use serde_json::Value as Json;

use crate::config::{ConfigValue, EPSILON, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, mean_of, prim};
use crate::tensor::{Tensor, resolve_axis};

/// The axes that a layer normalizes along. Made from one axis or an array; negative axes count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisList(pub(in crate::layers) Vec<i64>);

impl From<i64> for AxisList {
    fn from(axis: i64) -> Self {
        AxisList(vec![axis])
    }
}

impl<const N: usize> From<[i64; N]> for AxisList {
    fn from(axes: [i64; N]) -> Self {
        AxisList(axes.to_vec())
    }
}

impl ConfigValue for AxisList {
    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    fn from_json(json: &Json) -> Result<Self> {
        let axes = match json {
            Json::Number(_) => i64::from_json(json).map(|axis| vec![axis]),
            json => Vec::from_json(json),
        };
        axes.map(AxisList)
            .map_err(|_| unexpected("an axis or a list of axes", json))
    }
}

impl AxisList {
    /// The axes counted from the front, in increasing order, each once.
    pub(super) fn resolve(&self, rank: usize) -> Result<Vec<usize>> {
        let axes = self.0.iter().map(|&axis| resolve_axis(axis, rank));
        let mut axes = axes.collect::<Result<Vec<_>>>()?;
        axes.sort_unstable();
        axes.dedup();
        match axes.is_empty() {
            false => Ok(axes),
            true => Err(Error::mismatch(
                ErrorKind::Config,
                "at least one axis",
                "none",
            )),
        }
    }
}

/// The sizes of a shape along axes, which must be known since weights have them.
pub(in crate::layers) fn known_sizes(shape: &Shape, axes: &[usize]) -> Result<Vec<usize>> {
    let sizes = axes.iter().map(|&axis| shape.dim(axis));
    sizes.collect::<Option<Vec<_>>>().ok_or_else(|| {
        let expected = format!("known sizes along axes {axes:?}");
        Error::mismatch(ErrorKind::Shape, expected, format!("shape {shape}"))
            .hint("Weights depend on them: give the Input these sizes")
    })
}

/// Half-precision floats as f32, whose range sums of squares need; other types as they are.
pub(super) fn at_least_f32(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 | DType::F64 => Ok(x.clone()),
        _ => prim::convert(x, DType::F32),
    }
}

/// Mean and biased variance along axes, which stay with size 1.
pub(super) fn moments(x: &Tensor, axes: &[usize]) -> Result<(Tensor, Tensor)> {
    let mean = mean_of(x, axes, true)?;
    let centered = (x - &mean).checked()?;
    let variance = mean_of(&(&centered * &centered).checked()?, axes, true)?;
    Ok((mean, variance))
}

/// Mean and biased variance of the elements that a mask of the input's shape keeps.
pub(super) fn masked_moments(
    x: &Tensor,
    mask: &Tensor,
    axes: &[usize],
) -> Result<(Tensor, Tensor)> {
    let zero = prim::constant_like(x, 0.0)?;
    let total = |x: &Tensor| ops::reduce(x, Reduction::Sum, axes, true);
    let weights = total(&prim::convert(mask, x.dtype())?)? + EPSILON;
    let mean = (total(&prim::select(mask, x, &zero)?)? / &weights).checked()?;
    let difference = prim::select(mask, &(x - &mean), &zero)?;
    let variance = (total(&(&difference * &difference).checked()?)? / &weights).checked()?;
    Ok((mean, variance))
}

/// `1 / sqrt(variance + epsilon)`.
pub(super) fn inverse_deviation(variance: &Tensor, epsilon: f64) -> Result<Tensor> {
    prim::unary(UnaryOp::Rsqrt, &(variance + epsilon).checked()?)
}

/// A weight over some axes, ready to be broadcast against a tensor of this rank: the other axes have size 1.
pub(in crate::layers) fn broadcastable(
    weight: &Tensor,
    axes: &[usize],
    rank: usize,
) -> Result<Tensor> {
    let mut dims: Vec<Dim> = vec![Some(1); rank];
    for (i, &axis) in axes.iter().enumerate() {
        dims[axis] = weight.shape().dim(i);
    }
    prim::reshape(weight, dims)
}
