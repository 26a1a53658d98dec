//! Elements before, after and between along spatial axes.

use refrain_graph::Dim;
use serde_json::Value as Json;

use crate::config::{ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::DataFormat;
use crate::ops;
use crate::tensor::Tensor;
use crate::utils::sizes;

/// So many elements before and after along each of `N` spatial axes.
///
/// Made from one number (everywhere), or for one axis from a pair (before, after), for two axes from a pair (rows,
/// columns) or from a pair for each, and so for three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edges<const N: usize>(pub [(usize, usize); N]);

impl<const N: usize> From<usize> for Edges<N> {
    fn from(n: usize) -> Self {
        Edges([(n, n); N])
    }
}

impl From<(usize, usize)> for Edges<1> {
    fn from(edges: (usize, usize)) -> Self {
        Edges([edges])
    }
}

impl From<(usize, usize)> for Edges<2> {
    fn from((rows, columns): (usize, usize)) -> Self {
        Edges([(rows, rows), (columns, columns)])
    }
}

impl From<(usize, usize, usize)> for Edges<3> {
    fn from((a, b, c): (usize, usize, usize)) -> Self {
        Edges([a, b, c].map(|n| (n, n)))
    }
}

impl<const N: usize> From<[(usize, usize); N]> for Edges<N> {
    fn from(edges: [(usize, usize); N]) -> Self {
        Edges(edges)
    }
}

fn number(json: &Json) -> Option<usize> {
    json.as_u64().and_then(|n| usize::try_from(n).ok())
}

/// A pair, or one number for both.
fn pair(json: &Json) -> Option<(usize, usize)> {
    match json.as_array().map(Vec::as_slice) {
        Some([low, high]) => Some((number(low)?, number(high)?)),
        None => number(json).map(|n| (n, n)),
        _ => None,
    }
}

impl<const N: usize> ConfigValue for Edges<N> {
    /// One axis: a pair; more axes: a list of pairs.
    fn to_json(&self) -> Json {
        let pairs = self.0.iter();
        let mut pairs: Vec<Json> = pairs.map(|&(low, high)| vec![low, high].into()).collect();
        match N {
            1 => pairs.swap_remove(0),
            _ => pairs.into(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        let bad = || unexpected(&format!("sizes before and after {N} axes"), json);
        if N == 1 || json.is_number() {
            return pair(json).map(|p| Edges([p; N])).ok_or_else(bad);
        }
        let pairs = json.as_array().ok_or_else(bad)?;
        let pairs: Option<Vec<_>> = pairs.iter().map(pair).collect();
        let array = pairs.ok_or_else(bad)?.try_into();
        array.map(Edges).map_err(|_| bad())
    }
}

/// Zeros before and after.
pub(super) fn pad<const N: usize>(
    x: &Tensor,
    edges: &Edges<N>,
    format: DataFormat,
) -> Result<Tensor> {
    let mut widths = vec![(0, 0); x.rank()];
    for (i, &(low, high)) in edges.0.iter().enumerate() {
        let widths = &mut widths[format.first_spatial_axis() + i];
        *widths = (sizes::signed(low)?, sizes::signed(high)?);
    }
    ops::pad_constant(x, &widths, 0.0)
}

/// Without the elements before and after, of which some must remain.
pub(super) fn crop<const N: usize>(
    x: &Tensor,
    edges: &Edges<N>,
    format: DataFormat,
) -> Result<Tensor> {
    let mut x = x.clone();
    for (i, &(low, high)) in edges.0.iter().enumerate() {
        let axis = format.first_spatial_axis() + i;
        let size: Dim = x.shape().dim(axis);
        let Some(size) = size else {
            continue; // the size stays unknown
        };
        let cut = low.saturating_add(high);
        if cut >= size {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("a size of more than {cut} along axis {axis}"),
                format!("shape {}", x.shape()),
            ));
        }
        x = ops::slice_traced(&x, axis, low, Some(size - high))?;
    }
    Ok(x)
}

/// Each element so many times along each of the spatial axes.
pub(super) fn repeat(x: &Tensor, times: &[usize], format: DataFormat) -> Result<Tensor> {
    let mut axes = (format.first_spatial_axis()..).zip(times);
    axes.try_fold(x.clone(), |x, (axis, &n)| ops::repeat_traced(&x, n, axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn edges_are_read_in_all_of_keras_forms() {
        let read = |j: Json| Edges::<2>::from_json(&j).unwrap();
        assert_eq!(read(json!(1)), Edges::from(1));
        assert_eq!(read(json!([1, 2])), Edges::from((1, 2)));
        assert_eq!(read(json!([[1, 2], [3, 4]])), Edges([(1, 2), (3, 4)]));
        assert_eq!(
            Edges::<1>::from_json(&json!([1, 2])).unwrap(),
            Edges([(1, 2)])
        );
        assert_eq!(Edges([(1, 2)]).to_json(), json!([1, 2]));
        assert!(Edges::<2>::from_json(&json!([1, 2, 3])).is_err());
    }
}
