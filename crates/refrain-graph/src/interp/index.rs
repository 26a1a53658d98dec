//! Row-major index arithmetic.

use std::convert::Infallible;

use crate::{Element, GraphError, Literal, with_data};

/// Distance in elements between neighbours along each dimension.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for d in (1..dims.len()).rev() {
        strides[d - 1] = strides[d] * dims[d];
    }
    strides
}

/// The dot product of an index and strides: an element's place.
pub(super) fn flat(index: &[usize], strides: &[usize]) -> usize {
    index.iter().zip(strides).map(|(i, s)| i * s).sum()
}

/// Calls `visit` with every index of a grid, in row-major order (once, with an empty index, for rank 0).
pub(super) fn for_each_index(dims: &[usize], mut visit: impl FnMut(&[usize])) {
    let all: Result<(), Infallible> = try_for_each_index(dims, |index| {
        visit(index);
        Ok(())
    });
    match all {
        Ok(()) => {}
    }
}

/// [`for_each_index`] until the first error.
pub(super) fn try_for_each_index<E>(
    dims: &[usize],
    mut visit: impl FnMut(&[usize]) -> Result<(), E>,
) -> Result<(), E> {
    if dims.contains(&0) {
        return Ok(());
    }
    let mut index = vec![0; dims.len()];
    loop {
        visit(&index)?;
        let next = (0..dims.len()).rfind(|&d| index[d] + 1 < dims[d]);
        let Some(d) = next else {
            return Ok(());
        };
        index[d] += 1;
        index[d + 1..].fill(0);
    }
}

/// The places of every index of a grid under these strides, in row-major order of the grid.
pub(super) fn offsets(dims: &[usize], strides: &[usize]) -> Vec<usize> {
    let mut places = Vec::with_capacity(dims.iter().product());
    for_each_index(dims, |index| places.push(flat(index, strides)));
    places
}

/// Those entries of `all` that `dims` names, in its order.
pub(super) fn pick(all: &[usize], dims: &[usize]) -> Vec<usize> {
    dims.iter().map(|&d| all[d]).collect()
}

/// The dimensions below `rank` that none of `lists` names.
pub(super) fn others(rank: usize, lists: &[&[usize]]) -> Vec<usize> {
    (0..rank)
        .filter(|d| lists.iter().all(|list| !list.contains(d)))
        .collect()
}

/// The number of elements before, at and after a dimension: `(outer, size, inner)`.
pub(super) fn around(dims: &[usize], dim: usize) -> (usize, usize, usize) {
    let outer = dims[..dim].iter().product();
    let inner = dims[dim + 1..].iter().product();
    (outer, dims[dim], inner)
}

/// A literal of these dimensions from values in row-major order.
pub(super) fn build<T: Element>(dims: &[usize], values: Vec<T>) -> Result<Literal, GraphError> {
    let len = values.len();
    Literal::new(dims, values)
        .ok_or_else(|| GraphError::new(format!("{len} values do not fill the dimensions {dims:?}")))
}

/// A literal made of the operand's elements at `places`.
pub(super) fn take(
    operand: &Literal,
    dims: &[usize],
    places: &[usize],
) -> Result<Literal, GraphError> {
    with_data!(operand.data(), v => build(dims, places.iter().map(|&p| v[p]).collect()))
}

/// The values of a literal that must be of type `T`.
pub(super) fn values<T: Element>(literal: &Literal) -> Result<&[T], GraphError> {
    literal.values().ok_or_else(|| {
        GraphError::new(format!(
            "expected elements of type {}, got {}",
            T::DTYPE,
            literal.dtype()
        ))
    })
}
