//! Gradients of primitives that move elements: what a primitive copies to many places, its gradient adds up.

use super::{Builder, Call, Cotangents, Term};
use crate::{Literal, Op, Value};

/// Sums over the dimensions that were added or repeated.
pub(super) fn broadcast<'b>(places: &[usize], call: &Call<'b>) -> Term<'b> {
    let (x, y) = (call.inputs[0].dims(), call.outputs[0].dims());
    let kept = |d: &usize| places.iter().zip(&x).any(|(p, &n)| p == d && n == y[*d]);
    let summed: Vec<usize> = (0..y.len()).filter(|d| !kept(d)).collect();
    call.cotangent().sum(&summed).reshape(&x)
}

pub(super) fn transpose<'b>(perm: &[usize], call: &Call<'b>) -> Term<'b> {
    call.cotangent().transpose(&inverse(perm))
}

/// The permutation that undoes `perm`.
pub(super) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; perm.len()];
    for (i, &p) in perm.iter().enumerate() {
        inverse[p] = i;
    }
    inverse
}

/// Puts the slice back in its place among zeros.
pub(super) fn slice<'b>(starts: &[usize], strides: &[usize], call: &Call<'b>) -> Term<'b> {
    let (x, y) = (call.inputs[0].dims(), call.outputs[0].dims());
    if y.contains(&0) {
        return call.inputs[0].like(0.0);
    }
    let covered = |i: usize| starts[i] + (y[i] - 1) * strides[i] + 1;
    let low: Vec<i64> = starts.iter().map(|&s| s as i64).collect();
    let high: Vec<i64> = (0..x.len())
        .map(|i| x[i] as i64 - covered(i) as i64)
        .collect();
    let interior: Vec<usize> = strides.iter().map(|s| s - 1).collect();
    call.cotangent().pad(0.0, &low, &high, &interior)
}

pub(super) fn pad<'b>(
    low: &[i64],
    high: &[i64],
    interior: &[usize],
    call: &Call<'b>,
) -> Cotangents<'b> {
    let g = call.cotangent();
    let unpadded = unpad(low, high, interior, call);
    let value = call.wanted[1].then(|| g.sum_all() - unpadded.sum_all());
    vec![Some(unpadded), value]
}

/// Cuts the padding off (and puts zeros where the pad had cut off), then steps over the interior.
fn unpad<'b>(low: &[i64], high: &[i64], interior: &[usize], call: &Call<'b>) -> Term<'b> {
    let negated = |pads: &[i64]| pads.iter().map(|p| -p).collect::<Vec<i64>>();
    let g = call.cotangent();
    if call.inputs[0].dims().contains(&0) {
        return call.inputs[0].like(0.0);
    }
    let whole = g.pad(0.0, &negated(low), &negated(high), &vec![0; low.len()]);
    if interior.iter().all(|&i| i == 0) {
        return whole;
    }
    let strides: Vec<usize> = interior.iter().map(|i| i + 1).collect();
    whole.slice(&vec![0; low.len()], &whole.dims(), &strides)
}

pub(super) fn concatenate<'b>(dim: usize, call: &Call<'b>) -> Cotangents<'b> {
    let g = call.cotangent();
    let mut end = 0;
    let part = |(input, &wanted): (&Term<'b>, &bool)| {
        let start = end;
        end += input.dims()[dim];
        wanted.then(|| g.slice_dim(dim, start, end))
    };
    call.inputs.iter().zip(&call.wanted).map(part).collect()
}

/// Cotangents of slices that lie side by side and cover their source: concatenated instead of padded and added. This is
/// what the gates of a recurrent cell give.
pub(super) fn side_by_side<'b>(builder: &'b Builder, parts: &[Value]) -> Option<Term<'b>> {
    if parts.len() < 2 {
        return None;
    }
    let mut strips = Vec::with_capacity(parts.len());
    for &part in parts {
        strips.push(strip(builder, part)?);
    }
    strips.sort_by_key(|s| s.start);
    let dim = strips[0].dim;
    let size = builder.term(parts[0]).dims()[dim];
    let mut end = 0;
    for strip in &strips {
        if strip.dim != dim || strip.start != end {
            return None;
        }
        end += strip.size;
    }
    let values: Vec<Value> = strips.iter().map(|s| s.value).collect();
    (end == size).then(|| builder.push(Op::Concatenate(dim), &values))
}

/// A value padded with zeros along one dimension only.
struct Strip {
    value: Value,
    dim: usize,
    start: usize,
    size: usize,
}

fn strip(builder: &Builder, padded: Value) -> Option<Strip> {
    let graph = builder.graph();
    let (
        Op::Pad {
            low,
            high,
            interior,
        },
        inputs,
    ) = graph.op_of(padded)?
    else {
        return None;
    };
    let (Op::Constant(fill), _) = graph.op_of(inputs[1])? else {
        return None;
    };
    let mut padded_dims = (0..low.len()).filter(|&i| low[i] != 0 || high[i] != 0);
    let dim = padded_dims.next()?;
    let alone = padded_dims.next().is_none() && interior.iter().all(|&i| i == 0);
    let outward = low[dim] >= 0 && high[dim] >= 0;
    (alone && outward && is_zero(fill)).then_some(Strip {
        value: inputs[0],
        dim,
        start: low[dim] as usize,
        size: graph.spec(inputs[0]).shape.dim(dim)?,
    })
}

fn is_zero(literal: &Literal) -> bool {
    literal.to_f64().iter().all(|&v| v == 0.0)
}
