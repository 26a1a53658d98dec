//! Reading elements at positions: Python's indexing, `take`, `one_hot`; choosing between elements.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

use refrain_graph::{BinaryOp, Comparison, DType, Dim, GatherDims, Op, Reduction, Shape};
use serde_json::{Value as Json, json};

use super::arithmetic::operand;
use super::definition::{operations, to};
use super::reduce::reduce;
use super::{Operand, absent, concatenate_traced, dtype, not_equal, option, prim, tensor_argument};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;
use crate::utils::sizes;

/// One part of an index in brackets, as in NumPy. Made from a number, a range, or `..` (the whole axis).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// One element; the axis disappears. Negative numbers count from the end.
    At(i64),
    /// `start:stop:step`; negative bounds count from the end, a negative step reads backwards.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// `...`: all axes that nothing else speaks of.
    Ellipsis,
    /// `None`: a new axis of size 1.
    NewAxis,
}

impl Index {
    /// Every so many elements of the whole axis; -1 reads it backwards.
    pub fn step(step: i64) -> Self {
        Index::Slice(None, None, Some(step))
    }

    /// The same range with a step.
    pub fn by(self, step: i64) -> Self {
        match self {
            Index::Slice(start, stop, _) => Index::Slice(start, stop, Some(step)),
            other => other,
        }
    }

    fn to_json(self) -> Json {
        match self {
            Index::At(i) => i.into(),
            Index::Slice(start, stop, step) => json!({
                "class_name": "__slice__",
                "config": {"start": start, "stop": stop, "step": step},
            }),
            Index::Ellipsis => json!({"class_name": "__ellipsis__", "config": {}}),
            Index::NewAxis => Json::Null,
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        if json.is_null() {
            return Ok(Index::NewAxis);
        }
        if let Some(i) = json.as_i64() {
            return Ok(Index::At(i));
        }
        let bound = |name| json["config"][name].as_i64();
        match json["class_name"].as_str() {
            Some("__ellipsis__") => Ok(Index::Ellipsis),
            Some("__slice__") => Ok(Index::Slice(bound("start"), bound("stop"), bound("step"))),
            _ => Err(unexpected("an integer, a slice, an ellipsis or null", json)),
        }
    }
}

macro_rules! index_from {
    ($($n:ty),*) => {$(
        impl From<$n> for Index {
            fn from(i: $n) -> Self { Index::At(i as i64) }
        }
        impl From<Range<$n>> for Index {
            fn from(r: Range<$n>) -> Self { Index::Slice(Some(r.start as i64), Some(r.end as i64), None) }
        }
        impl From<RangeFrom<$n>> for Index {
            fn from(r: RangeFrom<$n>) -> Self { Index::Slice(Some(r.start as i64), None, None) }
        }
        impl From<RangeTo<$n>> for Index {
            fn from(r: RangeTo<$n>) -> Self { Index::Slice(None, Some(r.end as i64), None) }
        }
        impl From<RangeInclusive<$n>> for Index {
            fn from(r: RangeInclusive<$n>) -> Self {
                // -1 is the last element, whose successor 0 would be the first.
                let stop = Some(*r.end() as i64 + 1).filter(|&s| s != 0);
                Index::Slice(Some(*r.start() as i64), stop, None)
            }
        }
    )*};
}
index_from!(i32, i64, usize);

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Self {
        Index::Slice(None, None, None)
    }
}

/// An index in brackets: one [`Index`], or a tuple or array of them for the leading axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub Vec<Index>);

impl<I: Into<Index>> From<I> for Key {
    fn from(index: I) -> Self {
        Key(vec![index.into()])
    }
}

impl<const N: usize> From<[Index; N]> for Key {
    fn from(indices: [Index; N]) -> Self {
        Key(indices.to_vec())
    }
}

impl From<Vec<Index>> for Key {
    fn from(indices: Vec<Index>) -> Self {
        Key(indices)
    }
}

impl From<&[Index]> for Key {
    fn from(indices: &[Index]) -> Self {
        Key(indices.to_vec())
    }
}

macro_rules! key_from_tuples {
    ($(($($t:ident),+);)*) => {$(
        impl<$($t: Into<Index>),+> From<($($t,)+)> for Key {
            #[allow(non_snake_case)]
            fn from(($($t,)+): ($($t,)+)) -> Self { Key(vec![$($t.into()),+]) }
        }
    )*};
}
key_from_tuples! { (A, B); (A, B, C); (A, B, C, D); (A, B, C, D, E); (A, B, C, D, E, F); }

operations! { TABLE in table {
    /// `x[key]` as in Python.
    ///
    /// An index beyond an axis and a key for more axes than `x` has are errors.
    ///
    /// ```
    /// use refrain::{input, ops::{self, Index}};
    /// let x = input([5, 6]);
    /// assert_eq!(ops::get_item(&x, (.., 0)).shape().to_string(), "(None, 6)");
    /// assert_eq!(x.slice((.., 1..3, Index::step(2))).shape().to_string(), "(None, 2, 3)");
    /// assert_eq!(x.slice((Index::Ellipsis, -1)).shape().to_string(), "(None, 5)");
    /// ```
    pub fn get_item(x: impl AsRef<Tensor>, key: impl Into<Key>) -> Tensor {
        [x.as_ref(), key_to_json(key.into().0)]
    }
    "ops.numpy" / "GetItem" as "get_item(x, key)" [Tensor, Key] MayReturnInput => get_item_call;
    /// Elements at these positions along an axis; the axes of `indices` take its place.
    ///
    /// Negative positions count from the end. Positions beyond the ends give NaN, as in Keras on JAX; of integers the smallest number,
    /// of unsigned ones the largest, of truth values true.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, ops};
    /// let places = ops::convert_to_tensor(&array![0, 2, -1]);
    /// assert_eq!(ops::take(&input([5, 6]), &places, -1).shape().to_string(), "(None, 5, 3)");
    /// ```
    pub fn take(x: &Tensor, indices: &Tensor, axis: i64) -> Tensor { [x, indices, axis] }
    "ops.numpy" / "Take" as "take(x, indices, axis=None)" [Tensor, Indices, OptionalInteger] => take_call;
    /// The element at its own position along an axis for each place.
    ///
    /// `indices` has the rank of `x`, and the result its shape; axes of size 1 repeat. Another rank is an error. Negative positions
    /// and those beyond the ends are as in [`take`].
    ///
    /// ```
    /// use refrain::{DType, Input, input, ops};
    /// let (x, places) = (input([5]), Input::new([2]).dtype(DType::I32).tensor());
    /// assert_eq!(ops::take_along_axis(&x, &places, -1).shape().to_string(), "(None, 2)");
    /// ```
    pub fn take_along_axis(x: &Tensor, indices: &Tensor, axis: i64) -> Tensor { [x, indices, axis] }
    "ops.numpy" / "TakeAlongAxis" as "take_along_axis(x, indices, axis=None)" [Tensor, Indices, OptionalInteger]
    => take_along_axis_call;
    /// 1 at each index along a new axis, 0 elsewhere; indices outside give zeros only.
    ///
    /// Keras puts the axis last and gives `f32` by default.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let classes = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::one_hot(&classes, 10, -1, DType::F32).shape().to_string(), "(None, 3, 10)");
    /// ```
    pub fn one_hot(x: impl AsRef<Tensor>, num_classes: usize, axis: i64, dtype: DType) -> Tensor {
        [x.as_ref(), num_classes, axis, dtype, false]
    }
    "ops.nn" / "OneHot" as "one_hot(x, num_classes, axis=-1, dtype=None, sparse=False)"
    [Tensor, Count, Integer, OptionalType, Flag], "K.one_hot(indices, num_classes)" => one_hot_call;
    /// 1 for each class that a sample has, 0 for the others, along an axis.
    ///
    /// Keras has the last axis and `f32` by default.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let classes = Input::new([3]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::multi_hot(&classes, 10, -1, DType::F32).shape().to_string(), "(None, 10)");
    /// ```
    pub fn multi_hot(inputs: impl AsRef<Tensor>, num_classes: usize, axis: i64, dtype: DType) -> Tensor {
        [inputs.as_ref(), num_classes, axis, dtype, false]
    }
    "ops.nn" / "MultiHot" as "multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False)"
    [Tensor, Count, Integer, OptionalType, Flag] => multi_hot_call;
    /// Elements of `a` where the condition holds, of `b` elsewhere.
    ///
    /// Shapes broadcast as in NumPy. Numbers take the type of the tensor beside them.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let x = input([3]);
    /// let positive = ops::where_(ops::greater(&x, 0), &x, 0);
    /// assert_eq!(positive.shape().to_string(), "(None, 3)");
    /// ```
    pub fn where_(condition: impl AsRef<Tensor>, a: impl Into<Operand>, b: impl Into<Operand>) -> Tensor {
        [condition.as_ref(), to::<Operand>(a), to::<Operand>(b)]
    }
    "ops.numpy" / "Where" as "where(condition, x1=None, x2=None)" [Tensor, Operand, Operand],
    "tf.where(condition, x, y)" => where_call;
    /// From each place the element of the first choice whose condition holds there, or the default.
    ///
    /// As many choices as conditions; all shapes broadcast. Keras's default is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let x = input([3]);
    /// let y = ops::select([&ops::less(&x, 0), &ops::greater(&x, 1)], [&-&x, &x.sqrt()], 0.5);
    /// assert_eq!(y.shape(), x.shape());
    /// ```
    pub fn select(
        condlist: impl Into<Structure<Tensor>>,
        choicelist: impl Into<Structure<Tensor>>,
        default: impl Into<Operand>,
    ) -> Tensor {
        [to::<Structure<Tensor>>(condlist), to::<Structure<Tensor>>(choicelist), to::<Operand>(default)]
    }
    "ops.numpy" / "Select" as "select(condlist, choicelist, default=0)" [Tensors, Tensors, Operand] => select_call;
}}

fn where_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let condition = tensor_argument(inputs, 0, "condition")?;
    let tensors = (inputs.tensor(1, "x1"), inputs.tensor(2, "x2"));
    let beside = tensors.0.or(tensors.1);
    let truth = prim::constant_of(&condition, DType::F32, 0.0)?;
    let beside = beside.unwrap_or(&truth);
    let (a, b) = (
        operand(inputs, 1, "x1", beside)?,
        operand(inputs, 2, "x2", beside)?,
    );
    Ok(prim::select(&condition, &a, &b)?.into())
}

fn select_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let list = |position, name| {
        inputs
            .get(position, name)
            .map(Structure::flatten)
            .unwrap_or_default()
    };
    let (conditions, choices) = (list(0, "condlist"), list(1, "choicelist"));
    let Some(first) = choices
        .first()
        .filter(|_| conditions.len() == choices.len())
    else {
        let received = format!("{} for {} conditions", choices.len(), conditions.len());
        return Err(Error::mismatch(
            ErrorKind::Structure,
            "a choice for each condition",
            received,
        ));
    };
    let default =
        match inputs.plain(2, "default").is_some() || inputs.tensor(2, "default").is_some() {
            true => operand(inputs, 2, "default", first)?,
            false => prim::constant_like(first, 0.0)?,
        };
    let pairs = conditions.iter().zip(&choices).rev();
    let chosen = pairs.fold(default, |rest, (condition, choice)| {
        where_(not_equal(*condition, 0), *choice, rest)
    });
    Ok(chosen.into())
}

pub(super) fn key_to_json(key: Vec<Index>) -> Json {
    key.into_iter().map(Index::to_json).collect()
}

impl Tensor {
    /// `x[key]` as in Python; see [`ops::get_item`](crate::ops::get_item).
    pub fn slice(&self, key: impl Into<Key>) -> Tensor {
        get_item(self, key)
    }
}

/// Elements `start..stop` along one axis; bounds as in Python.
///
/// ```
/// use refrain::{input, ops};
/// assert_eq!(ops::slice_axis(input([5, 6]), 1, None, Some(-1)).shape().to_string(), "(None, 4, 6)");
/// ```
pub fn slice_axis(
    x: impl AsRef<Tensor>,
    axis: i64,
    start: Option<i64>,
    stop: Option<i64>,
) -> Tensor {
    let x = x.as_ref();
    let whole = Index::Slice(None, None, None);
    let part = Index::Slice(start, stop, None);
    let key = match resolve_axis(axis, x.rank()) {
        Ok(axis) => [vec![whole; axis], vec![part]].concat(),
        Err(e) => return Tensor::from_result(x.check().and(Err(e))),
    };
    get_item(x, key)
}

fn get_item_call(inputs: &Inputs, _: &Config) -> Result<Structure<Tensor>> {
    let x = tensor_argument(inputs, 0, "x")?;
    let missing = || Error::mismatch(ErrorKind::Structure, "an index", "none");
    let key = key_from_json(inputs.plain(1, "key").ok_or_else(missing)?)?;
    Ok(index_traced(&x, &key)?.into())
}

fn key_from_json(json: &Json) -> Result<Vec<Index>> {
    match json {
        Json::Array(items) => items.iter().map(Index::from_json).collect(),
        json => Ok(vec![Index::from_json(json)?]),
    }
}

/// An index of a tensor of this rank as files hold it, if it has an ellipsis: with slices of whole axes in its place.
pub(crate) fn spelled_out(json: &Json, rank: usize) -> Option<Json> {
    let key = key_from_json(json).ok()?;
    let key = key.contains(&Index::Ellipsis).then_some(key)?;
    without_ellipsis(&key, rank).ok().map(key_to_json)
}

/// What one axis of the operand becomes.
struct Cut {
    start: usize,
    limit: Dim,
    stride: usize,
    backwards: bool,
    dropped: bool,
}

fn index_traced(x: &Tensor, key: &[Index]) -> Result<Tensor> {
    let key = without_ellipsis(key, x.rank())?;
    let mut cuts = Vec::new();
    let mut places = Vec::new(); // true: an axis of the operand that stays; false: a new one
    for index in &key {
        if *index == Index::NewAxis {
            places.push(false);
            continue;
        }
        let cut = cut(*index, x.shape().dim(cuts.len()), cuts.len())?;
        if !cut.dropped {
            places.push(true);
        }
        cuts.push(cut);
    }
    let mut y = x.clone();
    let backwards = |c: &Cut| c.backwards;
    let reversed = (0..cuts.len()).filter(|&i| backwards(&cuts[i])).collect();
    if cuts.iter().any(backwards) {
        y = Trace::apply(Op::Reverse(reversed), &[&y])?;
    }
    let whole = |c: &Cut| c.start == 0 && c.limit.is_none() && c.stride == 1;
    if !cuts.iter().all(whole) {
        let op = Op::Slice {
            starts: cuts.iter().map(|c| c.start).collect(),
            limits: cuts.iter().map(|c| c.limit).collect(),
            strides: cuts.iter().map(|c| c.stride).collect(),
        };
        y = Trace::apply(op, &[&y])?;
    }
    let shape = y.shape();
    let mut kept = (0..cuts.len())
        .filter(|&i| !cuts[i].dropped)
        .map(|i| shape.dim(i));
    let dims: Vec<Dim> = places
        .iter()
        .map(|&old| if old { kept.next().flatten() } else { Some(1) })
        .collect();
    prim::reshape(&y, dims)
}

/// The index with an entry for each axis of the operand.
fn without_ellipsis(key: &[Index], rank: usize) -> Result<Vec<Index>> {
    let used = key
        .iter()
        .filter(|i| !matches!(i, Index::Ellipsis | Index::NewAxis))
        .count();
    let ellipses = key.iter().filter(|i| **i == Index::Ellipsis).count();
    if used > rank || ellipses > 1 {
        let expected = format!("at most {} indices and one ellipsis", rank);
        let received = format!("{used} indices and {ellipses} ellipses");
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let rest = vec![Index::Slice(None, None, None); rank - used];
    let place = key.iter().position(|i| *i == Index::Ellipsis);
    let mut full = key.to_vec();
    match place {
        Some(p) => {
            full.splice(p..=p, rest);
        }
        None => full.extend(rest),
    }
    Ok(full)
}

fn cut(index: Index, size: Dim, axis: usize) -> Result<Cut> {
    match (index, size) {
        (Index::At(i), Some(n)) => {
            let start = resolve_axis(i, n).map_err(|_| {
                let expected = format!("an index below {n} along axis {axis}");
                Error::mismatch(ErrorKind::Shape, expected, i.to_string())
            })?;
            Ok(Cut {
                start,
                limit: Some(start + 1),
                stride: 1,
                backwards: false,
                dropped: true,
            })
        }
        (Index::At(_), None) => Ok(Cut {
            start: 0,
            limit: Some(1),
            stride: 1,
            backwards: false,
            dropped: true,
        }),
        (Index::Slice(start, stop, step), size) => range(start, stop, step.unwrap_or(1), size),
        (Index::Ellipsis | Index::NewAxis, _) => Err(Error::new(
            ErrorKind::Internal,
            "an index that is not of an axis",
        )),
    }
}

fn range(start: Option<i64>, stop: Option<i64>, step: i64, size: Dim) -> Result<Cut> {
    if step == 0 {
        return Err(Error::mismatch(ErrorKind::Shape, "a step but 0", "0"));
    }
    let backwards = step < 0;
    let stride = step.unsigned_abs() as usize;
    let Some(n) = size else {
        // Whatever the bounds, the size stays unknown.
        return Ok(Cut {
            start: 0,
            limit: None,
            stride,
            backwards,
            dropped: false,
        });
    };
    let n = sizes::signed(n)?;
    let from_end = |i: i64| if i < 0 { i + n } else { i };
    // Read backwards, position p is n - 1 - p, and the bounds keep their roles.
    let place = |bound: Option<i64>, default: i64| match bound.map(from_end) {
        None => default,
        Some(p) if backwards => (n - 1 - p).clamp(0, n),
        Some(p) => p.clamp(0, n),
    };
    let (start, stop) = (place(start, 0), place(stop, n));
    Ok(Cut {
        start: start as usize,
        limit: Some(stop.max(start) as usize).filter(|&s| s as i64 != n),
        stride,
        backwards,
        dropped: false,
    })
}

fn take_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = tensor_argument(inputs, 0, "x")?;
    let indices = tensor_argument(inputs, 1, "indices")?;
    let (x, axis) = match option::<Option<i64>>(config, "axis")? {
        Some(axis) => (x.clone(), resolve_axis(axis, x.rank())?),
        None => (super::flatten_from(&x, 0)?, 0),
    };
    Ok(take_axis(&x, &indices, axis)?.into())
}

/// Negative positions counted from the end.
pub(super) fn from_end(indices: &Tensor, size: Dim) -> Result<Tensor> {
    let indices = match indices.dtype() {
        DType::U32 => return Ok(indices.clone()),
        DType::I32 | DType::I64 => indices.clone(),
        _ => prim::convert(indices, DType::I32)?,
    };
    let zero = prim::constant_like(&indices, 0.0)?;
    let negative = prim::compare(Comparison::Lt, &indices, &zero)?;
    prim::select(&negative, &(&indices + size.unwrap_or(0)), &indices)
}

/// Rows of a traced tensor along an axis; beyond its ends there is [`beyond`].
pub(crate) fn take_axis(x: &Tensor, indices: &Tensor, axis: usize) -> Result<Tensor> {
    let size = x.shape().dim(axis);
    let places = from_end(indices, size)?;
    let taken = gather_axis(x, &places, axis)?;
    let Some(inside) = inside(indices, &places, size)? else {
        return Ok(taken);
    };
    let mut dims: Vec<Dim> = vec![Some(1); taken.rank()];
    dims[axis..axis + indices.rank()].clone_from_slice(inside.shape().dims());
    prim::select(&prim::reshape(&inside, dims)?, &taken, &beyond(x)?)
}

/// Which positions are of elements, if not all are: positions known when the program is made are looked at there.
fn inside(indices: &Tensor, places: &Tensor, size: Dim) -> Result<Option<Tensor>> {
    let Some(size) = size else {
        return Ok(None);
    };
    let traced = indices.expect_traced()?;
    let known = traced
        .trace
        .with_graph(|graph| match graph.op_of(traced.value) {
            Some((Op::Constant(literal), _)) => Some(literal.to_f64()),
            _ => None,
        });
    let size = size as f64;
    if known.is_some_and(|known| known.iter().all(|i| (-size..size).contains(i))) {
        return Ok(None);
    }
    let below = prim::compare(Comparison::Lt, places, &prim::constant_like(places, size)?)?;
    let above = prim::compare(Comparison::Ge, places, &prim::constant_like(places, 0.0)?)?;
    Ok(Some(prim::binary(BinaryOp::And, &below, &above)?))
}

/// What JAX gives in place of elements that are not there.
fn beyond(x: &Tensor) -> Result<Tensor> {
    let (low, high) = prim::limits(x.dtype());
    let value = match x.dtype() {
        dtype if dtype.is_float() => f64::NAN,
        DType::I32 | DType::I64 => low,
        _ => high,
    };
    prim::constant_like(x, value)
}

/// Rows of a traced tensor along an axis, at positions that are there.
pub(crate) fn gather_axis(x: &Tensor, indices: &Tensor, axis: usize) -> Result<Tensor> {
    let (rank, count) = (x.rank(), indices.rank());
    let mut slice_sizes: Vec<Dim> = vec![None; rank];
    slice_sizes[axis] = Some(1);
    let dims = GatherDims {
        offset_dims: (0..axis).chain(axis + count..rank - 1 + count).collect(),
        collapsed_slice_dims: vec![axis],
        start_index_map: vec![axis],
        index_vector_dim: count,
        slice_sizes,
    };
    Trace::apply(Op::Gather(Box::new(dims)), &[x, indices])
}

fn take_along_axis_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = tensor_argument(inputs, 0, "x")?;
    let indices = tensor_argument(inputs, 1, "indices")?;
    let (x, indices, axis) = match option::<Option<i64>>(config, "axis")? {
        Some(axis) => (x.clone(), indices.clone(), resolve_axis(axis, x.rank())?),
        None => (
            super::flatten_from(&x, 0)?,
            super::flatten_from(&indices, 0)?,
            0,
        ),
    };
    if indices.rank() != x.rank() {
        let expected = format!("indices of rank {}", x.rank());
        return Err(Error::mismatch(
            ErrorKind::Shape,
            expected,
            indices.shape().to_string(),
        ));
    }
    let indices = prim::convert(&indices, DType::I32)?;
    let (mut source, mut grid) = (x.shape(), indices.shape());
    let along = (source.dims()[axis], grid.dims()[axis]);
    grid.dims_mut()[axis] = Some(1);
    source.dims_mut()[axis] = Some(1);
    let common = prim::broadcast_shapes(&source, &grid)?;
    (source, grid) = (common.clone(), common);
    (source.dims_mut()[axis], grid.dims_mut()[axis]) = along;
    let x = prim::broadcast_to(&x, &source)?;
    let places = prim::broadcast_to(&from_end(&indices, along.0)?, &grid)?;
    let taken = gather_points(&x, &places, axis)?;
    Ok(match inside(&indices, &places, along.0)? {
        Some(inside) => prim::select(&inside, &taken, &beyond(&x)?)?.into(),
        None => taken.into(),
    })
}

/// One element for each position: the position along `axis`, its own place along the others.
pub(super) fn gather_points(x: &Tensor, indices: &Tensor, axis: usize) -> Result<Tensor> {
    let (rank, grid) = (x.rank(), indices.shape());
    let mut column = grid.clone();
    column.dims_mut().push(Some(1));
    let parts = (0..rank).map(|d| match d == axis {
        true => prim::reshape(indices, column.clone()),
        false => prim::iota(x, &column, DType::I32, d),
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let vectors = concatenate_traced(&parts.iter().collect::<Vec<_>>(), -1)?;
    let dims = GatherDims {
        offset_dims: vec![],
        collapsed_slice_dims: (0..rank).collect(),
        start_index_map: (0..rank).collect(),
        index_vector_dim: rank,
        slice_sizes: vec![Some(1); rank],
    };
    Trace::apply(Op::Gather(Box::new(dims)), &[x, &vectors])
}

fn one_hot_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let classes: usize = option(config, "num_classes")?;
    let axis = resolve_axis(option(config, "axis")?, x.rank() + 1)?;
    absent(config, &["sparse"])?;
    let x = prim::convert(x, DType::I32)?;
    let mut shape = x.shape();
    shape.dims_mut().insert(axis, Some(1));
    let column = prim::reshape(&x, shape.clone())?;
    shape.dims_mut()[axis] = Some(classes);
    let classes = prim::iota(&x, &Shape::from(shape.dims()), DType::I32, axis)?;
    let hit = prim::compare(Comparison::Eq, &column, &classes)?;
    Ok(prim::convert(&hit, dtype(config)?.unwrap_or(DType::F32))?.into())
}

fn multi_hot_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let hot = one_hot_call(inputs, config)?.into_first();
    let axis = if inputs.one()?.rank() > 1 { 1 } else { 0 };
    Ok(reduce(&hot, Reduction::Max, &[axis], false)?.into())
}
