//! Joining and cutting along axes of a fixed place, and grids.

use refrain_graph::Dim;
use serde_json::Value as Json;

use super::definition::{OpResult, ToArgument, operations, to};
use super::join::{cut, limited, split_along};
use super::{Sections, concatenate_traced, flatten_from, option, prim, tensor_argument};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

operations! { TABLE in table {
    /// Side by side along the second axis, vectors along their only one.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::hstack([&input([3]), &input([4])]).shape().to_string(), "(None, 7)");
    /// ```
    pub fn hstack(xs: impl Into<Structure<Tensor>>) -> Tensor { [to::<Structure<Tensor>>(xs)] }
    "ops.numpy" / "Hstack" as "hstack(xs)" [Tensors] => |inputs, _| stacked(inputs, 1, 1);
    /// Below each other along the first axis, vectors as rows.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::vstack([&input([3]), &input([3])]).shape().to_string(), "(None, 3)");
    /// ```
    pub fn vstack(xs: impl Into<Structure<Tensor>>) -> Tensor { [to::<Structure<Tensor>>(xs)] }
    "ops.numpy" / "Vstack" as "vstack(xs)" [Tensors] => |inputs, _| stacked(inputs, 2, 0);
    /// Behind each other along the third axis; vectors and matrices get it.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::dstack([&input([3]), &input([3])]).shape().to_string(), "(None, 3, 2)");
    /// ```
    pub fn dstack(xs: impl Into<Structure<Tensor>>) -> Tensor { [to::<Structure<Tensor>>(xs)] }
    "ops.numpy" / "Dstack" as "dstack(xs)" [Tensors] => |inputs, _| stacked(inputs, 3, 2);
    /// Two tensors side by side along an axis; `None`: their elements along one axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::append(&input([3]), &input([4]), -1).shape().to_string(), "(None, 7)");
    /// ```
    pub fn append(x1: &Tensor, x2: &Tensor, axis: impl Into<Option<i64>>) -> Tensor { [x1, x2, to::<Option<i64>>(axis)] }
    "ops.numpy" / "Append" as "append(x1, x2, axis=None)" [Tensor, Tensor, OptionalInteger] => append_call;
    /// Cut into parts along an axis, the first of them one element longer where it does not divide into equal ones.
    ///
    /// Keras's axis is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let parts = ops::array_split(input([5]), 3, -1);
    /// assert_eq!(parts[0].shape().to_string(), "(None, 2)");
    /// assert_eq!(parts[2].shape().to_string(), "(None, 1)");
    /// ```
    pub fn array_split(x: impl AsRef<Tensor>, parts: usize, axis: i64) -> Vec<Tensor> {
        |op| op.apply_many([x.as_ref().argument(), parts.argument(), axis.argument()], parts)
    }
    "ops.numpy" / "ArraySplit" as "array_split(x, indices_or_sections, axis=0)" [Tensor, Plain, Integer] => array_split_call;
    /// Cut along the second axis, vectors along their only one.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::hsplit(input([6]), 3)[0].shape().to_string(), "(None, 2)");
    /// ```
    pub fn hsplit(x: impl AsRef<Tensor>, sections: impl Into<Sections>) -> Vec<Tensor> {
        |op| cut(op, x.as_ref(), sections, None)
    }
    "ops.numpy" / "Hsplit" as "hsplit(x, indices_or_sections)" [Tensor, Plain] => |inputs, config| {
        let axis = if inputs.one()?.rank() > 1 { 1 } else { 0 };
        split_along(inputs.one()?, axis, config)
    };
    /// Cut along the first axis; vectors are an error.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([3]).batch_size(4).tensor();
    /// assert_eq!(ops::vsplit(&x, 2)[0].shape().to_string(), "(2, 3)");
    /// ```
    pub fn vsplit(x: impl AsRef<Tensor>, sections: impl Into<Sections>) -> Vec<Tensor> {
        |op| cut(op, x.as_ref(), sections, None)
    }
    "ops.numpy" / "Vsplit" as "vsplit(x, indices_or_sections)" [Tensor, Plain]
    => |inputs, config| {
        resolve_axis(1, inputs.one()?.rank())?;
        split_along(inputs.one()?, 0, config)
    };
    /// Cut along the third axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::dsplit(input([4, 6]), 3)[0].shape().to_string(), "(None, 4, 2)");
    /// ```
    pub fn dsplit(x: impl AsRef<Tensor>, sections: impl Into<Sections>) -> Vec<Tensor> {
        |op| cut(op, x.as_ref(), sections, None)
    }
    "ops.numpy" / "Dsplit" as "dsplit(x, indices_or_sections)" [Tensor, Plain]
    => |inputs, config| split_along(inputs.one()?, resolve_axis(2, inputs.one()?.rank())?, config);
    /// The coordinates of a grid: each vector along an axis of its own, repeated along those of the others.
    ///
    /// With `columns_first` (Keras's `"xy"`, its default) the first vector goes along the second axis, the second along the first.
    ///
    /// ```
    /// use refrain::{Input, Shape, ops};
    /// let (x, y) = (Input::new(Shape::scalar()).batch_size(3).tensor(), Input::new(Shape::scalar()).batch_size(2).tensor());
    /// let grid = ops::meshgrid([&x, &y], true);
    /// assert_eq!(grid[0].shape().to_string(), "(2, 3)");
    /// ```
    pub fn meshgrid<'a>(xs: impl IntoIterator<Item = &'a Tensor>, columns_first: bool) -> Vec<Tensor> {
        |op| {
            let xs: Vec<&Tensor> = xs.into_iter().collect();
            let indexing = if columns_first { "xy" } else { "ij" };
            let arguments = xs.iter().map(|x| x.argument());
            op.apply_many(std::iter::once(indexing.argument()).chain(arguments), xs.len())
        }
    }
    "ops.numpy" / "Meshgrid" as "meshgrid(indexing, *x)" [Text, Rest] => meshgrid_call;
}}

/// Tensors of at least `rank` axes side by side: NumPy's `atleast_1d`, `atleast_2d` or `atleast_3d`.
fn stacked(inputs: &Inputs, rank: usize, axis: i64) -> OpResult {
    let xs = inputs.list()?;
    let least = |x: &Tensor| -> Result<Tensor> {
        let dims = x.shape();
        let dims = dims.dims();
        let wide: Vec<Dim> = match (rank, dims) {
            (_, dims) if dims.len() >= rank => dims.to_vec(),
            (3, [n]) => vec![Some(1), *n, Some(1)],
            (3, [rows, columns]) => vec![*rows, *columns, Some(1)],
            _ => [vec![Some(1); rank - dims.len()], dims.to_vec()].concat(),
        };
        prim::reshape(x, wide)
    };
    let xs = xs.into_iter().map(least).collect::<Result<Vec<_>>>()?;
    let flat = xs.first().is_some_and(|x| x.rank() == 1);
    let axis = if flat { 0 } else { axis };
    Ok(concatenate_traced(&xs.iter().collect::<Vec<_>>(), axis)?.into())
}

fn append_call(inputs: &Inputs, config: &Config) -> OpResult {
    let (a, b) = (
        tensor_argument(inputs, 0, "x1")?,
        tensor_argument(inputs, 1, "x2")?,
    );
    Ok(match option::<Option<i64>>(config, "axis")? {
        Some(axis) => concatenate_traced(&[&a, &b], axis)?,
        None => concatenate_traced(&[&flatten_from(&a, 0)?, &flatten_from(&b, 0)?], 0)?,
    }
    .into())
}

fn array_split_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    let axis = resolve_axis(option(config, "axis")?, x.rank())?;
    let json = config.get("indices_or_sections").unwrap_or(&Json::Null);
    let parts = json.as_u64().filter(|&parts| parts > 0);
    let (Some(size), Some(parts)) = (x.shape().dim(axis), parts) else {
        return split_along(x, axis, config);
    };
    let parts = limited(usize::try_from(parts).unwrap_or(usize::MAX))?;
    let longer = size % parts;
    let starts: Vec<usize> = (1..parts)
        .map(|i| i * (size / parts) + i.min(longer))
        .collect();
    let mut places = Config::new();
    places.insert("indices_or_sections".to_owned(), starts.into());
    split_along(x, axis, &places)
}

fn meshgrid_call(inputs: &Inputs, config: &Config) -> OpResult {
    let indexing: String = option(config, "indexing")?;
    let columns_first = match indexing.as_str() {
        "xy" => true,
        "ij" => false,
        _ => return Err(unexpected("xy or ij", &indexing.into())),
    };
    let xs = inputs.tensors();
    let rank = xs.len();
    let axis = |i: usize| match (columns_first && rank > 1, i) {
        (true, 0) => 1,
        (true, 1) => 0,
        _ => i,
    };
    let flat = xs
        .iter()
        .map(|x| flatten_from(x, 0))
        .collect::<Result<Vec<_>>>()?;
    let mut shape: Vec<Dim> = vec![None; rank];
    for (i, x) in flat.iter().enumerate() {
        if xs[i].rank() > 1 {
            let received = xs[i].shape().to_string();
            return Err(Error::mismatch(ErrorKind::Shape, "vectors", received));
        }
        shape[axis(i)] = x.shape().dim(0);
    }
    let grids = flat.iter().enumerate().map(|(i, x)| {
        let mut line = vec![Some(1); rank];
        line[axis(i)] = x.shape().dim(0);
        prim::broadcast_to(&prim::reshape(x, line)?, &shape.clone().into())
    });
    Ok(Structure::list(grids.collect::<Result<Vec<_>>>()?))
}
