//! Slices and concatenations of one another.

use super::Found;
use crate::passes::{filled, splat};
use crate::{Graph, GraphError, Op, Spec, Value};

/// The attributes of a slice with all limits known.
#[derive(Clone)]
pub(super) struct Slice {
    pub(super) starts: Vec<usize>,
    pub(super) limits: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

impl Slice {
    fn push(self, graph: &mut Graph, x: Value) -> Result<Value, GraphError> {
        let Slice {
            starts,
            limits,
            strides,
        } = self;
        let limits = limits.into_iter().map(Some).collect();
        graph.push(
            Op::Slice {
                starts,
                limits,
                strides,
            },
            &[x],
        )
    }

    /// The slice that `value` is, and of what.
    fn of(graph: &Graph, value: Value) -> Option<(Slice, Value)> {
        let (
            Op::Slice {
                starts,
                limits,
                strides,
            },
            inputs,
        ) = graph.op_of(value)?
        else {
            return None;
        };
        let sizes = graph.spec(inputs[0]).shape.dims();
        let limits = limits
            .iter()
            .zip(sizes)
            .map(|(&limit, &size)| limit.or(size));
        let slice = Slice {
            starts: starts.clone(),
            limits: limits.collect::<Option<_>>()?,
            strides: strides.clone(),
        };
        Some((slice, inputs[0]))
    }
}

pub(super) fn slice(graph: &mut Graph, place: &Slice, x: Value, spec: &Spec) -> Found {
    let Some(sizes) = spec.shape.known() else {
        return Ok(None);
    };
    if graph.spec(x).shape == spec.shape {
        return Ok(Some(x));
    }
    if sizes.contains(&0) {
        return Ok(None);
    }
    if let Some((inner, source)) = Slice::of(graph, x) {
        return slice_of_slice(place, &inner, &sizes)
            .push(graph, source)
            .map(Some);
    }
    match graph.op_of(x) {
        Some((Op::Concatenate(dim), parts)) => {
            let (dim, parts) = (*dim, parts.to_vec());
            slice_of_parts(graph, place, dim, &parts)
        }
        Some((
            Op::Pad {
                low,
                high,
                interior,
            },
            inputs,
        )) => {
            let (inner, source) = (
                slice_inside_pad(place, low, high, interior, graph, x),
                inputs[0],
            );
            inner.map(|inner| inner.push(graph, source)).transpose()
        }
        Some((Op::BroadcastInDim { .. }, _)) => match splat(graph, x).cloned() {
            Some(literal) => filled(graph, literal, spec).map(Some),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

fn slice_of_slice(outer: &Slice, inner: &Slice, sizes: &[usize]) -> Slice {
    let rank = sizes.len();
    let start = |i: usize| inner.starts[i] + outer.starts[i] * inner.strides[i];
    let stride = |i: usize| inner.strides[i] * outer.strides[i];
    Slice {
        starts: (0..rank).map(start).collect(),
        limits: (0..rank)
            .map(|i| start(i) + (sizes[i] - 1) * stride(i) + 1)
            .collect(),
        strides: (0..rank).map(stride).collect(),
    }
}

/// A slice of a concatenation reaches only some of its parts.
fn slice_of_parts(graph: &mut Graph, place: &Slice, dim: usize, parts: &[Value]) -> Found {
    let (mut end, mut first, mut reached) = (0, 0, vec![]);
    for &part in parts {
        let Some(size) = graph.spec(part).shape.dim(dim) else {
            return Ok(None);
        };
        let start = end;
        end += size;
        if end > place.starts[dim] && start < place.limits[dim] {
            if reached.is_empty() {
                first = start;
            }
            reached.push(part);
        }
    }
    if reached.len() == parts.len() || reached.is_empty() {
        return Ok(None);
    }
    let source = match reached[..] {
        [part] => part,
        _ => graph.push(Op::Concatenate(dim), &reached)?,
    };
    let mut place = place.clone();
    place.starts[dim] -= first;
    place.limits[dim] -= first;
    if is_whole(graph, &place, source) {
        return Ok(Some(source));
    }
    place.push(graph, source).map(Some)
}

fn is_whole(graph: &Graph, place: &Slice, x: Value) -> bool {
    let sizes = graph.spec(x).shape.known();
    sizes.is_some_and(|sizes| sizes == place.limits)
        && place.starts.iter().all(|&s| s == 0)
        && place.strides.iter().all(|&s| s == 1)
}

/// A slice of a padded tensor that reaches no padding.
fn slice_inside_pad(
    place: &Slice,
    low: &[i64],
    high: &[i64],
    interior: &[usize],
    graph: &Graph,
    padded: Value,
) -> Option<Slice> {
    let sizes = graph.spec(padded).shape.known()?;
    let mut inner = place.clone();
    for i in 0..sizes.len() {
        let low = usize::try_from(low[i]).ok()?;
        let high = usize::try_from(high[i]).ok()?;
        if interior[i] != 0 || place.starts[i] < low || place.limits[i] + high > sizes[i] {
            return None;
        }
        inner.starts[i] -= low;
        inner.limits[i] -= low;
    }
    Some(inner)
}

pub(super) fn concatenate(graph: &mut Graph, dim: usize, inputs: &[Value]) -> Found {
    let mut parts: Vec<Value> = vec![];
    for &input in inputs {
        match graph.op_of(input) {
            Some((Op::Concatenate(inner), of)) if *inner == dim => parts.extend(of),
            _ => parts.push(input),
        }
    }
    if parts.len() > 1 {
        let kept = parts
            .iter()
            .copied()
            .filter(|&p| graph.spec(p).shape.dim(dim) != Some(0));
        let kept: Vec<Value> = kept.collect();
        if !kept.is_empty() {
            parts = kept;
        }
    }
    let mut joined: Vec<Value> = vec![];
    for part in parts {
        let whole = match joined.last() {
            Some(&last) => adjacent(graph, dim, last, part)?,
            None => None,
        };
        match whole {
            Some(whole) => {
                joined.pop();
                joined.push(whole);
            }
            None => joined.push(part),
        }
    }
    match joined[..] {
        [whole] => Ok(Some(whole)),
        _ if joined != inputs => graph.push(Op::Concatenate(dim), &joined).map(Some),
        _ => Ok(None),
    }
}

/// Two slices of one value side by side, as one slice of it or as the value itself.
fn adjacent(graph: &mut Graph, dim: usize, a: Value, b: Value) -> Found {
    let (Some((left, source)), Some((right, other))) = (Slice::of(graph, a), Slice::of(graph, b))
    else {
        return Ok(None);
    };
    let alike = |d: usize| {
        d == dim || (left.starts[d], left.limits[d]) == (right.starts[d], right.limits[d])
    };
    let fits = source == other
        && left.strides == right.strides
        && left.strides[dim] == 1
        && left.limits[dim] == right.starts[dim]
        && (0..left.starts.len()).all(alike);
    if !fits {
        return Ok(None);
    }
    let whole = Slice {
        limits: right.limits.clone(),
        ..left
    };
    if is_whole(graph, &whole, source) {
        return Ok(Some(source));
    }
    whole.push(graph, source).map(Some)
}
