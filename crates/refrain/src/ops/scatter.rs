//! Parts of tensors at positions, read and written, and what several elements make at one position.

use refrain_graph::{
    Comparison, DType, Dim, GatherDims, Literal, Op, ScatterDims, ScatterKind, Shape,
};

use super::arithmetic::operand;
use super::definition::ToArgument;
use super::definition::{OpResult, operations, to};
use super::{floor_divide, maximum, minimum, modulo, option, prim, tensor_argument, where_};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

operations! { TABLE in table {
    /// Zeros of a shape with values added at the positions that the last axis of `indices` holds.
    ///
    /// Negative positions count from the end; values at positions that are not there are left out.
    ///
    /// ```
    /// use refrain::{DType, Input, input, ops};
    /// let places = Input::new([1]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::scatter(&places, &input([4]), [10, 4]).shape().to_string(), "(10, 4)");
    /// ```
    pub fn scatter(indices: &Tensor, values: &Tensor, shape: impl Into<Vec<usize>>) -> Tensor {
        [indices, values, to::<Vec<usize>>(shape)]
    }
    "ops.core" / "Scatter" as "scatter(indices, values, shape)" [Indices, Tensor, Counts] => |inputs, config| {
        let (indices, values) = (tensor_argument(inputs, 0, "indices")?, tensor_argument(inputs, 1, "values")?);
        let shape = Shape::from(option::<Vec<usize>>(config, "shape")?);
        let zeros = prim::full(&values, &shape, values.dtype(), 0.0)?;
        Ok(scattered(&zeros, &indices, &values, ScatterKind::Add)?.into())
    };
    /// A tensor with elements set at the positions that the rows of `indices` hold, or combined with what is there.
    ///
    /// Negative positions count from the end; updates at positions that are not there are left out. Only those that are set or added
    /// have gradients.
    ///
    /// ```
    /// use refrain::{Input, Shape, DType, input, ops};
    /// let places = Input::new([2]).batch_size(5).dtype(DType::I32).tensor();
    /// let (x, updates) = (Input::new([4]).batch_size(3).tensor(), Input::new(Shape::scalar()).batch_size(5).tensor());
    /// assert_eq!(ops::scatter_update(&x, &places, &updates, None).shape(), x.shape());
    /// ```
    pub fn scatter_update(inputs: &Tensor, indices: &Tensor, updates: &Tensor, reduction: Option<Combine>) -> Tensor {
        [inputs, indices, updates, reduction.map(Combine::name)]
    }
    "ops.core" / "ScatterUpdate" as "scatter_update(inputs, indices, updates, reduction=None)" [Tensor, Indices, Tensor, Plain]
    => scatter_update_call;
    /// The part of a tensor that starts at these positions, one for each axis, and has this shape.
    ///
    /// Negative positions count from the end; a part that would reach beyond an end is moved inside.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, ops};
    /// let x = Input::new([4]).batch_size(3).tensor();
    /// let start = Input::new(Shape::scalar()).batch_size(2).dtype(DType::I32).tensor();
    /// assert_eq!(ops::slice(&x, &start, [2, 3]).shape().to_string(), "(2, 3)");
    /// ```
    pub fn slice(inputs: &Tensor, start_indices: &Tensor, shape: impl Into<Vec<usize>>) -> Tensor {
        [inputs, start_indices, to::<Vec<usize>>(shape)]
    }
    "ops.core" / "Slice" as "slice(inputs, start_indices, shape)" [Tensor, Indices, Counts] => slice_call;
    /// A tensor with a part of it replaced that starts at these positions, one for each axis.
    ///
    /// Negative positions count from the end; a part that would reach beyond an end is moved inside.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, ops};
    /// let x = Input::new([4]).batch_size(3).tensor();
    /// let start = Input::new(Shape::scalar()).batch_size(2).dtype(DType::I32).tensor();
    /// assert_eq!(ops::slice_update(&x, &start, &ops::ones([2, 2], DType::F32)).shape(), x.shape());
    /// ```
    pub fn slice_update(inputs: &Tensor, start_indices: &Tensor, updates: &Tensor) -> Tensor { [inputs, start_indices, updates] }
    "ops.core" / "SliceUpdate" as "slice_update(inputs, start_indices, updates)" [Tensor, Indices, Tensor] => slice_update_call;
    /// Sums of the elements along the first axis that have one segment's number; others are left out.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let segments = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::segment_sum(&input([4]), &segments, 5).shape().to_string(), "(5, 4)");
    /// ```
    pub fn segment_sum(data: &Tensor, segment_ids: &Tensor, num_segments: usize) -> Tensor { [data, segment_ids, num_segments, false] }
    "ops.math" / "SegmentSum" as "segment_sum(data, segment_ids, num_segments=None, sorted=False)" [Tensor, Indices, Plain, Flag]
    => |i, c| segment(i, c, ScatterKind::Add);
    /// Products of the elements along the first axis that have one segment's number; others are left out. Without gradients.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let segments = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::segment_prod(&input([4]), &segments, 5).shape().to_string(), "(5, 4)");
    /// ```
    pub fn segment_prod(data: &Tensor, segment_ids: &Tensor, num_segments: usize) -> Tensor { [data, segment_ids, num_segments, false] }
    "ops.math" / "SegmentProd" as "segment_prod(data, segment_ids, num_segments=None, sorted=False)" [Tensor, Indices, Plain, Flag]
    => |i, c| segment(i, c, ScatterKind::Multiply);
    /// The largest elements along the first axis that have one segment's number, -∞ of an empty one. Without gradients.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let segments = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::segment_max(&input([4]), &segments, 5).shape().to_string(), "(5, 4)");
    /// ```
    pub fn segment_max(data: &Tensor, segment_ids: &Tensor, num_segments: usize) -> Tensor { [data, segment_ids, num_segments, false] }
    "ops.math" / "SegmentMax" as "segment_max(data, segment_ids, num_segments=None, sorted=False)" [Tensor, Indices, Plain, Flag]
    => |i, c| segment(i, c, ScatterKind::Max);
    /// The smallest elements along the first axis that have one segment's number, ∞ of an empty one. Without gradients.
    ///
    /// ```
    /// use refrain::{DType, Input, Shape, input, ops};
    /// let segments = Input::new(Shape::scalar()).dtype(DType::I32).tensor();
    /// assert_eq!(ops::segment_min(&input([4]), &segments, 5).shape().to_string(), "(5, 4)");
    /// ```
    pub fn segment_min(data: &Tensor, segment_ids: &Tensor, num_segments: usize) -> Tensor { [data, segment_ids, num_segments, false] }
    "ops.math" / "SegmentMin" as "segment_min(data, segment_ids, num_segments=None, sorted=False)" [Tensor, Indices, Plain, Flag]
    => |i, c| segment(i, c, ScatterKind::Min);
    /// Positions in a flattened tensor of a shape as positions along each of its axes.
    ///
    /// Positions beyond the ends are moved to the ends.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let places = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::unravel_index(&places, [4, 6])[1].shape().to_string(), "(None, 3)");
    /// ```
    pub fn unravel_index(indices: impl AsRef<Tensor>, shape: impl Into<Vec<usize>>) -> Vec<Tensor> {
        |op| {
            let shape: Vec<usize> = shape.into();
            let count = shape.len();
            op.apply_many([indices.as_ref().argument(), shape.argument()], count)
        }
    }
    "ops.numpy" / "UnravelIndex" as "unravel_index(indices, shape)" [Tensor, Counts] => unravel_call;
}}

/// How [`scatter_update`] combines an update with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// Their sum.
    Add,
    /// The larger one.
    Max,
    /// The smaller one.
    Min,
    /// Their product.
    Multiply,
}

impl Combine {
    fn name(self) -> &'static str {
        match self {
            Combine::Add => "add",
            Combine::Max => "max",
            Combine::Min => "min",
            Combine::Multiply => "mul",
        }
    }
}

/// Sizes as a vector beside indices.
fn vector(like: &Tensor, sizes: impl Iterator<Item = usize>) -> Result<Tensor> {
    let values: Vec<f64> = sizes.map(|n| n as f64).collect();
    let literal = Literal::new([values.len()], values);
    let literal = literal.ok_or_else(|| Error::new(ErrorKind::Internal, "a vector"))?;
    Ok(like
        .expect_traced()?
        .trace
        .constant(literal.convert(like.dtype())))
}

/// Index vectors along the last axis, negative positions counted from the ends of these axes.
fn wrapped(indices: &Tensor, sizes: &[Dim]) -> Result<Tensor> {
    let indices = match indices.dtype() {
        DType::I32 | DType::I64 | DType::U32 => indices.clone(),
        _ => prim::convert(indices, DType::I32)?,
    };
    if sizes.iter().any(Option::is_none) || indices.dtype() == DType::U32 {
        return Ok(indices);
    }
    let sizes = vector(&indices, sizes.iter().map(|n| n.unwrap_or(0)))?;
    let negative = prim::compare(
        Comparison::Lt,
        &indices,
        &prim::constant_like(&indices, 0.0)?,
    )?;
    prim::select(&negative, &(&indices + sizes), &indices)
}

/// A tensor with updates where the last axis of the indices says.
pub(super) fn scattered(
    x: &Tensor,
    indices: &Tensor,
    updates: &Tensor,
    kind: ScatterKind,
) -> Result<Tensor> {
    let batch = indices.rank().checked_sub(1);
    let depth = batch
        .and_then(|last| indices.shape().dim(last))
        .filter(|&n| n <= x.rank());
    let (Some(batch), Some(depth)) = (batch, depth) else {
        let expected = format!("indices of at most {} axes", x.rank());
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            indices.shape().to_string(),
        ));
    };
    let indices = wrapped(indices, &x.shape().dims()[..depth])?;
    let (places, own) = (indices.shape(), x.shape());
    let shape = [&places.dims()[..batch], &own.dims()[depth..]].concat();
    let updates = prim::broadcast_to(&prim::convert(updates, x.dtype())?, &shape.into())?;
    let dims = Box::new(ScatterDims {
        update_window_dims: (batch..batch + x.rank() - depth).collect(),
        inserted_window_dims: (0..depth).collect(),
        scatter_dims_to_operand_dims: (0..depth).collect(),
        index_vector_dim: batch,
    });
    Trace::apply(Op::Scatter { dims, kind }, &[x, &indices, &updates])
}

fn scatter_update_call(inputs: &Inputs, config: &Config) -> OpResult {
    let (x, indices) = (
        tensor_argument(inputs, 0, "inputs")?,
        tensor_argument(inputs, 1, "indices")?,
    );
    let updates = operand(inputs, 2, "updates", &x)?;
    let kind = match option::<Option<String>>(config, "reduction")?.as_deref() {
        None => ScatterKind::Set,
        Some("add") => ScatterKind::Add,
        Some("max") => ScatterKind::Max,
        Some("min") => ScatterKind::Min,
        Some("mul") => ScatterKind::Multiply,
        Some(other) => return Err(unexpected("add, max, min or mul", &other.into())),
    };
    Ok(scattered(&x, &indices, &updates, kind)?.into())
}

/// Where a part starts, one position for each axis of a tensor.
fn starts(inputs: &Inputs, x: &Tensor) -> Result<Tensor> {
    let starts = tensor_argument(inputs, 1, "start_indices")?;
    match starts.rank() == 1 && starts.shape().dim(0).is_none_or(|n| n == x.rank()) {
        true => wrapped(&starts, x.shape().dims()),
        false => {
            let expected = format!("a position for each of {} axes", x.rank());
            Err(Error::mismatch(
                ErrorKind::Shape,
                expected,
                starts.shape().to_string(),
            ))
        }
    }
}

fn slice_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "inputs")?;
    let shape: Vec<usize> = option(config, "shape")?;
    let starts = starts(inputs, &x)?;
    let dims = GatherDims {
        offset_dims: (0..x.rank()).collect(),
        collapsed_slice_dims: Vec::new(),
        start_index_map: (0..x.rank()).collect(),
        index_vector_dim: 0,
        slice_sizes: shape.into_iter().map(Some).collect(),
    };
    Ok(Trace::apply(Op::Gather(Box::new(dims)), &[&x, &starts])?.into())
}

fn slice_update_call(inputs: &Inputs, _: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "inputs")?;
    let updates = prim::convert(&tensor_argument(inputs, 2, "updates")?, x.dtype())?;
    let mut starts = starts(inputs, &x)?;
    let (own, part) = (x.shape(), updates.shape());
    let room = own
        .dims()
        .iter()
        .zip(part.dims())
        .map(|(own, part)| Some(own.as_ref()?.saturating_sub(*part.as_ref()?)));
    if let Some(room) = room.collect::<Option<Vec<usize>>>() {
        let last = vector(&starts, room.into_iter())?;
        starts = maximum(minimum(&starts, last), 0);
        starts.check()?;
    }
    let dims = Box::new(ScatterDims {
        update_window_dims: (0..x.rank()).collect(),
        inserted_window_dims: Vec::new(),
        scatter_dims_to_operand_dims: (0..x.rank()).collect(),
        index_vector_dim: 0,
    });
    let kind = ScatterKind::Set;
    Ok(Trace::apply(Op::Scatter { dims, kind }, &[&x, &starts, &updates])?.into())
}

fn segment(inputs: &Inputs, config: &Config, kind: ScatterKind) -> OpResult {
    let (x, ids) = (
        tensor_argument(inputs, 0, "data")?,
        tensor_argument(inputs, 1, "segment_ids")?,
    );
    if ids.rank() != 1 || x.rank() == 0 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a segment for each element of the first axis",
            ids.shape().to_string(),
        ));
    }
    let segments: usize = option(config, "num_segments")?;
    let (low, high) = match x.dtype().is_float() {
        true => (f64::NEG_INFINITY, f64::INFINITY),
        false => prim::limits(x.dtype()),
    };
    let first = match kind {
        ScatterKind::Max => low,
        ScatterKind::Min => high,
        ScatterKind::Multiply => 1.0,
        _ => 0.0,
    };
    let mut shape = x.shape();
    shape.dims_mut()[0] = Some(segments);
    let empty = prim::full(&x, &shape, x.dtype(), first)?;
    let dims = Box::new(ScatterDims {
        update_window_dims: (1..x.rank()).collect(),
        inserted_window_dims: vec![0],
        scatter_dims_to_operand_dims: vec![0],
        index_vector_dim: 1,
    });
    Ok(Trace::apply(Op::Scatter { dims, kind }, &[&empty, &ids, &x])?.into())
}

fn unravel_call(inputs: &Inputs, config: &Config) -> OpResult {
    let mut rest = inputs.one()?.clone();
    let shape: Vec<usize> = option(config, "shape")?;
    let mut places = Vec::new();
    for &size in shape.iter().rev() {
        places.push(modulo(&rest, size));
        rest = floor_divide(&rest, size);
    }
    let (beyond, before) = (super::greater(&rest, 0), super::less(&rest, -1));
    let inside = |(place, &size): (Tensor, &usize)| {
        let place = where_(&before, 0, place);
        where_(&beyond, size.saturating_sub(1), place)
    };
    let places = places.into_iter().rev().zip(&shape).map(inside);
    Ok(Structure::tuple(places.collect::<Vec<_>>()))
}
