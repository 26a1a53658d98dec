//! Shapes: the same elements under other dimensions.

use refrain_graph::{Dim, Shape};
use serde_json::Value as Json;

use super::{Axes, apply, config, definitions, option, prim};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::{Config, unexpected};
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

/// The shape to bring a tensor to; -1 or `None` stands for a size that follows from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShape(pub Vec<Dim>);

impl From<&[i64]> for NewShape {
    fn from(dims: &[i64]) -> Self {
        NewShape(dims.iter().map(|&d| usize::try_from(d).ok()).collect())
    }
}

impl<const N: usize> From<[i64; N]> for NewShape {
    fn from(dims: [i64; N]) -> Self {
        NewShape::from(dims.as_slice())
    }
}

impl From<Vec<i64>> for NewShape {
    fn from(dims: Vec<i64>) -> Self {
        NewShape::from(dims.as_slice())
    }
}

impl From<Vec<Dim>> for NewShape {
    fn from(dims: Vec<Dim>) -> Self {
        NewShape(dims)
    }
}

impl<const N: usize> From<[Dim; N]> for NewShape {
    fn from(dims: [Dim; N]) -> Self {
        NewShape(dims.to_vec())
    }
}

impl From<Shape> for NewShape {
    fn from(shape: Shape) -> Self {
        NewShape(shape.dims().to_vec())
    }
}

impl NewShape {
    fn to_json(&self) -> Json {
        let dims = self.0.iter();
        dims.map(|d| d.map_or(Json::from(-1), Json::from)).collect()
    }

    fn from_json(json: &Json) -> Result<Self> {
        let dims = json.as_array().ok_or_else(|| unexpected("a shape", json))?;
        let dims = dims.iter().map(|d| match d.as_i64() {
            Some(d) => Ok(usize::try_from(d).ok()),
            None if d.is_null() => Ok(None),
            None => Err(unexpected("a size", d)),
        });
        Ok(NewShape(dims.collect::<Result<_>>()?))
    }
}

definitions! { DEFS {
    RESHAPE = "numpy" / "Reshape" => reshape_call;
    RAVEL = "numpy" / "Ravel" => |inputs, _| {
        let x = inputs.one()?;
        Ok(prim::reshape(x, [x.shape().numel()])?.into())
    };
    TRANSPOSE = "numpy" / "Transpose" => |inputs, config| {
        let x = inputs.one()?;
        let perm = match option::<Option<Vec<i64>>>(config, "axes")? {
            None => (0..x.rank()).rev().collect(),
            Some(axes) => permutation(&axes, x.rank())?,
        };
        Ok(prim::transpose(x, &perm)?.into())
    };
    SWAPAXES = "numpy" / "Swapaxes" => |inputs, config| {
        let x = inputs.one()?;
        let mut perm: Vec<usize> = (0..x.rank()).collect();
        let axis = |name| resolve_axis(option(config, name)?, x.rank());
        perm.swap(axis("axis1")?, axis("axis2")?);
        Ok(prim::transpose(x, &perm)?.into())
    };
    MOVEAXIS = "numpy" / "Moveaxis" => moveaxis_call;
    EXPAND_DIMS = "numpy" / "ExpandDims" => expand_dims_call;
    SQUEEZE = "numpy" / "Squeeze" => squeeze_call;
    BROADCAST_TO = "numpy" / "BroadcastTo" => |inputs, config| {
        let shape = option::<Vec<usize>>(config, "shape")?;
        Ok(prim::broadcast_to(inputs.one()?, &shape.into())?.into())
    };
}}

/// The same elements in row-major order in another shape. One size may be -1 or `None`: it follows from the others.
///
/// ```
/// use refrain::{input, ops};
/// let x = input([6, 4]);
/// assert_eq!(ops::reshape(&x, [-1, 3, 8]).shape().to_string(), "(None, 3, 8)");
/// ```
pub fn reshape(x: impl AsRef<Tensor>, shape: impl Into<NewShape>) -> Tensor {
    let config = config([("newshape", shape.into().to_json())]);
    apply(&RESHAPE, Inputs::new(x.as_ref()), config)
}

fn reshape_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let json = config.get("newshape").unwrap_or(&Json::Null);
    let shape = Shape::from(NewShape::from_json(json)?.0);
    let reshaped = prim::reshape(x, shape.clone())?;
    if x.shape().is_known() && !reshaped.shape().is_known() {
        let expected = "a shape with at most one unknown size";
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            shape.to_string(),
        ));
    }
    Ok(reshaped.into())
}

/// All elements along one axis.
pub fn ravel(x: &Tensor) -> Tensor {
    apply(&RAVEL, Inputs::new(x), Config::new())
}

/// Another order of axes; `None` reverses them.
pub fn transpose(x: impl AsRef<Tensor>, axes: Option<&[i64]>) -> Tensor {
    let axes = axes.map_or(Json::Null, |a| a.to_vec().into());
    apply(
        &TRANSPOSE,
        Inputs::new(x.as_ref()),
        config([("axes", axes)]),
    )
}

fn permutation(axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let perm = axes.iter().map(|&a| resolve_axis(a, rank));
    let perm = perm.collect::<Result<Vec<_>>>()?;
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted.into_iter().ne(0..rank) {
        let expected = format!("each of {rank} axes once");
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("{axes:?}"),
        ));
    }
    Ok(perm)
}

/// Two axes exchanged.
pub fn swapaxes(x: impl AsRef<Tensor>, axis1: i64, axis2: i64) -> Tensor {
    let config = config([("axis1", axis1.into()), ("axis2", axis2.into())]);
    apply(&SWAPAXES, Inputs::new(x.as_ref()), config)
}

/// Axes moved to new places; the others keep their order.
pub fn moveaxis(
    x: impl AsRef<Tensor>,
    source: impl Into<Axes>,
    destination: impl Into<Axes>,
) -> Tensor {
    let config = config([
        ("source", source.into().to_json()),
        ("destination", destination.into().to_json()),
    ]);
    apply(&MOVEAXIS, Inputs::new(x.as_ref()), config)
}

fn moveaxis_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let rank = x.rank();
    let axes = |name| Axes::from_json(config.get(name))?.resolve_in_order(rank);
    let (source, destination) = (axes("source")?, axes("destination")?);
    if source.len() != destination.len() {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("{} destinations", source.len()),
            destination.len().to_string(),
        ));
    }
    let mut rest = (0..rank).filter(|a| !source.contains(a));
    let perm: Vec<i64> = (0..rank)
        .filter_map(|i| match destination.iter().position(|&d| d == i) {
            Some(p) => Some(source[p]),
            None => rest.next(),
        })
        .map(|a| a as i64)
        .collect();
    Ok(prim::transpose(x, &permutation(&perm, rank)?)?.into())
}

/// New axes of size 1, at these places of the result.
pub fn expand_dims(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor {
    let config = config([("axis", axis.into().to_json())]);
    apply(&EXPAND_DIMS, Inputs::new(x.as_ref()), config)
}

fn expand_dims_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let axes = match Axes::from_json(config.get("axis"))? {
        Axes::Only(axes) => axes,
        Axes::All => return Err(unexpected("an axis", &Json::Null)),
    };
    let rank = x.rank() + axes.len();
    let new = Axes::Only(axes).resolve(rank)?;
    let shape = x.shape();
    let mut old = shape.dims().iter();
    let dims: Vec<Dim> = (0..rank)
        .map(|i| match new.contains(&i) {
            true => Some(1),
            false => old.next().copied().flatten(),
        })
        .collect();
    if old.next().is_some() {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "different axes",
            format!("{new:?}"),
        ));
    }
    Ok(prim::reshape(x, dims)?.into())
}

/// Without these axes, which must have size 1; [`Axes::All`]: without every axis of size 1.
pub fn squeeze(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor {
    let config = config([("axis", axis.into().to_json())]);
    apply(&SQUEEZE, Inputs::new(x.as_ref()), config)
}

fn squeeze_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let shape = x.shape();
    let dropped = match Axes::from_json(config.get("axis"))? {
        Axes::All => (0..shape.rank())
            .filter(|&i| shape.dim(i) == Some(1))
            .collect(),
        axes => axes.resolve(shape.rank())?,
    };
    if let Some(&axis) = dropped
        .iter()
        .find(|&&a| shape.dim(a).is_some_and(|d| d != 1))
    {
        let expected = format!("axis {axis} to have size 1");
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            format!("shape {shape}"),
        ));
    }
    let kept = shape.dims().iter().enumerate();
    let kept: Vec<Dim> = kept
        .filter(|(i, _)| !dropped.contains(i))
        .map(|(_, &d)| d)
        .collect();
    Ok(prim::reshape(x, kept)?.into())
}

/// Repeated along axes of size 1, and along new leading axes, to this shape.
pub fn broadcast_to(x: impl AsRef<Tensor>, shape: impl Into<Vec<usize>>) -> Tensor {
    let config = config([("shape", shape.into().into())]);
    apply(&BROADCAST_TO, Inputs::new(x.as_ref()), config)
}

/// The axes from `start` to the last merged into one; those before stay.
pub(crate) fn flatten_from(x: &Tensor, start: usize) -> Result<Tensor> {
    let shape = x.shape();
    let (kept, merged) = shape.dims().split_at(start.min(shape.rank()));
    let merged = Shape::from(merged).numel();
    prim::reshape(x, [kept, &[merged]].concat())
}
