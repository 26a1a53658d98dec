//! Gradients of windowed reductions (pooling).

use super::{Call, Cotangents, Term};
use crate::{Comparison, GraphError, Op, Reduction, UnaryOp, Window};

/// Windows with more elements than this are not unrolled.
const MAX_UNROLLED_WINDOW: usize = 256;

pub(super) fn reduce_window<'b>(
    kind: Reduction,
    window: &Window,
    call: &Call<'b>,
) -> Result<Option<Term<'b>>, GraphError> {
    let (x, g) = (call.inputs[0], call.cotangent());
    if x.dims().contains(&0) || g.dims().contains(&0) {
        return Ok(Some(x.like(0.0)));
    }
    let chosen = |x: Term<'b>| {
        let window = window.clone();
        x.op2(Op::SelectAndScatter { window }, g)
    };
    match kind {
        Reduction::Sum => Ok(Some(spread(window, call))),
        Reduction::Max => Ok(Some(chosen(x))),
        Reduction::Min => Ok(Some(chosen(x.unary(UnaryOp::Negate)))),
        Reduction::Product => Err(call.error("windowed products have no gradient")),
        Reduction::And | Reduction::Or => Ok(None),
    }
}

/// Every element gets the sum of the cotangents of the windows that it lies in: a windowed sum over the cotangents, set
/// apart by the strides.
fn spread<'b>(window: &Window, call: &Call<'b>) -> Term<'b> {
    let (x, g) = (call.inputs[0].dims(), call.cotangent());
    let y = g.dims();
    let dilated = |n: usize, step: usize| ((n - 1) * step + 1) as i64;
    let (mut low, mut high) = (vec![], vec![]);
    for i in 0..x.len() {
        let extent = dilated(window.size[i], window.dilation[i]);
        low.push(extent - 1 - window.padding[i].0);
        let (base, result) = (
            dilated(x[i], window.base_dilation[i]),
            dilated(y[i], window.strides[i]),
        );
        high.push(base - 1 + extent - result - low[i]);
    }
    let apart: Vec<usize> = window.strides.iter().map(|s| s - 1).collect();
    let rank = x.len();
    let window = Window {
        size: window.size.clone(),
        strides: window.base_dilation.clone(),
        padding: vec![(0, 0); rank],
        base_dilation: vec![1; rank],
        dilation: window.dilation.clone(),
    };
    let kind = Reduction::Sum;
    g.pad(0.0, &low, &high, &apart)
        .op(Op::ReduceWindow { kind, window })
}

/// Reads the cotangent at the place that each window chose, by comparing the window's elements one after the other.
pub(super) fn select_and_scatter<'b>(
    window: &Window,
    call: &Call<'b>,
) -> Result<Cotangents<'b>, GraphError> {
    let (x, source, g) = (call.inputs[0], call.inputs[1], call.cotangent());
    let elements: usize = window.size.iter().product();
    if elements == 0 || elements > MAX_UNROLLED_WINDOW {
        return Err(call.error(&format!(
            "windows of {elements} elements have no second gradient"
        )));
    }
    if !call.wanted[1] || source.dims().contains(&0) || x.dims().contains(&0) {
        return Ok(vec![None, call.wanted[1].then(|| source.like(0.0))]);
    }
    let (low, high): (Vec<i64>, Vec<i64>) = window.padding.iter().copied().unzip();
    let apart: Vec<usize> = window.base_dilation.iter().map(|b| b - 1).collect();
    let base = x.pad(f64::NEG_INFINITY, &low, &high, &apart);
    let cotangents = g.pad(0.0, &low, &high, &apart);
    let counts = source.dims();
    let element = |from: Term<'b>, place: &[usize]| {
        let limits = |i: usize| place[i] + (counts[i] - 1) * window.strides[i] + 1;
        let limits: Vec<usize> = (0..counts.len()).map(limits).collect();
        from.slice(place, &limits, &window.strides)
    };
    let places = places(window);
    let mut best = element(base, &places[0]);
    let mut found = element(cotangents, &places[0]);
    for place in &places[1..] {
        let candidate = element(base, place);
        let better = candidate.compare(Comparison::Gt, best);
        best = better.select(candidate, best);
        found = better.select(element(cotangents, place), found);
    }
    Ok(vec![None, Some(found)])
}

/// Where a window's elements lie from its first one, in row-major order.
fn places(window: &Window) -> Vec<Vec<usize>> {
    let mut places = vec![vec![]];
    for (&size, &step) in window.size.iter().zip(&window.dilation) {
        let longer = |place: &Vec<usize>| {
            let place = place.clone();
            (0..size).map(move |i| [&place[..], &[i * step]].concat())
        };
        places = places.iter().flat_map(longer).collect();
    }
    places
}
