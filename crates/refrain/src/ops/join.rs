//! Joining, cutting and repeating along axes.

use refrain_graph::{Dim, Literal, Op, Shape};
use serde_json::Value as Json;

use super::definition::{ToArgument, operations, to};
use super::{Axes, OpDef, flatten_from, gather_axis, option, prim};
use crate::config::number_from_json;
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;
use crate::utils::sizes;

operations! { TABLE in table {
    /// Tensors side by side along an axis, in their common type.
    ///
    /// Sizes that differ along other axes are an error. Keras's axis is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let joined = ops::concatenate([&input([3]), &input([4])], -1);
    /// assert_eq!(joined.shape().to_string(), "(None, 7)");
    /// ```
    pub fn concatenate(xs: impl Into<Structure<Tensor>>, axis: i64) -> Tensor { [to::<Structure<Tensor>>(xs), axis] }
    "ops.numpy" / "Concatenate" as "concatenate(xs, axis=0)" [Tensors, Integer] MayReturnInput,
    "K.concatenate(tensors, axis=-1)", "tf.concat(values, axis)" => |inputs, config| {
        Ok(concatenate_traced(&inputs.list()?, option(config, "axis")?)?.into())
    };
    /// Tensors of one shape side by side along a new axis, in their common type.
    ///
    /// Shapes that differ are an error. Keras's axis is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let pair = ops::stack([&input([3]), &input([3])], 1);
    /// assert_eq!(pair.shape().to_string(), "(None, 2, 3)");
    /// ```
    pub fn stack(xs: impl Into<Structure<Tensor>>, axis: i64) -> Tensor { [to::<Structure<Tensor>>(xs), axis] }
    "ops.numpy" / "Stack" as "stack(x, axis=0)" [Tensors, Integer], "K.stack(x, axis=0)", "tf.stack(values, axis=0)" => stack_call;
    /// Cut into parts along an axis.
    ///
    /// Into equal parts of an axis that they do not divide is an error. Keras's axis is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let x = input([6]);
    /// assert_eq!(ops::split(&x, 3, -1).len(), 3);
    /// assert_eq!(ops::split(&x, [1, 3], -1)[2].shape().to_string(), "(None, 3)");
    /// ```
    pub fn split(x: impl AsRef<Tensor>, sections: impl Into<Sections>, axis: i64) -> Vec<Tensor> {
        |op| cut(op, x.as_ref(), sections, Some(axis))
    }
    "ops.numpy" / "Split" as "split(x, indices_or_sections, axis=0)" [Tensor, Plain, Integer] => split_call;
    /// The parts along an axis, which disappears.
    ///
    /// Its size must be known. Keras's axis is 0 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let steps = ops::unstack(input([6, 4]), 1);
    /// assert_eq!((steps.len(), steps[0].shape().to_string()), (6, "(None, 4)".to_owned()));
    /// ```
    pub fn unstack(x: impl AsRef<Tensor>, axis: i64) -> Vec<Tensor> {
        |op| {
            let x = x.as_ref();
            let count: Option<usize> = x.dim(axis);
            op.apply_many([x.argument(), count.argument(), axis.argument()], count.unwrap_or(1))
        }
    }
    "ops.core" / "Unstack" as "unstack(x, num=None, axis=0)" [Tensor, Plain, Integer] => unstack_call;
    /// Each element so many times in a row along an axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::repeat(input([6]), 2, -1).shape().to_string(), "(None, 12)");
    /// ```
    pub fn repeat(x: impl AsRef<Tensor>, repeats: usize, axis: i64) -> Tensor { [x.as_ref(), repeats, axis] }
    "ops.numpy" / "Repeat" as "repeat(x, repeats, axis=None)" [Tensor, Count, OptionalInteger],
    "K.repeat_elements(x, rep, axis)", "tf.repeat(input, repeats, axis)" => repeat_call;
    /// The whole tensor so many times along each axis.
    ///
    /// Fewer numbers than axes are for the last axes, more make new leading axes.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::tile(input([6]), [1, 2]).shape().to_string(), "(None, 12)");
    /// ```
    pub fn tile(x: impl AsRef<Tensor>, repeats: impl Into<Vec<usize>>) -> Tensor { [x.as_ref(), to::<Vec<usize>>(repeats)] }
    "ops.numpy" / "Tile" as "tile(x, repeats)" [Tensor, Counts], "K.tile(x, n)", "tf.tile(input, multiples)" => tile_call;
    /// Elements added before and after along each axis.
    ///
    /// Widths for another number of axes, mirrors wider than an axis, and copies of elements of an empty axis are errors.
    ///
    /// ```
    /// use refrain::{input, ops, ops::PadMode};
    /// let framed = ops::pad(input([6]), [(0, 0), (1, 2)], PadMode::Constant(0.0));
    /// assert_eq!(framed.shape().to_string(), "(None, 9)");
    /// ```
    pub fn pad(x: impl AsRef<Tensor>, widths: impl Into<Vec<(usize, usize)>>, mode: PadMode) -> Tensor {
        |op| {
            let (name, value) = mode.parts();
            let widths: Vec<(usize, usize)> = widths.into();
            let widths: Json = widths.into_iter().map(|(low, high)| vec![low, high]).collect();
            op.apply([x.as_ref().argument(), widths.argument(), name.argument(), value.argument()])
        }
    }
    "ops.numpy" / "Pad" as "pad(x, pad_width, mode='constant', constant_values=None)" [Tensor, Plain, Text, Named] => pad_call;
    /// Read backwards along axes.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::flip(input([6]), 1).shape().to_string(), "(None, 6)");
    /// ```
    pub fn flip(x: impl AsRef<Tensor>, axis: impl Into<Axes>) -> Tensor { [x.as_ref(), to::<Axes>(axis)] }
    "ops.numpy" / "Flip" as "flip(x, axis=None)" [Tensor, Axes], "K.reverse(x, axes)", "tf.reverse(tensor, axis)" => |inputs, config| {
        let x = inputs.one()?;
        let axes = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
        Ok(Trace::apply(Op::Reverse(axes), &[x])?.into())
    };
    /// Moved along axes by so many places, one number for all of them or one for each; what leaves at one end comes back at the other.
    ///
    /// [`Axes::All`]: the elements in their order, whatever the axes. Other numbers of shifts are an error.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::roll(input([6]), 2, -1).shape().to_string(), "(None, 6)");
    /// assert_eq!(ops::roll(input([6, 4]), [2, -1], [1, 2]).shape().to_string(), "(None, 6, 4)");
    /// ```
    pub fn roll(x: impl AsRef<Tensor>, shift: impl Into<Axes>, axis: impl Into<Axes>) -> Tensor {
        [x.as_ref(), to::<Axes>(shift), to::<Axes>(axis)]
    }
    "ops.numpy" / "Roll" as "roll(x, shift, axis=None)" [Tensor, Axes, Axes], "tf.roll(input, shift, axis)" => roll_call;
}}

/// Traced tensors side by side, in their common type.
pub(crate) fn concatenate_traced(xs: &[&Tensor], axis: i64) -> Result<Tensor> {
    let xs = promoted(xs)?;
    let axis = resolve_axis(axis, xs[0].rank())?;
    if let [x] = xs.as_slice() {
        return Ok(x.clone());
    }
    Trace::apply(Op::Concatenate(axis), &xs.iter().collect::<Vec<_>>())
}

fn promoted(xs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let dtypes = xs.iter().map(|x| x.dtype());
    let Some(dtype) = dtypes.reduce(prim::promote) else {
        return Err(Error::mismatch(ErrorKind::Structure, "tensors", "none"));
    };
    xs.iter().map(|x| prim::convert(x, dtype)).collect()
}

fn stack_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let xs = promoted(&inputs.list()?)?;
    let axis = resolve_axis(option(config, "axis")?, xs[0].rank() + 1)?;
    let expanded = xs.iter().map(|x| {
        let mut shape = x.shape();
        shape.dims_mut().insert(axis, Some(1));
        prim::reshape(x, shape)
    });
    let expanded = expanded.collect::<Result<Vec<_>>>()?;
    let joined = concatenate_traced(&expanded.iter().collect::<Vec<_>>(), axis as i64)?;
    Ok(joined.into())
}

/// The most parts that one axis is cut into.
pub(super) const MOST_PARTS: usize = 1 << 16;

pub(super) fn limited(parts: usize) -> Result<usize> {
    match parts <= MOST_PARTS {
        true => Ok(parts),
        false => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("at most {MOST_PARTS} parts"),
            parts.to_string(),
        )),
    }
}

/// Where [`split`] cuts: into so many equal parts, or at these places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sections {
    /// Into so many equal parts.
    Equal(usize),
    /// Before each of these positions.
    At(Vec<usize>),
}

impl Sections {
    /// As Keras has it, and how many parts it makes.
    fn parts(self) -> (Json, usize) {
        match self {
            Sections::Equal(n) => (Json::from(n), n),
            Sections::At(positions) => (positions.clone().into(), positions.len() + 1),
        }
    }
}

impl From<usize> for Sections {
    fn from(parts: usize) -> Self {
        Sections::Equal(parts)
    }
}

impl From<Vec<usize>> for Sections {
    fn from(positions: Vec<usize>) -> Self {
        Sections::At(positions)
    }
}

impl<const N: usize> From<[usize; N]> for Sections {
    fn from(positions: [usize; N]) -> Self {
        Sections::At(positions.to_vec())
    }
}

/// Calls a function that cuts; `axis`: of one that takes it.
pub(super) fn cut(
    op: &'static OpDef,
    x: &Tensor,
    sections: impl Into<Sections>,
    axis: Option<i64>,
) -> Vec<Tensor> {
    let (json, count) = sections.into().parts();
    let arguments = [x.argument(), json.argument()];
    op.apply_many(arguments.into_iter().chain(axis.map(i64::argument)), count)
}

fn split_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    split_along(x, resolve_axis(option(config, "axis")?, x.rank())?, config)
}

/// Cut along an axis as `indices_or_sections` says.
pub(super) fn split_along(x: &Tensor, axis: usize, config: &Config) -> Result<Structure<Tensor>> {
    let size = x.shape().dim(axis);
    let bounds: Vec<Dim> = match config.get("indices_or_sections") {
        Some(Json::Array(places)) => {
            let places = places.iter().map(|p| {
                let place = p.as_u64().ok_or_else(|| unexpected("a position", p))?;
                Ok(Some(place as usize))
            });
            let mut bounds = vec![Some(0)];
            bounds.extend(places.collect::<Result<Vec<_>>>()?);
            bounds.push(size);
            bounds
        }
        Some(json) => equal_bounds(json, size)?,
        None => return Err(unexpected("a number of parts", &Json::Null)),
    };
    let part = |b: &[Dim]| match (b[0], b[1]) {
        (Some(from), to) => slice_traced(x, axis, from, to),
        // The size is unknown, so only the shape counts.
        (None, _) => slice_traced(x, axis, 0, None),
    };
    let parts = bounds.windows(2).map(|b| match part(b)? {
        // A part is a tensor of its own, also where it is the whole.
        whole if whole.is_same(x) => prim::copy(&whole),
        part => Ok(part),
    });
    Ok(Structure::list(parts.collect::<Result<Vec<_>>>()?))
}

fn equal_bounds(json: &Json, size: Dim) -> Result<Vec<Dim>> {
    let parts = json.as_u64().filter(|&n| n > 0);
    let parts = parts.ok_or_else(|| unexpected("a positive number of parts", json))?;
    let parts = limited(usize::try_from(parts).unwrap_or(usize::MAX))?;
    match size {
        Some(n) if n % parts != 0 => Err(Error::mismatch(
            ErrorKind::Shape,
            format!("an axis whose size can be divided by {parts}"),
            n.to_string(),
        )),
        Some(n) => Ok((0..=parts).map(|i| Some(i * (n / parts))).collect()),
        None => Ok(vec![None; parts + 1]),
    }
}

/// Elements `from..to` along an axis; `None` is the end.
pub(crate) fn slice_traced(x: &Tensor, axis: usize, from: usize, to: Dim) -> Result<Tensor> {
    let rank = x.rank();
    if from == 0 && (to.is_none() || to == x.shape().dim(axis)) {
        return Ok(x.clone());
    }
    let mut starts = vec![0; rank];
    let mut limits: Vec<Dim> = vec![None; rank];
    starts[axis] = from;
    limits[axis] = to;
    let strides = vec![1; rank];
    Trace::apply(
        Op::Slice {
            starts,
            limits,
            strides,
        },
        &[x],
    )
}

fn unstack_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let axis = resolve_axis(option(config, "axis")?, x.rank())?;
    let number = option::<Option<usize>>(config, "num")?.or(x.shape().dim(axis));
    let number = number.ok_or_else(|| {
        let expected = format!("axis {axis} to have a known size");
        Error::mismatch(ErrorKind::Shape, expected, format!("shape {}", x.shape()))
    })?;
    let mut shape = x.shape();
    shape.dims_mut().remove(axis);
    let parts = (0..limited(number)?).map(|i| {
        let part = slice_traced(x, axis, i, Some(i + 1))?;
        prim::reshape(&part, shape.clone())
    });
    Ok(Structure::list(parts.collect::<Result<Vec<_>>>()?))
}

fn repeat_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let repeats = match config.get("repeats") {
        Some(Json::Array(items)) if items.len() == 1 => items[0].clone(),
        Some(json) => json.clone(),
        None => Json::Null,
    };
    let repeats = repeats.as_u64();
    let repeats = repeats.ok_or_else(|| unexpected("a number of repeats", &Json::Null))? as usize;
    let (x, axis) = match option::<Option<i64>>(config, "axis")? {
        Some(axis) => (x.clone(), resolve_axis(axis, x.rank())?),
        None => (flatten_from(x, 0)?, 0),
    };
    Ok(repeat_traced(&x, repeats, axis)?.into())
}

/// Each element so many times in a row along an axis.
pub(crate) fn repeat_traced(x: &Tensor, repeats: usize, axis: usize) -> Result<Tensor> {
    let mut shape = x.shape();
    shape.dims_mut().insert(axis + 1, Some(1));
    let column = prim::reshape(x, shape.clone())?;
    shape.dims_mut()[axis + 1] = Some(repeats);
    let wide = prim::broadcast_to(&column, &shape)?;
    let mut merged = x.shape();
    let size = x.shape().dim(axis);
    merged.dims_mut()[axis] = size.map(|d| sizes::times(d, repeats)).transpose()?;
    prim::reshape(&wide, merged)
}

fn tile_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let mut repeats = match config.get("repeats").and_then(Json::as_u64) {
        Some(n) => vec![n as usize],
        None => option::<Vec<usize>>(config, "repeats")?,
    };
    let rank = x.rank().max(repeats.len());
    repeats.splice(0..0, vec![1; rank - repeats.len()]);
    let mut dims: Vec<Dim> = vec![Some(1); rank - x.rank()];
    dims.extend_from_slice(x.shape().dims());
    let pair = |first: &dyn Fn(usize) -> Dim| -> Shape {
        let pairs = (0..rank).flat_map(|i| [first(i), dims[i]]);
        Shape::from(pairs.collect::<Vec<_>>())
    };
    let apart = prim::reshape(x, pair(&|_| Some(1)))?;
    let wide = prim::broadcast_to(&apart, &pair(&|i| Some(repeats[i])))?;
    let merged = (0..rank).map(|i| dims[i].map(|d| sizes::times(d, repeats[i])).transpose());
    Ok(prim::reshape(&wide, merged.collect::<Result<Vec<Dim>>>()?)?.into())
}

/// How [`pad`] fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// With one value.
    Constant(f64),
    /// Mirrored at the edge element, which is not repeated.
    Reflect,
    /// Mirrored at the edge, the edge element repeated.
    Symmetric,
    /// With the element at the edge.
    Edge,
    /// With the elements from the other end on, as often as it takes.
    Wrap,
}

impl PadMode {
    /// As Keras has it: the mode and the value, which 0 is without one.
    fn parts(self) -> (&'static str, Option<f64>) {
        match self {
            PadMode::Constant(v) => ("constant", Some(v).filter(|&v| v != 0.0)),
            PadMode::Reflect => ("reflect", None),
            PadMode::Symmetric => ("symmetric", None),
            PadMode::Edge => ("edge", None),
            PadMode::Wrap => ("wrap", None),
        }
    }
}

fn pad_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.tensor(0, "x");
    let x = x.ok_or_else(|| Error::mismatch(ErrorKind::Structure, "a tensor", "none"))?;
    let widths = widths(config.get("pad_width").unwrap_or(&Json::Null), x.rank())?;
    let value = inputs
        .plain(1, "constant_values")
        .and_then(number_from_json);
    let mode: String = option(config, "mode")?;
    match mode.as_str() {
        "constant" => Ok(pad_constant(x, &widths, value.unwrap_or(0.0))?.into()),
        "reflect" => Ok(pad_mirrored(x, &widths, 1)?.into()),
        "symmetric" => Ok(pad_mirrored(x, &widths, 0)?.into()),
        "edge" => Ok(pad_read(x, &widths, |i, size| i.clamp(0, size - 1))?.into()),
        "wrap" => Ok(pad_read(x, &widths, i64::rem_euclid)?.into()),
        _ => Err(unexpected(
            "constant, reflect, symmetric, edge or wrap",
            &Json::from(mode),
        )),
    }
}

/// NumPy's forms of widths: one number, one pair, or a pair for each axis.
fn widths(json: &Json, rank: usize) -> Result<Vec<(i64, i64)>> {
    let bad = || unexpected("a pair of widths for each axis", json);
    let number = |j: &Json| j.as_i64().ok_or_else(bad);
    let pair = |j: &Json| match j.as_array().map(Vec::as_slice) {
        Some([low, high]) => Ok((number(low)?, number(high)?)),
        Some([both]) => Ok((number(both)?, number(both)?)),
        _ => Err(bad()),
    };
    let pairs = match json {
        Json::Number(_) => vec![(number(json)?, number(json)?)],
        Json::Array(items) if items.iter().all(Json::is_number) => vec![pair(json)?],
        Json::Array(items) => items.iter().map(pair).collect::<Result<_>>()?,
        _ => return Err(bad()),
    };
    match pairs.len() {
        1 => Ok(vec![pairs[0]; rank]),
        n if n == rank => Ok(pairs),
        _ => Err(bad()),
    }
}

/// Traced: one value before and after along each axis; negative widths cut off.
pub(crate) fn pad_constant(x: &Tensor, widths: &[(i64, i64)], value: f64) -> Result<Tensor> {
    let op = Op::Pad {
        low: widths.iter().map(|w| w.0).collect(),
        high: widths.iter().map(|w| w.1).collect(),
        interior: vec![0; widths.len()],
    };
    Trace::apply(op, &[x, &prim::constant_like(x, value)?])
}

/// `skip`: how many elements at the edge are not repeated.
fn pad_mirrored(x: &Tensor, widths: &[(i64, i64)], skip: usize) -> Result<Tensor> {
    let mut x = x.clone();
    for (axis, &(low, high)) in widths.iter().enumerate() {
        let (low, high) = (low.max(0) as usize, high.max(0) as usize);
        let Some(size) = x.shape().dim(axis) else {
            continue; // the size stays unknown
        };
        if low.max(high) + skip > size {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("widths of at most {} along axis {axis}", size - skip),
                low.max(high).to_string(),
            ));
        }
        let mirrored = |from: usize, to: usize| {
            let part = slice_traced(&x, axis, from, Some(to))?;
            Trace::apply(Op::Reverse(vec![axis]), &[&part])
        };
        let before = mirrored(skip, skip + low)?;
        let after = mirrored(size - skip - high, size - skip)?;
        x = Trace::apply(Op::Concatenate(axis), &[&before, &x, &after])?;
    }
    Ok(x)
}

/// `place`: which of so many elements stands at a position that counts from the first one.
fn pad_read(x: &Tensor, widths: &[(i64, i64)], place: impl Fn(i64, i64) -> i64) -> Result<Tensor> {
    let mut x = x.clone();
    for (axis, &(low, high)) in widths.iter().enumerate() {
        let (low, high) = (low.max(0), high.max(0));
        let size = match x.shape().dim(axis) {
            Some(0) if low + high > 0 => {
                let expected = format!("an element along axis {axis}");
                return Err(Error::mismatch(ErrorKind::Shape, expected, "none"));
            }
            Some(size) if low + high > 0 => sizes::signed(size)?,
            _ => continue, // nothing to add, or the size stays unknown
        };
        let length = size.saturating_add(low).saturating_add(high);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        sizes::check_memory("a padded axis", &[length], size_of::<i32>())?;
        let places = (-low..size + high).map(|i| place(i, size));
        let places = places.map(|i| i32::try_from(i).unwrap_or(i32::MAX));
        let literal = Literal::new([length], places.collect::<Vec<_>>());
        let literal = literal.ok_or_else(|| Error::new(ErrorKind::Internal, "positions"))?;
        let places = x.expect_traced()?.trace.constant(literal).checked()?;
        x = gather_axis(&x, &places, axis)?;
    }
    Ok(x)
}

fn roll_call(inputs: &Inputs, config: &Config) -> Result<Structure<Tensor>> {
    let x = inputs.one()?;
    let list = |name| Axes::from_json(config.get(name));
    let (flat, axes) = match list("axis")? {
        Axes::All => (flatten_from(x, 0)?, vec![0]),
        axes => (x.clone(), axes.resolve_in_order(x.rank())?),
    };
    let shifts = match list("shift")? {
        Axes::Only(shifts) => shifts,
        Axes::All => Vec::new(),
    };
    let count = shifts.len().max(axes.len());
    if [shifts.len(), axes.len()]
        .iter()
        .any(|&n| n != count && n != 1)
    {
        let expected = format!("a shift, or one for each of {} axes", axes.len());
        let received = shifts.len().to_string();
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let mut pairs = axes.iter().cycle().zip(shifts.iter().cycle()).take(count);
    let rolled = pairs.try_fold(flat, |x, (&axis, &shift)| rolled(&x, axis, shift))?;
    Ok(prim::reshape(&rolled, x.shape())?.into())
}

/// An axis of unknown size, or an empty one, stays as it is.
fn rolled(x: &Tensor, axis: usize, shift: i64) -> Result<Tensor> {
    let Some(size) = x.shape().dim(axis).filter(|&n| n > 0) else {
        return Ok(x.clone());
    };
    let cut = size - shift.rem_euclid(size as i64) as usize;
    let (head, tail) = (
        slice_traced(x, axis, 0, Some(cut))?,
        slice_traced(x, axis, cut, Some(size))?,
    );
    Trace::apply(Op::Concatenate(axis), &[&tail, &head])
}
