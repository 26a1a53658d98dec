//! Primitives that only move elements: iota, broadcast, transpose, slice, pad, concatenate, reverse.

use half::{bf16, f16};

use super::index::{around, build, flat, for_each_index, offsets, pick, strides, take, values};
use super::number::{Accumulator, Number};
use crate::{DType, Dim, Element, GraphError, Literal, with_data};

pub(super) fn iota(dims: &[usize], dtype: DType, dim: usize) -> Result<Literal, GraphError> {
    fn count<T: Number>(dims: &[usize], dim: usize) -> Result<Literal, GraphError> {
        let mut values = Vec::new();
        for_each_index(dims, |index| {
            values.push(T::narrow(T::Acc::from_index(index[dim])));
        });
        build(dims, values)
    }
    match dtype {
        DType::F32 => count::<f32>(dims, dim),
        DType::F64 => count::<f64>(dims, dim),
        DType::F16 => count::<f16>(dims, dim),
        DType::BF16 => count::<bf16>(dims, dim),
        DType::I32 => count::<i32>(dims, dim),
        DType::I64 => count::<i64>(dims, dim),
        DType::U8 => count::<u8>(dims, dim),
        DType::U32 => count::<u32>(dims, dim),
        DType::Bool => count::<bool>(dims, dim),
    }
}

/// Result dimensions that are new or repeated have stride 0 in the operand.
pub(super) fn broadcast_in_dim(
    x: &Literal,
    out_dims: &[usize],
    dims: &[usize],
) -> Result<Literal, GraphError> {
    let mut steps = vec![0; out_dims.len()];
    for ((&to, &size), stride) in dims.iter().zip(x.dims()).zip(strides(x.dims())) {
        if size != 1 {
            steps[to] = stride;
        }
    }
    take(x, out_dims, &offsets(out_dims, &steps))
}

pub(super) fn transpose(x: &Literal, perm: &[usize]) -> Result<Literal, GraphError> {
    let out_dims = pick(x.dims(), perm);
    let steps = pick(&strides(x.dims()), perm);
    take(x, &out_dims, &offsets(&out_dims, &steps))
}

pub(super) fn slice(
    x: &Literal,
    starts: &[usize],
    limits: &[Dim],
    steps: &[usize],
) -> Result<Literal, GraphError> {
    let out_dims: Vec<usize> = (0..starts.len())
        .map(|d| {
            let limit = limits[d].unwrap_or(x.dims()[d]);
            limit.saturating_sub(starts[d]).div_ceil(steps[d])
        })
        .collect();
    let strides = strides(x.dims());
    let mut places = Vec::new();
    for_each_index(&out_dims, |index| {
        let source: Vec<usize> = (0..index.len())
            .map(|d| starts[d] + index[d] * steps[d])
            .collect();
        places.push(flat(&source, &strides));
    });
    take(x, &out_dims, &places)
}

pub(super) fn pad(
    x: &Literal,
    value: &Literal,
    out_dims: &[usize],
    low: &[i64],
    interior: &[usize],
) -> Result<Literal, GraphError> {
    fn fill<T: Element>(
        (x, value): (&[T], &[T]),
        (dims, out_dims): (&[usize], &[usize]),
        low: &[i64],
        interior: &[usize],
    ) -> Result<Literal, GraphError> {
        let mut out = vec![value[0]; out_dims.iter().product()];
        let out_strides = strides(out_dims);
        let mut elements = x.iter();
        for_each_index(dims, |index| {
            let place = (0..index.len()).map(|d| {
                let at = i128::from(low[d]) + index[d] as i128 * (interior[d] as i128 + 1);
                usize::try_from(at).ok().filter(|&at| at < out_dims[d])
            });
            let place: Option<Vec<usize>> = place.collect();
            if let (Some(place), Some(&element)) = (place, elements.next()) {
                out[flat(&place, &out_strides)] = element;
            }
        });
        build(out_dims, out)
    }
    with_data!(x.data(), v => fill((v, values(value)?), (x.dims(), out_dims), low, interior))
}

pub(super) fn concatenate(
    inputs: &[&Literal],
    out_dims: &[usize],
    dim: usize,
) -> Result<Literal, GraphError> {
    fn join<T: Element>(
        _first: &[T],
        inputs: &[&Literal],
        out_dims: &[usize],
        dim: usize,
    ) -> Result<Literal, GraphError> {
        let mut out: Vec<T> = Vec::new();
        for row in 0..around(out_dims, dim).0 {
            for input in inputs {
                let (_, size, inner) = around(input.dims(), dim);
                let row_len = size * inner;
                out.extend_from_slice(&values(input)?[row * row_len..][..row_len]);
            }
        }
        build(out_dims, out)
    }
    with_data!(inputs[0].data(), v => join(v, inputs, out_dims, dim))
}

pub(super) fn reverse(x: &Literal, dims: &[usize]) -> Result<Literal, GraphError> {
    let strides = strides(x.dims());
    let mut places = Vec::new();
    for_each_index(x.dims(), |index| {
        let mut source = index.to_vec();
        for &d in dims {
            source[d] = x.dims()[d] - 1 - index[d];
        }
        places.push(flat(&source, &strides));
    });
    take(x, x.dims(), &places)
}
