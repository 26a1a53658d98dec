//! Diagonals, products of vectors and matrices, and turned arrays.

use refrain_graph::{Comparison, DType, Dim, DotDims, Op, Reduction};

use super::definition::{OpResult, operations, to};
use super::linalg::{dot_general, factors};
use super::reduce::{reduce, reduce_call};
use super::{Axes, expand_dims, flatten_from, option, power, prim, slice_traced, sum};
use crate::config::{Config, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::tensor::{Tensor, resolve_axis};
use crate::trace::Trace;
use crate::utils::sizes;

operations! { TABLE in table {
    /// The matrix with a vector on its diagonal, or the diagonal of a matrix; `k` places right of the main one.
    ///
    /// A tensor of another rank is an error. Keras's `k` is 0 by default.
    ///
    /// ```
    /// use refrain::{Input, Shape, ops};
    /// let x = Input::new(Shape::scalar()).batch_size(3).tensor();
    /// assert_eq!(ops::diag(&x, -1).shape().to_string(), "(4, 4)");
    /// ```
    pub fn diag(x: impl AsRef<Tensor>, k: i64) -> Tensor { [x.as_ref(), k] }
    "ops.numpy" / "Diag" as "diag(x, k=0)" [Tensor, Integer] => |inputs, config| {
        let (x, k) = (inputs.one()?, option(config, "k")?);
        match x.rank() {
            1 => Ok(on_diagonal(x, k)?.into()),
            2 => Ok(diagonal_of(x, k)?.into()),
            _ => Err(Error::mismatch(ErrorKind::Shape, "a vector or a matrix", x.shape().to_string())),
        }
    };
    /// The matrix with all elements on a diagonal, `k` places right of the main one.
    ///
    /// Keras's `k` is 0 by default.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([2]).batch_size(3).tensor();
    /// assert_eq!(ops::diagflat(&x, 0).shape().to_string(), "(6, 6)");
    /// ```
    pub fn diagflat(x: impl AsRef<Tensor>, k: i64) -> Tensor { [x.as_ref(), k] }
    "ops.numpy" / "Diagflat" as "diagflat(x, k=0)" [Tensor, Integer] => |inputs, config| {
        Ok(on_diagonal(&flatten_from(inputs.one()?, 0)?, option(config, "k")?)?.into())
    };
    /// The diagonals of the matrices that two axes make, `offset` places right of the main ones, along a new last axis.
    ///
    /// Keras has 0 and the axes 0 and 1 by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::diagonal(input([4, 6]), 0, 1, 2).shape().to_string(), "(None, 4)");
    /// ```
    pub fn diagonal(x: impl AsRef<Tensor>, offset: i64, axis1: i64, axis2: i64) -> Tensor { [x.as_ref(), offset, axis1, axis2] }
    "ops.numpy" / "Diagonal" as "diagonal(x, offset=0, axis1=0, axis2=1)" [Tensor, Integer, Integer, Integer]
    => |inputs, config| Ok(diagonals(inputs, config)?.into());
    /// The sums of the diagonals that [`diagonal`] gives.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::trace(input([4, 6]), 0, 1, 2).shape().to_string(), "(None,)");
    /// ```
    pub fn trace(x: impl AsRef<Tensor>, offset: i64, axis1: i64, axis2: i64) -> Tensor { [x.as_ref(), offset, axis1, axis2] }
    "ops.numpy" / "Trace" as "trace(x, offset=0, axis1=0, axis2=1)" [Tensor, Integer, Integer, Integer] => |inputs, config| {
        let mut last = Config::new();
        last.insert("axis".to_owned(), (-1).into());
        last.insert("keepdims".to_owned(), false.into());
        reduce_call(&Inputs::new(&diagonals(inputs, config)?), &last, Reduction::Sum)
    };
    /// Every element of `a` times the whole of `b`, side by side in its place.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::kron(&input([4]), &input([3])).shape().to_string(), "(None, 12)");
    /// ```
    pub fn kron(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Kron" as "kron(x1, x2)" [Tensor, Tensor] => kron_call;
    /// Sums of products over the last axes of both.
    ///
    /// The other axes of `a` come first. Sizes that differ are an error.
    ///
    /// ```
    /// use refrain::{Input, input, ops};
    /// let rows = Input::new([8]).batch_size(3).tensor();
    /// assert_eq!(ops::inner(&input([8]), &rows).shape().to_string(), "(None, 3)");
    /// ```
    pub fn inner(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Inner" as "inner(x1, x2)" [Tensor, Tensor] => |inputs, _| {
        let (a, b) = factors(inputs)?;
        if a.rank() == 0 || b.rank() == 0 {
            return Ok((a * b).into());
        }
        Ok(contract(&a, &b)?.into())
    };
    /// The sum of the products of all elements.
    ///
    /// Other numbers of elements are an error.
    ///
    /// ```
    /// use refrain::{Input, ops};
    /// let x = Input::new([4]).batch_size(2).tensor();
    /// assert_eq!(ops::vdot(&x, &x).rank(), 0);
    /// ```
    pub fn vdot(a: &Tensor, b: &Tensor) -> Tensor { [a, b] }
    "ops.numpy" / "Vdot" as "vdot(x1, x2)" [Tensor, Tensor] => |inputs, _| {
        let (a, b) = factors(inputs)?;
        Ok(contract(&flatten_from(&a, 0)?, &flatten_from(&b, 0)?)?.into())
    };
    /// The vectors perpendicular to pairs of vectors of 2 or 3 elements along an axis; two of 2 give the last element only.
    ///
    /// Other axes broadcast. Keras's axis is the last by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::cross(&input([3]), &input([3]), -1).shape().to_string(), "(None, 3)");
    /// ```
    pub fn cross(a: &Tensor, b: &Tensor, axis: i64) -> Tensor { [a, b, axis, axis, axis, None::<i64>] }
    "ops.numpy" / "Cross" as "cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None)"
    [Tensor, Tensor, Integer, Integer, Integer, OptionalInteger] => cross_call;
    /// Powers of the elements of a vector, `n` in each row: falling ones, or `increasing`. `None`: as many as there are rows.
    ///
    /// A tensor of another rank is an error.
    ///
    /// ```
    /// use refrain::{Input, Shape, ops};
    /// let x = Input::new(Shape::scalar()).batch_size(5).tensor();
    /// assert_eq!(ops::vander(&x, Some(3), false).shape().to_string(), "(5, 3)");
    /// ```
    pub fn vander(x: impl AsRef<Tensor>, n: Option<usize>, increasing: bool) -> Tensor { [x.as_ref(), n, increasing] }
    "ops.numpy" / "Vander" as "vander(x, N=None, increasing=False)" [Tensor, Plain, Flag] => vander_call;
    /// Turned by `k` times 90 degrees in the plane of two axes, from the first towards the second.
    ///
    /// Two axes that differ, or it is an error. Keras turns once, in the plane of the first two axes, by default.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::rot90(input([4, 6]), 1, [1, 2]).shape().to_string(), "(None, 6, 4)");
    /// ```
    pub fn rot90(array: impl AsRef<Tensor>, k: i64, axes: impl Into<Axes>) -> Tensor { [array.as_ref(), k, to::<Axes>(axes)] }
    "ops.numpy" / "Rot90" as "rot90(array, k=1, axes=None)" [Tensor, Integer, Axes] => rot90_call;
    /// Read backwards along the second axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::fliplr(&input([6])).shape().to_string(), "(None, 6)");
    /// ```
    pub fn fliplr(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "Fliplr" as "fliplr(x)" [Tensor] => |inputs, _| reversed(inputs, 1);
    /// Read backwards along the first axis.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::flipud(&input([6])).shape().to_string(), "(None, 6)");
    /// ```
    pub fn flipud(x: &Tensor) -> Tensor { [x] }
    "ops.numpy" / "Flipud" as "flipud(x)" [Tensor] => |inputs, _| reversed(inputs, 0);
    /// The distances between all pairs of vectors along the last axes of two stacks of them.
    ///
    /// Leading axes broadcast.
    ///
    /// ```
    /// use refrain::{input, ops};
    /// assert_eq!(ops::cdist(&input([4, 3]), &input([5, 3])).shape().to_string(), "(None, 4, 5)");
    /// ```
    pub fn cdist(x: &Tensor, y: &Tensor) -> Tensor { [x, y] }
    "ops.math" / "CDist" as "cdist(x, y)" [Tensor, Tensor] => |inputs, _| {
        let (x, y) = factors(inputs)?;
        if x.rank() < 2 || y.rank() < 2 {
            return Err(Error::mismatch(ErrorKind::Shape, "stacks of vectors", format!("{} and {}", x.shape(), y.shape())));
        }
        let distance = expand_dims(&x, -2) - expand_dims(&y, -3);
        Ok(sum(&distance * &distance, -1, false).sqrt().into())
    };
}}

/// Where the column is `k` right of the row, in matrices along the last two axes.
fn on(x: &Tensor, k: i64) -> Result<Tensor> {
    let rank = x.rank();
    let rows = prim::iota(x, &x.shape(), DType::I32, rank - 2)?;
    let columns = prim::iota(x, &x.shape(), DType::I32, rank - 1)?;
    prim::compare(Comparison::Eq, &columns, &(rows + k))
}

/// A number of places as sizes count them: below and above 0.
fn places(k: i64) -> Result<(usize, usize)> {
    let size = |k: i64| usize::try_from(k.max(0)).unwrap_or(usize::MAX);
    let places = (size(k.saturating_neg()), size(k));
    sizes::check_memory("a diagonal", &[places.0.max(places.1)], 1)?;
    Ok(places)
}

fn on_diagonal(x: &Tensor, k: i64) -> Result<Tensor> {
    let (low, high) = places(k)?;
    let more = sizes::signed(low.max(high))?;
    let padded = super::pad_constant(x, &[(0, more)], 0.0)?;
    let size = padded.shape().dim(0);
    // Above the main diagonal the row says which element it is, below it the column.
    let line = match k >= 0 {
        true => [size, Some(1)],
        false => [Some(1), size],
    };
    let wide = prim::broadcast_to(
        &prim::reshape(&padded, line)?,
        &[size, size].to_vec().into(),
    )?;
    prim::select(&on(&wide, k)?, &wide, &prim::constant_like(&wide, 0.0)?)
}

/// The diagonals of matrices along the last two axes.
fn diagonal_of(x: &Tensor, k: i64) -> Result<Tensor> {
    let (low, high) = places(k)?;
    let (rows, columns) = (x.rank() - 2, x.rank() - 1);
    let rest = |x: &Tensor, axis: usize, from: usize| {
        let size = x.shape().dim(axis);
        slice_traced(x, axis, from.min(size.unwrap_or(from)), size)
    };
    let x = rest(&rest(x, rows, low)?, columns, high)?;
    // What is summed over must be the longer axis; where a size is unknown, so is that of the result.
    let summed = match (x.shape().dim(rows), x.shape().dim(columns)) {
        (Some(r), Some(c)) if r > c => rows,
        (Some(_), None) => rows,
        _ => columns,
    };
    let kept = prim::select(&on(&x, 0)?, &x, &prim::constant_like(&x, 0.0)?)?;
    let kind = match x.dtype() {
        DType::Bool => Reduction::Or,
        _ => Reduction::Sum,
    };
    reduce(&kept, kind, &[summed], false)
}

fn diagonals(inputs: &Inputs, config: &Config) -> Result<Tensor> {
    let x = inputs.one()?;
    let axis = |name| resolve_axis(option(config, name)?, x.rank());
    let (first, second) = (axis("axis1")?, axis("axis2")?);
    if first == second {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "two axes",
            first.to_string(),
        ));
    }
    let others = (0..x.rank()).filter(|&d| d != first && d != second);
    let order: Vec<usize> = others.chain([first, second]).collect();
    diagonal_of(&prim::transpose(x, &order)?, option(config, "offset")?)
}

/// Sums of products over the last axes.
fn contract(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let dims = DotDims {
        lhs_contracting: vec![a.rank() - 1],
        rhs_contracting: vec![b.rank() - 1],
        ..DotDims::default()
    };
    dot_general(a, b, dims)
}

fn kron_call(inputs: &Inputs, _: &Config) -> OpResult {
    let (a, b) = factors(inputs)?;
    let rank = a.rank().max(b.rank());
    let dims = |x: &Tensor| [vec![Some(1); rank - x.rank()], x.shape().dims().to_vec()].concat();
    let (of_a, of_b) = (dims(&a), dims(&b));
    let apart = |x: &Tensor, first: &dyn Fn(usize) -> [Dim; 2]| {
        prim::reshape(x, (0..rank).flat_map(first).collect::<Vec<Dim>>())
    };
    let products = apart(&a, &|i| [of_a[i], Some(1)])? * apart(&b, &|i| [Some(1), of_b[i]])?;
    let merged = of_a.iter().zip(&of_b).map(|pair| match pair {
        (Some(a), Some(b)) => sizes::times(*a, *b).map(Some),
        _ => Ok(None),
    });
    Ok(prim::reshape(&products, merged.collect::<Result<Vec<Dim>>>()?)?.into())
}

fn cross_call(inputs: &Inputs, config: &Config) -> OpResult {
    let (a, b) = factors(inputs)?;
    let common: Option<i64> = option(config, "axis")?;
    let axis = |name: &str| common.map_or_else(|| option(config, name), Ok);
    let parts = |x: &Tensor, axis: i64| -> Result<Vec<Tensor>> {
        let axis = resolve_axis(axis, x.rank())?;
        let count = x.shape().dim(axis).filter(|n| [2, 3].contains(n));
        let received = || x.shape().to_string();
        let count = count.ok_or_else(|| {
            Error::mismatch(ErrorKind::Shape, "vectors of 2 or 3 elements", received())
        })?;
        let mut shape = x.shape();
        shape.dims_mut().remove(axis);
        let part = |i| prim::reshape(&slice_traced(x, axis, i, Some(i + 1))?, shape.clone());
        (0..count).map(part).collect()
    };
    let (a, b) = (parts(&a, axis("axisa")?)?, parts(&b, axis("axisb")?)?);
    let last = &a[0] * &b[1] - &a[1] * &b[0];
    let (rest, axis) = ([a.get(2), b.get(2)], axis("axisc")?);
    if rest.iter().all(Option::is_none) {
        return Ok(last.into());
    }
    let product = |x: &Tensor, y: Option<&Tensor>| match y {
        Some(y) => x * y,
        None => super::zeros_like(x, None),
    };
    let first = product(&a[1], rest[1]) - product(&b[1], rest[0]);
    let second = product(&b[0], rest[0]) - product(&a[0], rest[1]);
    Ok(super::stack([&first, &second, &last], axis).into())
}

fn vander_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    if x.rank() != 1 {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "a vector",
            x.shape().to_string(),
        ));
    }
    let rows = x.shape().dim(0);
    let count: Dim = option::<Option<usize>>(config, "N")?.or(rows);
    let powers = prim::iota(x, &[count].to_vec().into(), DType::I32, 0)?;
    let powers = match (option(config, "increasing")?, count) {
        (false, Some(count)) => super::subtract(sizes::signed(count)? - 1, powers),
        _ => powers,
    };
    Ok(power(prim::reshape(x, [rows, Some(1)])?, powers).into())
}

fn rot90_call(inputs: &Inputs, config: &Config) -> OpResult {
    let x = inputs.one()?;
    let axes = match Axes::from_json(config.get("axes"))? {
        Axes::All => Axes::Only(vec![0, 1]),
        axes => axes,
    };
    let [first, second] = axes.resolve_in_order(x.rank())?[..] else {
        return Err(unexpected("two axes", &axes.to_json()));
    };
    if first == second {
        return Err(unexpected("two axes", &axes.to_json()));
    }
    let flip = |x: &Tensor, axis| Trace::apply(Op::Reverse(vec![axis]), &[x]);
    let mut order: Vec<usize> = (0..x.rank()).collect();
    order.swap(first, second);
    Ok(match option::<i64>(config, "k")?.rem_euclid(4) {
        0 => prim::copy(x)?,
        1 => prim::transpose(&flip(x, second)?, &order)?,
        2 => flip(&flip(x, first)?, second)?,
        _ => flip(&prim::transpose(x, &order)?, second)?,
    }
    .into())
}

fn reversed(inputs: &Inputs, axis: i64) -> OpResult {
    let x = inputs.one()?;
    let axis = resolve_axis(axis, x.rank())?;
    Ok(Trace::apply(Op::Reverse(vec![axis]), &[x])?.into())
}
