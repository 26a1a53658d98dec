//! Sliding windows: reduce_window and select_and_scatter.

use super::index::{build, for_each_index, strides, try_for_each_index, values};
use super::number::{Accumulator, Number, combiner, fold, identity};
use crate::{BinaryOp, GraphError, Literal, Reduction, Window, with_data};

/// The element that offset `k` of window `out` covers along dimension `d` of the window, or `None` where it covers
/// padding or a gap of the base dilation.
pub(super) fn covered(
    window: &Window,
    d: usize,
    out: usize,
    k: usize,
    size: usize,
) -> Option<usize> {
    let along = |n: usize, step: usize| n as i128 * step as i128;
    let ahead = along(out, window.strides[d]) + along(k, window.dilation[d]);
    let at = ahead - i128::from(window.padding[d].0);
    let at = usize::try_from(at).ok()?;
    let gap = window.base_dilation[d];
    (at % gap == 0 && at / gap < size).then_some(at / gap)
}

/// The offsets of window `out` along dimension `d` that are not wholly in the padding: a window may be much larger than
/// what it covers.
fn inside(window: &Window, d: usize, out: usize, size: usize) -> std::ops::Range<usize> {
    let dilation = window.dilation[d] as i128;
    let start = out as i128 * window.strides[d] as i128 - i128::from(window.padding[d].0);
    let end = size as i128 * window.base_dilation[d] as i128;
    let first = |at: i128| usize::try_from((at - start + dilation - 1).div_euclid(dilation));
    let clip = |at: i128| first(at.max(start)).map_or(window.size[d], |k| k.min(window.size[d]));
    clip(0)..clip(end)
}

/// The places in the operand that a window covers, in row-major order of the window.
fn places(window: &Window, out: &[usize], dims: &[usize]) -> Vec<usize> {
    let strides = strides(dims);
    let along = |d: usize| -> Vec<usize> {
        let offsets = inside(window, d, out[d], dims[d]);
        offsets
            .filter_map(|k| covered(window, d, out[d], k, dims[d]))
            .map(|at| at * strides[d])
            .collect()
    };
    (0..dims.len()).map(along).fold(vec![0], |places, along| {
        let each = places.iter();
        each.flat_map(|p| along.iter().map(move |a| p + a))
            .collect()
    })
}

pub(super) fn reduce_window(
    kind: Reduction,
    window: &Window,
    x: &Literal,
    out_dims: &[usize],
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        kind: Reduction,
        window: &Window,
        (x, dims): (&[T], &[usize]),
        out_dims: &[usize],
    ) -> Result<Literal, GraphError> {
        let mut results = Vec::with_capacity(out_dims.iter().product());
        try_for_each_index(out_dims, |out| {
            let mut acc = identity::<T>(kind);
            for place in places(window, out, dims) {
                fold::<T>(combiner(kind), &mut acc, x[place].widen())?;
            }
            results.push(T::narrow(acc));
            Ok(())
        })?;
        build(out_dims, results)
    }
    with_data!(x.data(), v => each(kind, window, (v, x.dims()), out_dims))
}

/// A window that covers padding only scatters nothing. The first NaN counts as the largest element.
pub(super) fn select_and_scatter(
    window: &Window,
    x: &Literal,
    source: &Literal,
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        window: &Window,
        (x, dims): (&[T], &[usize]),
        (source, grid): (&[T], &[usize]),
    ) -> Result<Literal, GraphError> {
        let mut targets = Vec::with_capacity(source.len());
        for_each_index(grid, |out| {
            let places = places(window, out, dims).into_iter();
            targets.push(places.reduce(|best, place| {
                let (a, b) = (x[best].widen(), x[place].widen());
                let larger = b > a || (b.is_nan() && !a.is_nan());
                if larger { place } else { best }
            }));
        });
        let mut out = vec![T::Acc::ZERO; x.len()];
        for (target, &element) in targets.into_iter().zip(source) {
            if let Some(place) = target {
                fold::<T>(BinaryOp::Add, &mut out[place], element.widen())?;
            }
        }
        build(dims, out.into_iter().map(T::narrow).collect())
    }
    with_data!(x.data(), v => each(window, (v, x.dims()), (values(source)?, source.dims())))
}
