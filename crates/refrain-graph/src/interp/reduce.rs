//! Reductions, running reductions and sorting.
//!
//! Float sums and products accumulate in f64 and round once, whatever the element type: an oracle has to be closer to
//! the true value than anything that is compared with it.

use std::cmp::Ordering;

use super::index::{around, build, offsets, others, pick, strides};
use super::number::{Accumulator, Number, combiner, fold, identity};
use crate::{GraphError, Literal, Reduction, with_data};

pub(super) fn reduce(kind: Reduction, dims: &[usize], x: &Literal) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        kind: Reduction,
        dims: &[usize],
        (x, x_dims): (&[T], &[usize]),
    ) -> Result<Literal, GraphError> {
        let kept = others(x_dims.len(), &[dims]);
        let out_dims = pick(x_dims, &kept);
        let mut steps = vec![0; x_dims.len()];
        for (&d, stride) in kept.iter().zip(strides(&out_dims)) {
            steps[d] = stride;
        }
        let mut out = vec![identity::<T>(kind); out_dims.iter().product()];
        for (&x, place) in x.iter().zip(offsets(x_dims, &steps)) {
            fold::<T>(combiner(kind), &mut out[place], x.widen())?;
        }
        build(&out_dims, out.into_iter().map(T::narrow).collect())
    }
    with_data!(x.data(), v => each(kind, dims, (v, x.dims())))
}

pub(super) fn cumulative(
    kind: Reduction,
    dim: usize,
    reverse: bool,
    x: &Literal,
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        kind: Reduction,
        reverse: bool,
        lanes: Vec<Vec<usize>>,
        (x, dims): (&[T], &[usize]),
    ) -> Result<Literal, GraphError> {
        let mut out = x.to_vec();
        for mut lane in lanes {
            if reverse {
                lane.reverse();
            }
            let mut running = identity::<T>(kind);
            for place in lane {
                fold::<T>(combiner(kind), &mut running, x[place].widen())?;
                out[place] = T::narrow(running);
            }
        }
        build(dims, out)
    }
    with_data!(x.data(), v => each(kind, reverse, lanes(x.dims(), dim), (v, x.dims())))
}

/// Gives the sorted values and the i32 positions they came from. Equal elements stay in order; NaN come last in both
/// directions.
pub(super) fn sort(dim: usize, descending: bool, x: &Literal) -> Result<Vec<Literal>, GraphError> {
    fn each<T: Number>(
        descending: bool,
        lanes: Vec<Vec<usize>>,
        (x, dims): (&[T], &[usize]),
    ) -> Result<Vec<Literal>, GraphError> {
        let mut sorted = x.to_vec();
        let mut positions = vec![0i32; x.len()];
        for lane in lanes {
            let mut order: Vec<usize> = (0..lane.len()).collect();
            order
                .sort_by(|&i, &j| compare::<T>(x[lane[i]].widen(), x[lane[j]].widen(), descending));
            for (&place, from) in lane.iter().zip(order) {
                sorted[place] = x[lane[from]];
                positions[place] = i32::try_from(from)
                    .map_err(|_| GraphError::new(format!("position {from} does not fit i32")))?;
            }
        }
        Ok(vec![build(dims, sorted)?, build(dims, positions)?])
    }
    with_data!(x.data(), v => each(descending, lanes(x.dims(), dim), (v, x.dims())))
}

fn compare<T: Number>(a: T::Acc, b: T::Acc, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => {
            let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
        (a_nan, b_nan) => a_nan.cmp(&b_nan),
    }
}

/// The places of the elements of each line along `dim`.
fn lanes(dims: &[usize], dim: usize) -> Vec<Vec<usize>> {
    let (outer, size, inner) = around(dims, dim);
    let starts = (0..outer).flat_map(|o| (0..inner).map(move |i| o * size * inner + i));
    starts
        .map(|start| (0..size).map(|k| start + k * inner).collect())
        .collect()
}
