//! Gradients of reductions, running reductions and sorting.

use super::indexing::{gather_along, scatter_along};
use super::movement::inverse;
use super::{Call, Term};
use crate::{BinaryOp, Comparison, DType, Graph, GraphError, Op, Reduction, Scan, Spec};

pub(super) fn reduce<'b>(kind: Reduction, dims: &[usize], call: &Call<'b>) -> Option<Term<'b>> {
    let (x, y, g) = (call.inputs[0], call.outputs[0], call.cotangent());
    let sizes = x.dims();
    let kept: Vec<usize> = (0..sizes.len()).filter(|d| !dims.contains(d)).collect();
    let spread = |t: Term<'b>| t.broadcast(&sizes, &kept);
    Some(match kind {
        Reduction::Sum => spread(g),
        Reduction::Max | Reduction::Min => {
            let best = x.compare(Comparison::Eq, spread(y)).convert(x.dtype());
            best * spread(g / best.sum(dims))
        }
        Reduction::Product => spread(g) * product_of_others(x, dims, &kept),
        Reduction::And | Reduction::Or => return None,
    })
}

/// For each element the product of all others along `dims`, right also where elements are 0: what comes before times
/// what comes after.
fn product_of_others<'b>(x: Term<'b>, dims: &[usize], kept: &[usize]) -> Term<'b> {
    let order = [kept, dims].concat();
    let rows = x.transpose(&order);
    let sizes = rows.dims();
    let count: usize = sizes[kept.len()..].iter().product();
    let rows = rows.reshape(&[sizes[..kept.len()].iter().product(), count]);
    let before = running(rows, Reduction::Product, false).pad(1.0, &[0, 1], &[0, -1], &[0, 0]);
    let after = running(rows, Reduction::Product, true).pad(1.0, &[0, -1], &[0, 1], &[0, 0]);
    (before * after).reshape(&sizes).transpose(&inverse(&order))
}

/// The running reduction along the second of two dimensions.
fn running(rows: Term<'_>, kind: Reduction, reverse: bool) -> Term<'_> {
    let dim = 1;
    rows.op(Op::Cumulative { kind, dim, reverse })
}

pub(super) fn cumulative<'b>(
    kind: Reduction,
    dim: usize,
    reverse: bool,
    call: &Call<'b>,
) -> Result<Option<Term<'b>>, GraphError> {
    let (x, y, g) = (call.inputs[0], call.outputs[0], call.cotangent());
    let flipped: &[usize] = if reverse { &[dim] } else { &[] };
    let forward = |t: Term<'b>| t.reverse(flipped);
    Ok(Some(match kind {
        Reduction::Sum => g.op(Op::Cumulative {
            kind,
            dim,
            reverse: !reverse,
        }),
        Reduction::Max => forward(winners(
            Comparison::Gt,
            dim,
            forward(x),
            forward(y),
            forward(g),
        )),
        Reduction::Min => forward(winners(
            Comparison::Lt,
            dim,
            forward(x),
            forward(y),
            forward(g),
        )),
        Reduction::Product => {
            let others = products(dim, forward(x), forward(g))?;
            forward(others)
        }
        Reduction::And | Reduction::Or => return Ok(None),
    }))
}

/// Adds each cotangent to the first element that reached the running extreme there.
fn winners<'b>(wins: Comparison, dim: usize, x: Term<'b>, y: Term<'b>, g: Term<'b>) -> Term<'b> {
    let sizes = x.dims();
    let mut shift = vec![0; sizes.len()];
    shift[dim] = 1;
    let back: Vec<i64> = shift.iter().map(|s| -s).collect();
    let none = if wins == Comparison::Gt {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    };
    let before = y.pad(none, &shift, &back, &vec![0; sizes.len()]);
    let place = x.builder().iota(&sizes, DType::I32, dim);
    let records = x.compare(wins, before).select(place, place.like(0.0));
    let winner = records.op(Op::Cumulative {
        kind: Reduction::Max,
        dim,
        reverse: false,
    });
    scatter_along(g, winner, dim)
}

/// The gradient of a running product: `dx[j] = P[j-1]·R[j]`, where `P` are the products so far and
/// `R[j] = g[j] + x[j+1]·R[j+1]`. Unlike a division by `x[j]` this is right where elements are 0.
fn products<'b>(dim: usize, x: Term<'b>, g: Term<'b>) -> Result<Term<'b>, GraphError> {
    let rank = x.rank();
    let order: Vec<usize> = std::iter::once(dim)
        .chain((0..rank).filter(|&d| d != dim))
        .collect();
    let (steps, cotangents) = (x.transpose(&order), g.transpose(&order));
    let sizes = steps.dims();
    let row = Spec::new(&sizes[1..], x.dtype());

    let mut body = Graph::new();
    let carry = body.input("later", row.clone());
    let factor = body.input("factor", row.clone());
    let cotangent = body.input("cotangent", row.clone());
    let sum = body.push(Op::Binary(BinaryOp::Add), &[cotangent, carry])?;
    let next = body.push(Op::Binary(BinaryOp::Multiply), &[factor, sum])?;
    body.result(next);
    body.result(sum);
    let length = Some(sizes[0]);
    let scan = Scan {
        body,
        carries: 1,
        sequences: 2,
        reverse: true,
        length,
    };
    let builder = x.builder();
    let inputs = [builder.full(&row, 0.0).value, steps.value, cotangents.value];
    let later = builder.push_multi(Op::Scan(Box::new(scan)), &inputs)?[1];

    let (kind, dim, reverse) = (Reduction::Product, 0, false);
    let mut shift = vec![0; rank];
    shift[0] = 1;
    let back: Vec<i64> = shift.iter().map(|s| -s).collect();
    let so_far = steps.op(Op::Cumulative { kind, dim, reverse });
    let before = so_far.pad(1.0, &shift, &back, &vec![0; rank]);
    Ok((before * builder.term(later)).transpose(&inverse(&order)))
}

/// Sorting is a permutation: each cotangent goes back to where its element came from.
pub(super) fn sort<'b>(dim: usize, call: &Call<'b>) -> Result<Term<'b>, GraphError> {
    let Some(g) = call.cotangents[0] else {
        return Ok(call.inputs[0].like(0.0));
    };
    let places = call.outputs[1].value;
    let descending = false;
    let sorted = call
        .builder
        .push_multi(Op::Sort { dim, descending }, &[places])?;
    Ok(gather_along(g, call.builder.term(sorted[1]), dim))
}
