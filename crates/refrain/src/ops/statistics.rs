//! Order statistics, counts in intervals, differences and averages.

use refrain_graph::{BinaryOp, Comparison, DType, Dim, Reduction};
use serde_json::Value as Json;

use super::arithmetic::{as_float, float_input, operand};
use super::definition::{OpResult, ToArgument, operations, to};
use super::index::gather_points;
use super::join::limited;
use super::order::sort_traced;
use super::reduce::{reduce, reduce_call, reductions, wide};
use super::{
    Axes, Operand, beside, concatenate_traced, listed, mean, option, prim, slice_traced, sum,
    tensor_argument, where_,
};
use crate::config::{Config, number_to_json, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};

/// How [`quantile`] reads between two elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantileMethod {
    /// On the line between them.
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Half way between them.
    Midpoint,
    /// The nearer one.
    Nearest,
}

impl QuantileMethod {
    const ALL: [(Self, &str); 5] = [
        (QuantileMethod::Linear, "linear"),
        (QuantileMethod::Lower, "lower"),
        (QuantileMethod::Higher, "higher"),
        (QuantileMethod::Midpoint, "midpoint"),
        (QuantileMethod::Nearest, "nearest"),
    ];

    fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(method, _)| *method == self);
        found.map_or("linear", |(_, name)| name)
    }

    fn of(config: &Config) -> Result<Self> {
        let name: String = option(config, "method")?;
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        let found = found.map(|(method, _)| *method);
        found.ok_or_else(|| unexpected("linear, lower, higher, midpoint or nearest", &name.into()))
    }
}

/// The axes as one, the last.
fn merged(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    let kept: Vec<usize> = (0..x.rank()).filter(|d| !dims.contains(d)).collect();
    let turned = prim::transpose(x, &[kept.clone(), dims.to_vec()].concat())?;
    super::flatten_from(&turned, kept.len())
}

/// The type that places among elements are computed in.
fn precision(of: &Tensor) -> DType {
    match of.dtype() {
        DType::F64 => DType::F64,
        _ => DType::F32,
    }
}

/// Quantiles `q` (a number, or several along a new first axis) of the numbers along axes; `with_nan`: NaN wins.
fn quantiles(
    inputs: &Inputs,
    config: &Config,
    q: &Tensor,
    method: QuantileMethod,
    with_nan: bool,
) -> OpResult {
    let x = tensor_argument(inputs, 0, "x")?;
    let float = as_float(&x)?;
    let dims = Axes::from_json(config.get("axis"))?.resolve(x.rank())?;
    let merged = merged(&float, &dims)?;
    let axis = merged.rank() - 1;
    let undefined = merged.isnan();
    let merged = match with_nan {
        true => {
            let any = reduce(&undefined, Reduction::Or, &[axis], true)?;
            prim::select(&any, &prim::constant_like(&merged, f64::NAN)?, &merged)?
        }
        // As a number that is sorted to the end.
        false => prim::select(
            &undefined,
            &prim::constant_like(&merged, f64::NAN)?,
            &merged,
        )?,
    };
    let (sorted, _) = sort_traced(&merged, axis, false)?;
    let size = sorted.shape().dim(axis).unwrap_or(1);
    let precision = precision(&sorted);
    let count = match with_nan {
        true => prim::constant_of(&sorted, precision, size as f64)?,
        false => {
            let numbers = prim::convert(&undefined.logical_not(), precision)?;
            reduce(&numbers, Reduction::Sum, &[axis], true)?
        }
    };
    let found = between(&sorted, q, &count, method)?;
    placed(
        &found,
        q.rank() == 0,
        &x,
        &dims,
        option(config, "keepdims")?,
    )
    .map(Into::into)
}

/// The quantiles along the last axis, which has one element for each.
fn between(sorted: &Tensor, q: &Tensor, count: &Tensor, method: QuantileMethod) -> Result<Tensor> {
    let axis = sorted.rank() - 1;
    let q = prim::reshape(&prim::convert(q, count.dtype())?, [q.shape().numel()])?;
    let mut grid = sorted.shape();
    grid.dims_mut()[axis] = q.shape().dim(0);
    let place = prim::broadcast_to(&(q * (count - 1)), &grid)?;
    place.check()?;
    let low = place.floor();
    let weight = &place - &low;
    let read = |place: Tensor| -> Result<Tensor> {
        let inside = super::maximum(super::minimum(place, count - 1), 0);
        gather_points(sorted, &prim::convert(&inside, DType::I32)?, axis)
    };
    let (below, above) = (read(low)?, read(place.ceil())?);
    let above_weight = prim::convert(&weight, sorted.dtype())?;
    Ok(match method {
        QuantileMethod::Linear => &below * (1.0 - &above_weight) + &above * &above_weight,
        QuantileMethod::Lower => below,
        QuantileMethod::Higher => above,
        QuantileMethod::Midpoint => (&below + &above) * 0.5,
        QuantileMethod::Nearest => where_(&super::less_equal(&weight, 0.5), &below, &above),
    })
}

/// Several quantiles along the first axis, and axes of size 1 where they are to be kept.
fn placed(found: &Tensor, one: bool, x: &Tensor, dims: &[usize], keepdims: bool) -> Result<Tensor> {
    let mut shape = x.shape();
    dims.iter().for_each(|&d| shape.dims_mut()[d] = Some(1));
    let kept = shape.dims().iter().enumerate();
    let kept = kept.filter(|(d, _)| keepdims || !dims.contains(d));
    let kept: Vec<Dim> = kept.map(|(_, &d)| d).collect();
    if one {
        return prim::reshape(found, kept);
    }
    let last = found.rank() - 1;
    let order: Vec<usize> = std::iter::once(last).chain(0..last).collect();
    let first = prim::transpose(found, &order)?;
    let count = first.shape().dim(0);
    prim::reshape(&first, [vec![count], kept].concat())
}

fn quantile_call(inputs: &Inputs, config: &Config, percent: bool, with_nan: bool) -> OpResult {
    let first = beside(inputs)?;
    let precision = precision(first);
    let beside = prim::constant_of(first, precision, 0.0)?;
    let q = prim::convert(&operand(inputs, 1, "q", &beside)?, precision)?;
    let q = if percent { q / 100 } else { q };
    q.check()?;
    if q.rank() > 1 {
        let received = q.shape().to_string();
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "quantiles along one axis",
            received,
        ));
    }
    quantiles(inputs, config, &q, QuantileMethod::of(config)?, with_nan)
}

fn median_call(inputs: &Inputs, config: &Config, with_nan: bool) -> OpResult {
    let half = prim::constant_of(beside(inputs)?, DType::F32, 0.5)?;
    quantiles(inputs, config, &half, QuantileMethod::Midpoint, with_nan)
}

reductions! { TABLE in table {
    /// The element in the middle along axes, or half way between the two; NaN wins.
    median = "ops.numpy" / "Median" as "median(x, axis=None, keepdims=False)" [] => |i, c| median_call(i, c, true);
    /// The number in the middle along axes, or half way between the two.
    nanmedian = "ops.numpy" / "Nanmedian" as "nanmedian(x, axis=None, keepdims=False)" [] => |i, c| median_call(i, c, false);
    /// The distance between the largest and the smallest element along axes.
    ptp = "ops.numpy" / "Ptp" as "ptp(x, axis=None, keepdims=False)" [] => |i, c| {
        let extreme = |kind| -> Result<Tensor> { Ok(reduce_call(i, c, kind)?.into_first()) };
        Ok((extreme(Reduction::Max)? - extreme(Reduction::Min)?).into())
    };
}}

/// Declares functions of a tensor, quantiles, axes and how to read between elements.
macro_rules! quantile_functions {
    ($table:ident in $defs:ident { $(
        $(#[$meta:meta])*
        $name:ident = $class:literal as $signature:literal => $call:expr;
    )* }) => {
        operations! { $table in $defs { $(
            $(#[$meta])*
            ///
            /// Floats. An array of quantiles makes a new first axis; `keepdims` leaves axes of size 1. Keras takes all axes, reads on the line
            /// between elements and drops axes by default. An axis that `x` does not have is an error.
            ///
            /// ```
            /// use refrain::{input, ops, ops::QuantileMethod};
            /// let x = input([4, 3]);
            #[doc = concat!("let y = ops::", stringify!($name), "(&x, 0.5, -1, QuantileMethod::Linear, true);")]
            /// assert_eq!(y.shape().to_string(), "(None, 4, 1)");
            /// ```
            pub fn $name(
                x: impl AsRef<Tensor>,
                q: impl Into<Operand>,
                axis: impl Into<Axes>,
                method: QuantileMethod,
                keepdims: bool,
            ) -> Tensor {
                [x.as_ref(), to::<Operand>(q), to::<Axes>(axis), method.name(), keepdims]
            }
            "ops.numpy" / $class as $signature [Tensor, Operand, Axes, Text, Flag] => $call;
        )* }}
    };
}

quantile_functions! { QUANTILES in quantile_table {
    /// Quantiles along axes: what so large a part of the elements is below; NaN wins.
    quantile = "Quantile" as "quantile(x, q, axis=None, method='linear', keepdims=False)" => |i, c| quantile_call(i, c, false, true);
    /// [`quantile`] with the parts in percent.
    percentile = "Percentile" as "percentile(x, q, axis=None, method='linear', keepdims=False)" => |i, c| quantile_call(i, c, true, true);
    /// Quantiles of the numbers along axes.
    nanquantile = "Nanquantile" as "nanquantile(x, q, axis=None, method='linear', keepdims=False)" => |i, c| quantile_call(i, c, false, false);
    /// [`nanquantile`] with the parts in percent.
    nanpercentile = "Nanpercentile" as "nanpercentile(x, q, axis=None, method='linear', keepdims=False)" => |i, c| quantile_call(i, c, true, false);
}}

operations! { OTHERS in others {
    /// The mean along axes, each element counted by its weight.
    ///
    /// Floats. Weights have the shape of `x`, or of one axis. Keras averages over all axes by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// let x = input([4, 3]);
    /// assert_eq!(ops::average(&x, -1, Some(&x)).shape().to_string(), "(None, 4)");
    /// ```
    pub fn average(x: impl AsRef<Tensor>, axis: impl Into<Axes>, weights: Option<&Tensor>) -> Tensor {
        [x.as_ref(), to::<Axes>(axis), weights]
    }
    "ops.numpy" / "Average" as "average(x, axis=None, weights=None)" [Tensor, Axes, Operand] => average_call;
    /// Differences of neighbours along an axis, `n` times.
    ///
    /// The axis is shorter by `n`. Keras takes the last axis and once by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::diff(input([10]), 2, -1).shape().to_string(), "(None, 8)");
    /// ```
    pub fn diff(a: impl AsRef<Tensor>, n: usize, axis: i64) -> Tensor { [a.as_ref(), n, axis] }
    "ops.numpy" / "Diff" as "diff(a, n=1, axis=-1)" [Tensor, Count, Integer] => diff_call;
    /// The area below elements along an axis, by trapezoids; `x`: where the elements are, otherwise they stand `dx` apart.
    ///
    /// Floats, without the axis; NaN, as in Keras, where elements `dx` apart end at an infinite one. Keras takes elements 1 apart along
    /// the last axis by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::trapezoid(input([10]), None, 0.5, -1).shape().to_string(), "(None,)");
    /// assert_eq!(ops::trapezoid(input([3]), Some(&[0.0, 0.5, 2.0]), 1.0, -1).shape().to_string(), "(None,)");
    /// ```
    pub fn trapezoid(y: impl AsRef<Tensor>, x: Option<&[f64]>, dx: f64, axis: i64) -> Tensor {
        [y.as_ref(), x.map(|x| x.iter().map(|&at| number_to_json(at)).collect::<Json>()), dx, axis]
    }
    "ops.numpy" / "Trapezoid" as "trapezoid(y, x=None, dx=1.0, axis=-1)" [Tensor, Plain, Number, Integer] => trapezoid_call;
    /// The place of each value among sorted numbers along one axis: before those that are equal, or after them with `right`.
    ///
    /// Integers in the shape of the values.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, ops};
    /// let bounds = ops::convert_to_tensor(&array![0.0_f32, 1.0, 2.0]);
    /// assert_eq!(ops::searchsorted(&bounds, &input([10]), false).shape().to_string(), "(None, 10)");
    /// ```
    pub fn searchsorted(sorted_sequence: &Tensor, values: impl Into<Operand>, right: bool) -> Tensor {
        [sorted_sequence, to::<Operand>(values), if right { "right" } else { "left" }]
    }
    "ops.numpy" / "SearchSorted" as "searchsorted(sorted_sequence, values, side='left')" [Tensor, Operand, Text] => |inputs, config| {
        let bounds = tensor_argument(inputs, 0, "sorted_sequence")?;
        let values = operand(inputs, 1, "values", &bounds)?;
        let side: String = option(config, "side")?;
        match side.as_str() {
            "left" => Ok(places(&bounds, &values, Comparison::Ge)?.into()),
            "right" => Ok(places(&bounds, &values, Comparison::Gt)?.into()),
            _ => Err(unexpected("left or right", &side.into())),
        }
    };
    /// The interval of each element between sorted bounds: 0 below the first of rising bounds.
    ///
    /// Integers in the shape of `x`. A lower bound belongs to its interval; falling bounds are counted from their end.
    ///
    /// ```
    /// use ndarray::array;
    /// use refrain::{input, ops};
    /// let bins = ops::convert_to_tensor(&array![0.0_f32, 1.0, 2.0]);
    /// assert_eq!(ops::digitize(&input([10]), &bins).shape().to_string(), "(None, 10)");
    /// ```
    pub fn digitize(x: &Tensor, bins: &Tensor) -> Tensor { [x, bins] }
    "ops.numpy" / "Digitize" as "digitize(x, bins)" [Tensor, Indices] => digitize_call;
    /// The correlation coefficients of rows, -1 to 1.
    ///
    /// A matrix of floats for a matrix. A tensor of another rank is an error.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([5]).batch_size(3).tensor();
    /// assert_eq!(ops::corrcoef(&x).shape().to_string(), "(3, 3)");
    /// ```
    pub fn corrcoef(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "Corrcoef" as "corrcoef(x)" [Tensor] => corrcoef_call;
    /// How many elements of a vector lie in each of `bins` equal intervals, and the bounds of these; `None`: from the smallest to the
    /// largest element.
    ///
    /// The last interval has its upper bound too. A tensor of another rank is an error. Keras has 10 intervals by default.
    ///
    /// ```
    /// use refrain::{Input, Shape, ops};
    /// let x = Input::new(Shape::scalar()).batch_size(10).tensor();
    /// let (counts, bounds) = ops::histogram(&x, 4, Some((0.0, 1.0)));
    /// assert_eq!((counts.dim(0), bounds.dim(0)), (Some(4), Some(5)));
    /// ```
    pub fn histogram(x: impl AsRef<Tensor>, bins: usize, range: Option<(f64, f64)>) -> (Tensor, Tensor) {
        |op| {
            let range = range.map(|(low, high)| serde_json::Value::from(vec![low, high]));
            op.apply([x.as_ref().argument(), bins.argument(), range.argument()])
        }
    }
    "ops.numpy" / "Histogram" as "histogram(x, bins=10, range=None)" [Tensor, Count, Plain] => histogram_call;
}}

fn average_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = tensor_argument(inputs, 0, "x")?;
    let axes = Axes::from_json(config.get("axis"))?;
    let dims = axes.resolve(x.rank())?;
    let Some(weights) = inputs.tensor(1, "weights") else {
        return Ok(mean(as_float(&x)?, axes, false).into());
    };
    let dtype = prim::float_type(prim::promote(x.dtype(), weights.dtype()));
    let (x, mut weights) = (prim::convert(&x, dtype)?, prim::convert(weights, dtype)?);
    if let ([axis], 1) = (dims.as_slice(), weights.rank()) {
        let mut shape: Vec<Dim> = vec![Some(1); x.rank()];
        shape[*axis] = weights.shape().dim(0);
        weights = prim::reshape(&weights, shape)?;
    } else if weights.rank() != x.rank() {
        let received = weights.shape().to_string();
        let expected = "weights in the shape of the tensor, or of one axis";
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let total = sum(&weights, axes.clone(), false);
    Ok((sum(x * weights, axes, false) / total).into())
}

fn diff_call(inputs: &Inputs, config: &Config) -> OpResult {
    let mut x = inputs.one()?.clone();
    let axis = resolve_axis(option(config, "axis")?, x.rank())?;
    let times: usize = option(config, "n")?;
    for _ in 0..limited(times)? {
        let (later, earlier) = neighbours(&x, axis)?;
        x = match x.dtype() {
            DType::Bool => prim::binary(BinaryOp::Xor, &later, &earlier)?,
            _ => prim::binary(BinaryOp::Subtract, &later, &earlier)?,
        };
    }
    Ok(x.into())
}

/// All elements along an axis but the first, and all but the last.
fn neighbours(x: &Tensor, axis: usize) -> Result<(Tensor, Tensor)> {
    let last = x.shape().dim(axis).map(|n| n.saturating_sub(1));
    let first = match x.shape().dim(axis) {
        Some(0) => 0,
        _ => 1,
    };
    Ok((
        slice_traced(x, axis, first, None)?,
        slice_traced(x, axis, 0, last)?,
    ))
}

fn trapezoid_call(inputs: &Inputs, config: &Config) -> OpResult {
    let y = inputs.one()?;
    let axis: i64 = option(config, "axis")?;
    let points = config.get("x").filter(|json| !json.is_null());
    let points = points.map(|json| listed(&wide(y)?, json)).transpose()?;
    let dtype = match &points {
        Some(points) => prim::promote(y.dtype(), points.dtype()),
        None => y.dtype(),
    };
    let y = prim::convert(y, prim::float_type(dtype))?;
    let along = resolve_axis(axis, y.rank())?;
    let step = match points.map(|points| steps(&points, &y, along)).transpose()? {
        None => prim::constant_like(&y, option(config, "dx")?)?,
        Some(step) if step.shape().dim(along) == Some(1) => sum(step, axis, false),
        Some(steps) => {
            let (later, earlier) = neighbours(&y, along)?;
            return Ok((sum(steps * (later + earlier), axis, false) * 0.5).into());
        }
    };
    let size = y.shape().dim(along);
    let first = slice_traced(&y, along, 0, Some(1))?;
    let last = slice_traced(&y, along, size.map_or(0, |n| n.saturating_sub(1)), size)?;
    let ends = sum(first + last, axis, false) * 0.5;
    Ok(((sum(y, axis, false) - ends) * step).into())
}

/// The distances of neighbouring points in the shape of `y`, or of those along the axis.
fn steps(points: &Tensor, y: &Tensor, along: usize) -> Result<Tensor> {
    let points = prim::convert(points, y.dtype())?;
    let vector = points.rank() == 1;
    if !vector && points.rank() != y.rank() {
        let received = points.shape().to_string();
        let expected = "points in the shape of the tensor, or along one axis";
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let (later, earlier) = neighbours(&points, if vector { 0 } else { along })?;
    let steps = prim::binary(BinaryOp::Subtract, &later, &earlier)?;
    if !vector {
        return Ok(steps);
    }
    let mut shape: Vec<Dim> = vec![Some(1); y.rank()];
    shape[along] = steps.shape().dim(0);
    prim::reshape(&steps, shape)
}

/// How many sorted bounds are before each value: those for which the comparison with it does not hold. NaN comes after all.
fn places(bounds: &Tensor, values: &Tensor, after: Comparison) -> Result<Tensor> {
    if bounds.rank() != 1 {
        let received = bounds.shape().to_string();
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "sorted numbers along one axis",
            received,
        ));
    }
    let mut shape = values.shape();
    shape.dims_mut().push(Some(1));
    let after = prim::compare(after, bounds, &prim::reshape(values, shape)?)?;
    let before = prim::convert(&after.logical_not(), DType::I32)?;
    reduce(&before, Reduction::Sum, &[values.rank()], false)
}

fn digitize_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (x, bins) = (
        tensor_argument(inputs, 0, "x")?,
        tensor_argument(inputs, 1, "bins")?,
    );
    let rising = places(&bins, &x, Comparison::Gt)?;
    let count = match bins.shape().dim(0) {
        Some(0) => return Ok(rising.into()),
        count => count.unwrap_or(1),
    };
    // Among falling bounds, as many as are above it.
    let falling = prim::compare(
        Comparison::Lt,
        &slice_traced(&bins, 0, count - 1, None)?,
        &slice_traced(&bins, 0, 0, Some(1))?,
    )?;
    let mut shape = x.shape();
    shape.dims_mut().push(Some(1));
    let below = prim::compare(Comparison::Gt, &bins, &prim::reshape(&x, shape)?)?;
    let above = reduce(
        &prim::convert(&below, DType::I32)?,
        Reduction::Sum,
        &[x.rank()],
        false,
    )?;
    Ok(where_(
        &prim::reshape(&falling, Vec::<Dim>::new())?,
        &above,
        &rising,
    )
    .into())
}

fn corrcoef_call(inputs: &Inputs, _: &Config) -> OpResult {
    let x = float_input(inputs)?;
    if x.rank() != 2 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a matrix",
            x.shape().to_string(),
        ));
    }
    let centered = &x - mean(&x, 1, true);
    let products = super::matmul(&centered, &super::transpose(&centered, None));
    let (rows, columns) = (
        sum(centered.square(), 1, true).sqrt(),
        sum(centered.square(), 1, false).sqrt(),
    );
    let coefficients = products / rows / columns;
    Ok(super::clip(coefficients, -1.0, 1.0).into())
}

fn histogram_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    if x.rank() != 1 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a vector",
            x.shape().to_string(),
        ));
    }
    let bins: usize = option(config, "bins")?;
    if bins == 0 {
        return Err(unexpected("a positive number of intervals", &0.into()));
    }
    let wide = wide(x)?;
    let (low, high) = match option::<Option<Vec<f64>>>(config, "range")?.as_deref() {
        Some(&[low, high]) => (
            prim::constant_like(&wide, low)?,
            prim::constant_like(&wide, high)?,
        ),
        Some(_) => return Err(unexpected("two bounds", &config["range"])),
        None => (
            reduce(&wide, Reduction::Min, &[0], false)?,
            reduce(&wide, Reduction::Max, &[0], false)?,
        ),
    };
    // Where all elements are equal, an interval around them.
    let flat = prim::compare(Comparison::Eq, &low, &high)?;
    let (low, high) = (
        where_(&flat, &low - 0.5, &low),
        where_(&flat, &high + 0.5, &high),
    );
    let steps = prim::iota(x, &[Some(bins)].to_vec().into(), wide.dtype(), 0)? / bins as f64;
    let rising = &low * (1.0 - &steps) + &high * &steps;
    let high = prim::reshape(&high, [Some(1)])?;
    let bounds = concatenate_traced(&[&rising, &high], 0)?;
    let place = places(&bounds, &wide, Comparison::Gt)?;
    let last = prim::compare(Comparison::Eq, &wide, &high)?;
    let place = where_(&last, bins as i64, place);
    let column = prim::reshape(&place, [place.shape().dim(0), Some(1)])?;
    let numbers = prim::iota(x, &[Some(bins)].to_vec().into(), DType::I32, 0)? + 1;
    let hits = prim::compare(Comparison::Eq, &column, &numbers)?;
    let counts = reduce(
        &prim::convert(&hits, x.dtype())?,
        Reduction::Sum,
        &[0],
        false,
    )?;
    Ok(Structure::tuple([counts, bounds]))
}
