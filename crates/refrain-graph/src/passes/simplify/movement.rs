//! Chains of moves that are one move or none.

use super::Found;
use crate::passes::{filled, splat};
use crate::{Graph, Op, Spec, Value};

/// A moved tensor of one value is a tensor of one value.
fn moved_splat(graph: &mut Graph, x: Value, spec: &Spec) -> Found {
    let is_broadcast = matches!(graph.op_of(x), Some((Op::BroadcastInDim { .. }, _)));
    match splat(graph, x) {
        Some(literal) if is_broadcast => {
            let literal = literal.clone();
            filled(graph, literal, spec).map(Some)
        }
        _ => Ok(None),
    }
}

pub(super) fn broadcast(graph: &mut Graph, dims: &[usize], x: Value, spec: &Spec) -> Found {
    if graph.spec(x).shape == spec.shape && spec.shape.is_known() {
        return Ok(Some(x));
    }
    let (inner, places) = match graph.op_of(x) {
        Some((Op::BroadcastInDim { dims: inner, .. }, inputs)) => {
            (inputs[0], inner.iter().map(|&d| dims[d]).collect())
        }
        Some((Op::Reshape(_), inputs)) => match places_of_reshaped(graph, inputs[0], x) {
            Some(places) => (inputs[0], places.into_iter().map(|d| dims[d]).collect()),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let shape = spec.shape.clone();
    let dims: Vec<usize> = places;
    graph
        .push(Op::BroadcastInDim { shape, dims }, &[inner])
        .map(Some)
}

/// Where the dimensions of `x`, none of which is 1, went when it was reshaped by adding dimensions of size 1.
fn places_of_reshaped(graph: &Graph, x: Value, reshaped: Value) -> Option<Vec<usize>> {
    let from = graph.spec(x).shape.known()?;
    let to = graph.spec(reshaped).shape.known()?;
    let places: Vec<usize> = (0..to.len()).filter(|&d| to[d] != 1).collect();
    let same = from.iter().eq(places.iter().map(|&d| &to[d]));
    same.then_some(places)
}

pub(super) fn reshape(graph: &mut Graph, x: Value, spec: &Spec) -> Found {
    if graph.spec(x).shape == spec.shape && spec.shape.is_known() {
        return Ok(Some(x));
    }
    match graph.op_of(x) {
        Some((Op::Reshape(_), inputs)) => {
            let inner = inputs[0];
            graph
                .push(Op::Reshape(spec.shape.clone()), &[inner])
                .map(Some)
        }
        _ => moved_splat(graph, x, spec),
    }
}

pub(super) fn transpose(graph: &mut Graph, perm: &[usize], x: Value, spec: &Spec) -> Found {
    if perm.iter().enumerate().all(|(i, &p)| i == p) {
        return Ok(Some(x));
    }
    let sizes = graph.spec(x).shape.dims();
    let in_order = |ps: &[usize]| ps.windows(2).all(|w| w[0] < w[1]);
    let moving: Vec<usize> = perm
        .iter()
        .copied()
        .filter(|&p| sizes[p] != Some(1))
        .collect();
    if spec.shape.is_known() && in_order(&moving) {
        return graph.push(Op::Reshape(spec.shape.clone()), &[x]).map(Some);
    }
    match graph.op_of(x) {
        Some((Op::Transpose(inner), inputs)) => {
            let (both, inner) = (perm.iter().map(|&p| inner[p]).collect(), inputs[0]);
            graph.push(Op::Transpose(both), &[inner]).map(Some)
        }
        _ => moved_splat(graph, x, spec),
    }
}

pub(super) fn reverse(graph: &mut Graph, dims: &[usize], x: Value, spec: &Spec) -> Found {
    let sizes = graph.spec(x).shape.dims();
    let mut backwards: Vec<usize> = dims
        .iter()
        .copied()
        .filter(|&d| sizes[d] != Some(1))
        .collect();
    let mut inner = x;
    if let Some((Op::Reverse(before), inputs)) = graph.op_of(x) {
        let once: Vec<usize> = before
            .iter()
            .copied()
            .filter(|d| !backwards.contains(d))
            .collect();
        backwards.retain(|d| !before.contains(d));
        backwards.extend(once);
        backwards.sort_unstable();
        inner = inputs[0];
    }
    if backwards.is_empty() {
        return Ok(Some(inner));
    }
    if inner != x || backwards.len() < dims.len() {
        return graph.push(Op::Reverse(backwards), &[inner]).map(Some);
    }
    moved_splat(graph, x, spec)
}
