//! Which primitives treat each row (each index of the leading dimension) by itself.

use crate::{Dim, Graph, Node, Op, Shape, Value, Window};

/// A primitive that treats each row by itself.
#[derive(Clone, PartialEq)]
pub(super) struct RowWise {
    /// The primitive with the number of rows left open.
    pub(super) op: Op,
    /// For each input, whether it has the rows (else it is the same for all).
    pub(super) carries: Vec<bool>,
}

pub(super) fn row_wise(graph: &Graph, node: Node) -> Option<RowWise> {
    let (op, inputs) = (graph.op(node), graph.inputs(node));
    let &[output] = graph.outputs(node) else {
        return None;
    };
    let rows = graph.spec(output).shape.dims().first().copied().flatten()?;
    let all = || Some(vec![true; inputs.len()]);
    let (op, carries) = match op {
        _ if op.is_elementwise() => (op.clone(), all()),
        Op::BroadcastInDim { shape, dims } => {
            let op = Op::BroadcastInDim {
                shape: open(shape),
                dims: dims.clone(),
            };
            (op, when(dims.first() == Some(&0), &[true]))
        }
        Op::Reshape(shape) => (Op::Reshape(open(shape)), Some(vec![true])),
        Op::Slice {
            starts,
            limits,
            strides,
        } => {
            let whole = starts[0] == 0 && strides[0] == 1 && limits[0].is_none_or(|n| n == rows);
            let mut limits = limits.clone();
            limits[0] = None;
            let (starts, strides) = (starts.clone(), strides.clone());
            (
                Op::Slice {
                    starts,
                    limits,
                    strides,
                },
                when(whole, &[true]),
            )
        }
        Op::Pad {
            low,
            high,
            interior,
        } => {
            let inside = low[0] == 0 && high[0] == 0 && interior[0] == 0;
            (op.clone(), when(inside, &[true, false]))
        }
        Op::Transpose(perm) => (op.clone(), when(perm[0] == 0, &[true])),
        Op::Reverse(dims) | Op::Reduce { dims, .. } => {
            (op.clone(), when(!dims.contains(&0), &[true]))
        }
        Op::Cumulative { dim, .. } => (op.clone(), when(*dim != 0, &[true])),
        Op::Concatenate(dim) => (op.clone(), all().filter(|_| *dim != 0)),
        Op::ReduceWindow { window, .. } => (op.clone(), when(is_still(window), &[true])),
        _ => (op.clone(), weighted(graph, op, inputs)),
    };
    let carries = carries?;
    let has_rows = |v: Value| graph.spec(v).shape.dims().first() == Some(&Some(rows));
    let fits = inputs
        .iter()
        .zip(&carries)
        .all(|(&v, &c)| !c || has_rows(v));
    let known = inputs.iter().all(|&v| graph.spec(v).shape.is_known());
    (fits && known).then_some(RowWise { op, carries })
}

/// Primitives of rows with something that all rows share.
fn weighted(graph: &Graph, op: &Op, inputs: &[Value]) -> Option<Vec<bool>> {
    match op {
        Op::DotGeneral(dims) => match (dims.lhs_batch.first(), dims.rhs_batch.first()) {
            (None, None) => when(!dims.lhs_contracting.contains(&0), &[true, false]),
            (Some(0), Some(0)) => Some(vec![true, true]),
            _ => None,
        },
        Op::Convolution(conv) => {
            let rows_lead = conv.lhs.batch == 0 && conv.out.batch == 0;
            when(rows_lead && conv.batch_groups == 1, &[true, false])
        }
        Op::Gather(dims) => {
            let rows_lead = dims.index_vector_dim != 0 && !dims.offset_dims.contains(&0);
            let ranked = graph.spec(inputs[1]).shape.rank() > 0;
            when(rows_lead && ranked, &[false, true])
        }
        _ => None,
    }
}

fn when(holds: bool, carries: &[bool]) -> Option<Vec<bool>> {
    holds.then(|| carries.to_vec())
}

/// Whether a window does not move over the leading dimension.
fn is_still(window: &Window) -> bool {
    let numbers = [
        &window.size,
        &window.strides,
        &window.base_dilation,
        &window.dilation,
    ];
    numbers.iter().all(|n| n[0] == 1) && window.padding[0] == (0, 0)
}

/// The shape with the leading dimension open.
fn open(shape: &Shape) -> Shape {
    with_leading(shape, None)
}

fn with_leading(shape: &Shape, rows: Dim) -> Shape {
    let mut shape = shape.clone();
    if let Some(leading) = shape.dims_mut().first_mut() {
        *leading = rows;
    }
    shape
}

/// The primitive for this number of rows.
pub(super) fn for_rows(op: &Op, rows: usize) -> Op {
    match op {
        Op::BroadcastInDim { shape, dims } => Op::BroadcastInDim {
            shape: with_leading(shape, Some(rows)),
            dims: dims.clone(),
        },
        Op::Reshape(shape) => Op::Reshape(with_leading(shape, Some(rows))),
        _ => op.clone(),
    }
}
