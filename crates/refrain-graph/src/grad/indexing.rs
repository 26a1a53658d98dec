//! Gradients of `gather` and `scatter`.

use super::{Call, Cotangents, Term};
use crate::{
    BinaryOp, Comparison, DType, GatherDims, GraphError, Literal, Op, ScatterDims, ScatterKind,
};

/// Adds the cotangents to the places that were read. Gather clamps its indices and scatter does not, so they are clamped.
pub(super) fn gather<'b>(dims: &GatherDims, call: &Call<'b>) -> Cotangents<'b> {
    let (x, indices) = (call.inputs[0], call.inputs[1]);
    let sizes = x.dims();
    let last = |&d: &usize| sizes[d] - dims.slice_sizes[d].unwrap_or(sizes[d]).min(sizes[d]);
    let bounds: Vec<usize> = dims.start_index_map.iter().map(last).collect();
    let vector = |values: &[usize]| along_vectors(indices, values, dims.index_vector_dim);
    let mut clamped = indices.binary(BinaryOp::Minimum, vector(&bounds));
    if !matches!(indices.dtype(), DType::U8 | DType::U32) {
        clamped = clamped.binary(BinaryOp::Maximum, indices.like(0.0));
    }
    let written = Box::new(ScatterDims {
        update_window_dims: dims.offset_dims.clone(),
        inserted_window_dims: dims.collapsed_slice_dims.clone(),
        scatter_dims_to_operand_dims: dims.start_index_map.clone(),
        index_vector_dim: dims.index_vector_dim,
    });
    let inputs = [x.like(0.0).value, clamped.value, call.cotangent().value];
    let op = Op::Scatter {
        dims: written,
        kind: ScatterKind::Add,
    };
    vec![Some(call.builder.push(op, &inputs)), None]
}

/// One number for each component of the index vectors, in the shape and type of `indices`.
fn along_vectors<'b>(indices: Term<'b>, values: &[usize], vector_dim: usize) -> Term<'b> {
    let dims = indices.dims();
    let row: Vec<f64> = values.iter().map(|&v| v as f64).collect();
    let builder = indices.builder();
    if vector_dim == dims.len() {
        return indices.like(row.first().copied().unwrap_or(0.0));
    }
    match Literal::new([row.len()], row) {
        Some(row) => {
            let row = builder.constant(row.convert(indices.dtype()));
            row.broadcast(&dims, &[vector_dim])
        }
        None => indices.like(0.0),
    }
}

pub(super) fn scatter<'b>(
    dims: &ScatterDims,
    kind: ScatterKind,
    call: &Call<'b>,
) -> Result<Cotangents<'b>, GraphError> {
    let (x, updates, g) = (call.inputs[0], call.inputs[2], call.cotangent());
    let read = |from| read_windows(dims, from, call);
    let write = |onto: Term<'b>, updates: Term<'b>| {
        let inputs = [onto.value, call.inputs[1].value, updates.value];
        let dims = Box::new(dims.clone());
        let kind = ScatterKind::Set;
        call.builder.push(Op::Scatter { dims, kind }, &inputs)
    };
    // Every element of the updates gets a number; where that number can be read back, no later element replaced it.
    let stayed = || {
        let numbers = numbered(updates);
        let written = write(x.like(0.0).convert(DType::I32), numbers);
        read(written).compare(Comparison::Eq, numbers)
    };
    let zeros = || updates.like(0.0);
    Ok(match kind {
        ScatterKind::Set => vec![
            call.wanted[0].then(|| write(g, zeros())),
            None,
            call.wanted[2].then(|| stayed().select(read(g), zeros())),
        ],
        ScatterKind::Add => vec![
            call.wanted[0].then_some(g),
            None,
            call.wanted[2].then(|| read(g)),
        ],
        ScatterKind::Max | ScatterKind::Min | ScatterKind::Multiply => {
            return Err(call.error("only scatters that set or add have a gradient"));
        }
    })
}

/// Numbers 1, 2, … in row-major order, in the shape of `x`.
fn numbered(x: Term<'_>) -> Term<'_> {
    let dims = x.dims();
    let count = x.builder().iota(&[dims.iter().product()], DType::I32, 0);
    (count + 1.0).reshape(&dims)
}

/// What lies in `from` where a scatter's updates went, and 0 for updates that fell outside: a gather from `from` with a
/// margin of one window of zeros all around.
fn read_windows<'b>(dims: &ScatterDims, from: Term<'b>, call: &Call<'b>) -> Term<'b> {
    let (sizes, updates) = (from.dims(), call.inputs[2].dims());
    let mut windows = dims.update_window_dims.iter();
    let window: Vec<usize> = (0..sizes.len())
        .map(|d| match dims.inserted_window_dims.contains(&d) {
            true => 1,
            false => windows.next().map_or(1, |&w| updates[w]),
        })
        .collect();
    let indexed = &dims.scatter_dims_to_operand_dims;
    let mut margins = vec![0; sizes.len()];
    for &d in indexed {
        margins[d] = window[d] as i64;
    }
    let of = |values: &dyn Fn(usize) -> usize| -> Vec<usize> {
        indexed.iter().map(|&d| values(d)).collect()
    };
    let indices = call.inputs[1].convert(DType::I64);
    let vector = |values: &[usize]| along_vectors(indices, values, dims.index_vector_dim);
    let margin = vector(&of(&|d| window[d]));
    let inside = indices.binary(BinaryOp::Maximum, -margin);
    let inside = inside.binary(BinaryOp::Minimum, vector(&of(&|d| sizes[d])));
    let gathered = GatherDims {
        offset_dims: dims.update_window_dims.clone(),
        collapsed_slice_dims: dims.inserted_window_dims.clone(),
        start_index_map: indexed.clone(),
        index_vector_dim: dims.index_vector_dim,
        slice_sizes: window.iter().map(|&n| Some(n)).collect(),
    };
    let padded = from.pad(0.0, &margins, &margins, &vec![0; sizes.len()]);
    padded.op2(Op::Gather(Box::new(gathered)), inside + margin)
}

/// Index vectors for `positions` along `dim`, all other components being an element's own place.
fn point_indices<'b>(positions: Term<'b>, dim: usize) -> Term<'b> {
    let dims = positions.dims();
    let one = [&dims[..], &[1]].concat();
    let component = |d: usize| match d == dim {
        true => positions,
        false => positions.builder().iota(&dims, positions.dtype(), d),
    };
    let components = (0..dims.len()).map(|d| component(d).reshape(&one).value);
    let components: Vec<_> = components.collect();
    positions
        .builder()
        .push(Op::Concatenate(dims.len()), &components)
}

/// Reads `x` at `positions` along `dim`.
pub(super) fn gather_along<'b>(x: Term<'b>, positions: Term<'b>, dim: usize) -> Term<'b> {
    let rank = x.rank();
    let dims = GatherDims {
        offset_dims: vec![],
        collapsed_slice_dims: (0..rank).collect(),
        start_index_map: (0..rank).collect(),
        index_vector_dim: rank,
        slice_sizes: vec![Some(1); rank],
    };
    x.op2(Op::Gather(Box::new(dims)), point_indices(positions, dim))
}

/// Zeros to which each element of `x` is added at its `positions` along `dim`.
pub(super) fn scatter_along<'b>(x: Term<'b>, positions: Term<'b>, dim: usize) -> Term<'b> {
    let rank = x.rank();
    let dims = Box::new(ScatterDims {
        update_window_dims: vec![],
        inserted_window_dims: (0..rank).collect(),
        scatter_dims_to_operand_dims: (0..rank).collect(),
        index_vector_dim: rank,
    });
    let kind = ScatterKind::Add;
    let inputs = [
        x.like(0.0).value,
        point_indices(positions, dim).value,
        x.value,
    ];
    x.builder().push(Op::Scatter { dims, kind }, &inputs)
}
