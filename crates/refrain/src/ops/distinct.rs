//! The distinct elements of a tensor, and how many there are of each integer.

use refrain_graph::{Comparison, DType, Reduction, ScatterKind};
use serde_json::Value as Json;

use super::definition::{OpResult, ToArgument, operations};
use super::index::gather_axis;
use super::order::sort_traced;
use super::reduce::reduce;
use super::scatter::scattered;
use super::{
    array_of_numbers, array_to_json, concatenate_traced, cumsum, maximum, option, prim,
    slice_traced, tensor_argument, where_,
};
use crate::config::{Config, number_from_json, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::structure::Structure;
use crate::tensor::{Tensor, resolve_axis};
use crate::utils::sizes;

/// What [`unique`] finds.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The distinct elements in rising order.
    pub values: Tensor,
    /// Where each stands first.
    pub indices: Tensor,
    /// For each element its place among the distinct ones.
    pub inverse: Tensor,
    /// How many times each is there.
    pub counts: Tensor,
}

operations! { TABLE in table {
    /// So many distinct elements of a tensor, or of its slices along an axis, in rising order.
    ///
    /// The number has to be known: of more elements the first ones in order are given; where there are fewer, the rest is `fill_value`,
    /// by default the smallest, and counts 0. NaN differs from NaN.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let x = Input::new([6]).batch_size(2).dtype(DType::I32).tensor();
    /// let found = ops::unique(&x, None, 4, Some(-1.0));
    /// assert_eq!(found.values.shape().to_string(), "(4,)");
    /// assert_eq!(found.inverse.shape().to_string(), "(2, 6)");
    /// ```
    pub fn unique(x: &Tensor, axis: Option<i64>, size: usize, fill_value: Option<f64>) -> Unique {
        |op| {
            let all = [true; 4].map(bool::argument);
            let options = [axis.argument(), size.argument(), fill_value.argument()];
            let found = op.apply_many([x.argument()].into_iter().chain(all).chain(options), 4);
            let at = |i: usize| found.get(i).or(found.first()).cloned().unwrap_or_else(|| x.clone());
            Unique { values: at(0), indices: at(1), inverse: at(2), counts: at(3) }
        }
    }
    "ops.numpy" / "Unique" as
    "unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None, size=None, fill_value=None)"
    [Tensor, Flag, Flag, Flag, Flag, OptionalInteger, Plain, OptionalNumber] => unique_call;
    /// How many elements are 0, 1, 2, … along the last axis of integers, or the sum of their weights.
    ///
    /// `minlength` numbers, which must be given, as a shape cannot depend on data: larger elements are left out, while Keras makes room for
    /// them. Negative ones count as 0. Weights are a constant of the shape of `x`, whose type the result has. Floats and a rank
    /// above 2 are errors.
    ///
    /// ```
    /// use refrain::{DType, Input, ops};
    /// let x = Input::new([6]).dtype(DType::I32).tensor();
    /// assert_eq!(ops::bincount(&x, None, 10).shape().to_string(), "(None, 10)");
    /// ```
    pub fn bincount(x: &Tensor, weights: Option<&Tensor>, minlength: usize) -> Tensor {
        |op| match weights.map(constant).transpose() {
            Ok(weights) => op.apply([x.argument(), weights.argument(), minlength.argument(), false.argument()]),
            Err(error) => Tensor::invalid(error),
        }
    }
    "ops.numpy" / "Bincount" as "bincount(x, weights=None, minlength=0, sparse=False)" [Tensor, Plain, Count, Flag] => bincount_call;
}}

/// A constant as files have it.
fn constant(weights: &Tensor) -> Result<Json> {
    weights.check()?;
    let expected = "a constant as argument `weights`";
    let literal = weights.as_constant();
    let literal = literal
        .ok_or_else(|| Error::mismatch(ErrorKind::Symbolic, expected, format!("{weights:?}")));
    Ok(array_to_json(literal?))
}

fn bincount_call(inputs: &Inputs, config: &Config) -> OpResult {
    super::absent(config, &["sparse"])?;
    let x = tensor_argument(inputs, 0, "x")?;
    let length: usize = option(config, "minlength")?;
    if x.dtype().is_float() || !(1..=2).contains(&x.rank()) || length == 0 {
        let expected =
            "integers along 1 or 2 axes, and a `minlength` above 0: shapes cannot depend on data";
        let received = format!("{} and {length}", x.spec());
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let ones = match config.get("weights").filter(|json| !json.is_null()) {
        None => prim::full(&x, &x.shape(), DType::I32, 1.0)?,
        Some(json) => {
            let weights =
                array_of_numbers(json).ok_or_else(|| unexpected("weights in lists", json))?;
            let weights = x.expect_traced()?.trace.constant(weights).checked()?;
            if !weights.shape().compatible(&x.shape()) {
                let expected = format!("weights of shape {}", x.shape());
                return Err(Error::mismatch(
                    ErrorKind::Shape,
                    expected,
                    weights.shape().to_string(),
                ));
            }
            prim::broadcast_to(&weights, &x.shape())?
        }
    };
    let mut shape = x.shape();
    let last = x.rank() - 1;
    shape.dims_mut()[last] = Some(length);
    sizes::check_memory("counts", &[length], ones.dtype().size())?;
    let zeros = prim::full(&x, &shape, ones.dtype(), 0.0)?;
    let places = maximum(prim::convert(&x, DType::I32)?, 0).checked()?;
    Ok(scattered(&zeros, &positions(&places)?, &ones, ScatterKind::Add)?.into())
}

/// Positions along the last axis as vectors of positions.
fn positions(places: &Tensor) -> Result<Tensor> {
    let mut column = places.shape();
    column.dims_mut().push(Some(1));
    let last = prim::reshape(places, column.clone())?;
    match places.rank() {
        1 => Ok(last),
        _ => concatenate_traced(&[&prim::iota(places, &column, DType::I32, 0)?, &last], -1),
    }
}

fn unique_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    let axis = option::<Option<i64>>(config, "axis")?;
    let axis = axis.map(|axis| resolve_axis(axis, x.rank())).transpose()?;
    let size = option::<Option<usize>>(config, "size")?.ok_or_else(|| {
        let expected =
            "a number of distinct elements as argument `size`: shapes cannot depend on data";
        Error::mismatch(ErrorKind::Config, expected, "None")
    })?;
    sizes::check_memory("distinct elements", &[size], x.dtype().size())?;
    if x.shape().dims().contains(&Some(0)) {
        let received = format!("shape {}", x.shape());
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a tensor with elements",
            received,
        ));
    }
    let first = match axis {
        None => prim::reshape(x, [x.shape().numel()])?,
        Some(axis) => prim::transpose(x, &moved(x.rank(), axis, 0))?,
    };
    let groups = Groups::of(&first, size)?;
    let fill = config.get("fill_value").and_then(number_from_json);
    let mut values = gather_axis(&groups.sorted, &groups.starts, 0)?;
    if let Some(fill) = fill {
        let mut shape = vec![Some(1); values.rank()];
        shape[0] = Some(size);
        let fill = prim::constant_like(&values, fill)?;
        values = prim::select(&prim::reshape(&groups.there, shape)?, &values, &fill)?;
    }
    let inverse = match axis {
        None => prim::reshape(&groups.inverse, x.shape())?,
        Some(_) => groups.inverse,
    };
    let values = match axis {
        Some(axis) => prim::transpose(&values, &moved(x.rank(), 0, axis))?,
        None => values,
    };
    let indices = gather_axis(&groups.order, &groups.starts, 0)?;
    let mut found = vec![values];
    for (name, tensor) in [
        ("return_index", indices),
        ("return_inverse", inverse),
        ("return_counts", groups.counts),
    ] {
        found.extend(option::<bool>(config, name)?.then_some(tensor));
    }
    match found.len() {
        1 => Ok(found.swap_remove(0).into()),
        _ => Ok(Structure::tuple(found)),
    }
}

/// The order of axes with one moved to another place.
fn moved(rank: usize, from: usize, to: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    let axis = order.remove(from);
    order.insert(to, axis);
    order
}

/// Equal rows together.
struct Groups {
    /// The rows in rising order.
    sorted: Tensor,
    /// Where each of these was.
    order: Tensor,
    /// Where each group starts among them.
    starts: Tensor,
    /// Which groups there are.
    there: Tensor,
    counts: Tensor,
    /// The group of each row.
    inverse: Tensor,
}

impl Groups {
    /// The first groups along the first axis.
    fn of(x: &Tensor, size: usize) -> Result<Groups> {
        let flat = super::flatten_from(x, 1)?;
        let order = row_order(&flat)?;
        let rows = gather_axis(&flat, &order, 0)?;
        let differs = prim::compare(
            Comparison::Ne,
            &slice_traced(&rows, 0, 1, None)?,
            &slice_traced(
                &rows,
                0,
                0,
                rows.shape().dim(0).map(|n| n.saturating_sub(1)),
            )?,
        )?;
        let differs = match differs.rank() {
            1 => differs,
            _ => reduce(&differs, Reduction::Or, &[1], false)?,
        };
        let first = prim::full(&rows, &[1].into(), DType::Bool, 1.0)?;
        let starts_here = prim::convert(&concatenate_traced(&[&first, &differs], 0)?, DType::I32)?;
        let group = (cumsum(&starts_here, 0) - 1).checked()?;
        let column = |t: &Tensor| prim::reshape(t, vec![t.dim(0), Some(1)]);
        let places = prim::iota(&group, &group.shape(), DType::I32, 0)?;
        let beyond =
            where_(prim::convert(&starts_here, DType::Bool)?, &group, i32::MAX).checked()?;
        let none = prim::full(&group, &[size].into(), DType::I32, 0.0)?;
        let starts = scattered(&none, &column(&beyond)?, &places, ScatterKind::Set)?;
        let one = prim::constant_like(&group, 1.0)?;
        let counts = scattered(&none, &column(&group)?, &one, ScatterKind::Add)?;
        let inverse = prim::full(&group, &group.shape(), DType::I32, 0.0)?;
        Ok(Groups {
            sorted: gather_axis(x, &order, 0)?,
            there: prim::compare(Comparison::Gt, &counts, &prim::constant_like(&counts, 0.0)?)?,
            inverse: scattered(&inverse, &column(&order)?, &group, ScatterKind::Set)?,
            order,
            starts,
            counts,
        })
    }
}

/// The order that sorts rows: by the last column first, since sorting keeps the order of equal elements.
fn row_order(rows: &Tensor) -> Result<Tensor> {
    if rows.rank() == 1 {
        return Ok(sort_traced(rows, 0, false)?.1);
    }
    let columns = rows.shape().dim(1).ok_or_else(|| {
        Error::mismatch(
            ErrorKind::Shape,
            "slices of known size",
            rows.shape().to_string(),
        )
    })?;
    sizes::check_steps(columns)?;
    let mut order = prim::iota(rows, &[rows.shape().dim(0)].to_vec().into(), DType::I32, 0)?;
    for column in (0..columns).rev() {
        let column = slice_traced(rows, 1, column, Some(column + 1))?;
        let column = prim::reshape(&column, vec![column.dim(0)])?;
        let (_, places) = sort_traced(&gather_axis(&column, &order, 0)?, 0, false)?;
        order = gather_axis(&order, &places, 0)?;
    }
    Ok(order)
}
