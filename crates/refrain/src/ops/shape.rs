//! Shapes: the same elements under other dimensions.

use refrain_graph::{DType, Dim, Shape};
use serde_json::Value as Json;

use super::definition::{operations, to};
use super::{Axes, option, prim};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
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
    pub(super) fn to_json(&self) -> Json {
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

operations! { TABLE in table {
    /// The number of elements, a scalar.
    ///
    /// [`Tensor::rank`], [`Tensor::shape`] and [`Tensor::dtype`] are Keras's `ndim`, `shape` and `dtype`.
    ///
    /// ```
    /// use refrain::{DType, input, ops};
    /// let size = ops::size(&input([6, 4]));
    /// assert_eq!((size.rank(), size.dtype()), (0, DType::I32));
    /// ```
    pub fn size(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "Size" as "size(x)" [Tensor] => |inputs, _| {
        let x = inputs.one()?;
        Ok(prim::constant_of(x, DType::I32, x.shape().numel().unwrap_or(0) as f64)?.into())
    };
    /// The same elements in row-major order in another shape. One size may be -1 or `None`: it follows from the others.
    ///
    /// A shape of another number of elements is an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let x = input([6, 4]);
    /// assert_eq!(ops::reshape(&x, [-1, 3, 8]).shape().to_string(), "(None, 3, 8)");
    /// ```
    pub fn reshape(x: impl AsRef<Tensor>, shape: impl Into<NewShape>) -> Tensor { [x.as_ref(), to::<NewShape>(shape)] }
    "ops.numpy" / "Reshape" as "reshape(x, newshape)" [Tensor, Shape] MayReturnInput,
    "K.reshape(x, shape)", "tf.reshape(tensor, shape)" => reshape_call;
    /// All elements along one axis.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([6, 4]).batch_size(2).tensor();
    /// assert_eq!(ops::ravel(&x).shape().to_string(), "(48,)");
    /// ```
    pub fn ravel(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "Ravel" as "ravel(x)" [Tensor], "K.flatten(x)" => |inputs, _| {
        let x = inputs.one()?;
        Ok(prim::reshape(x, [x.shape().numel()])?.into())
    };
    /// Another order of axes; `None` reverses them.
    ///
    /// Each axis must be named once.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let turned = ops::transpose(input([6, 4]), Some(&[0, 2, 1]));
    /// assert_eq!(turned.shape().to_string(), "(None, 4, 6)");
    /// ```
    pub fn transpose(x: impl AsRef<Tensor>, axes: Option<&[i64]>) -> Tensor { [x.as_ref(), axes.map(<[i64]>::to_vec)] }
    "ops.numpy" / "Transpose" as "transpose(x, axes=None)" [Tensor, Axes] MayReturnInput, "K.transpose(x)", "K.permute_dimensions(x, pattern)",
    "tf.transpose(a, perm=None)" => |inputs, config| {
        let x = inputs.one()?;
        let perm = match Axes::from_json(config.get("axes"))? {
            Axes::All => (0..x.rank()).rev().collect(),
            Axes::Only(axes) => permutation(&axes, x.rank())?,
        };
        Ok(prim::transpose(x, &perm)?.into())
    };
    /// Two axes exchanged.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::swapaxes(input([6, 4]), 1, 2).shape().to_string(), "(None, 4, 6)");
    /// ```
    pub fn swapaxes(x: impl AsRef<Tensor>, axis1: i64, axis2: i64) -> Tensor { [x.as_ref(), axis1, axis2] }
    "ops.numpy" / "Swapaxes" as "swapaxes(x, axis1, axis2)" [Tensor, Integer, Integer] => |inputs, config| {
        let x = inputs.one()?;
        let mut perm: Vec<usize> = (0..x.rank()).collect();
        let axis = |name| resolve_axis(option(config, name)?, x.rank());
        perm.swap(axis("axis1")?, axis("axis2")?);
        Ok(prim::transpose(x, &perm)?.into())
    };
    /// Axes moved to new places; the others keep their order.
    ///
    /// As many places as axes; anything else is an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::moveaxis(input([6, 4]), 2, 1).shape().to_string(), "(None, 4, 6)");
    /// ```
    pub fn moveaxis(x: impl AsRef<Tensor>, source: impl Into<Axes>, destination: impl Into<Axes>) -> Tensor {
        [x.as_ref(), to::<Axes>(source), to::<Axes>(destination)]
    }
    "ops.numpy" / "Moveaxis" as "moveaxis(x, source, destination)" [Tensor, Axes, Axes] => moveaxis_call;
    /// New axes of size 1, at these places of the result.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::expand_dims(input([6]), [1, -1]).shape().to_string(), "(None, 1, 6, 1)");
    /// ```
    pub fn expand_dims(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor { [x.as_ref(), to::<Axes>(axis)] }
    "ops.numpy" / "ExpandDims" as "expand_dims(x, axis)" [Tensor, Axes] MayReturnInput,
    "K.expand_dims(x, axis=-1)", "tf.expand_dims(input, axis)" => expand_dims_call;
    /// Without these axes, which must have size 1; [`Axes::All`]: without every axis of size 1.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::squeeze(input([6, 1]), -1).shape().to_string(), "(None, 6)");
    /// ```
    pub fn squeeze(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor { [x.as_ref(), to::<Axes>(axis)] }
    "ops.numpy" / "Squeeze" as "squeeze(x, axis=None)" [Tensor, Axes] MayReturnInput,
    "K.squeeze(x, axis)", "tf.squeeze(input, axis=None)" => squeeze_call;
    /// Repeated along axes of size 1, and along new leading axes, to this shape.
    ///
    /// A shape that `x` does not broadcast to is an error.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([4]).batch_size(1).tensor();
    /// assert_eq!(ops::broadcast_to(&x, [3, 4]).shape().to_string(), "(3, 4)");
    /// ```
    pub fn broadcast_to(x: impl AsRef<Tensor>, shape: impl Into<Vec<usize>>) -> Tensor {
        [x.as_ref(), to::<Vec<usize>>(shape)]
    }
    "ops.numpy" / "BroadcastTo" as "broadcast_to(x, shape)" [Tensor, Counts] MayReturnInput => |inputs, config| {
        let shape = option::<Vec<usize>>(config, "shape")?;
        Ok(prim::broadcast_to(inputs.one()?, &shape.into())?.into())
    };
}}

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

/// The axes from `start` to the last merged into one; those before stay.
pub(crate) fn flatten_from(x: &Tensor, start: usize) -> Result<Tensor> {
    let shape = x.shape();
    let (kept, merged) = shape.dims().split_at(start.min(shape.rank()));
    let merged = Shape::from(merged).numel();
    prim::reshape(x, [kept, &[merged]].concat())
}
