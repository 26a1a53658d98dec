//! Reading and writing at computed places: `gather` and `scatter`.

use super::{Inferred, check};
use crate::{DType, Dim, GatherDims, ScatterDims, ScatterKind, Shape, Spec};

/// Checks the indices and gives the sizes of their dimensions without the index vectors' one.
fn batch_of(
    indices: &Spec,
    vector_dim: usize,
    map: &[usize],
    map_name: &str,
    operand_rank: usize,
) -> Result<Vec<Dim>, String> {
    let rank = indices.shape.rank();
    check::dtype(
        "indices",
        indices.dtype,
        "an integer type",
        DType::is_integer,
    )?;
    if vector_dim > rank {
        return Err(format!(
            "expected an index vector dimension of at most the indices' rank {rank}, got {vector_dim}"
        ));
    }
    check::distinct(map_name, map, operand_rank)?;
    let mut batch = indices.shape.dims().to_vec();
    let components = if vector_dim < rank {
        batch.remove(vector_dim)
    } else {
        Some(1)
    };
    let what = format!("index vectors with an entry for each of the {map_name}");
    check::merge_dim(&what, Some(map.len()), components)?;
    Ok(batch)
}

pub(super) fn gather(dims: &GatherDims, inputs: &[&Spec]) -> Inferred {
    let [x, indices] = check::arity(inputs)?;
    let rank = x.shape.rank();
    let batch = batch_of(
        indices,
        dims.index_vector_dim,
        &dims.start_index_map,
        "operand dimensions in the start index map",
        rank,
    )?;
    check::increasing(
        "collapsed slice dimensions",
        &dims.collapsed_slice_dims,
        rank,
    )?;
    let sizes = slice_sizes(&dims.slice_sizes, &x.shape)?;
    let offsets = kept(&sizes, &dims.collapsed_slice_dims)?;
    check::length(
        "offset dimensions, one for each slice dimension that is kept",
        dims.offset_dims.len(),
        offsets.len(),
    )?;
    let out_rank = batch.len() + offsets.len();
    check::increasing("offset dimensions", &dims.offset_dims, out_rank)?;
    let out = interleave(batch, offsets, &dims.offset_dims);
    Ok(vec![Spec::new(out, x.dtype)])
}

/// The slice sizes in the dimensions that are not collapsed.
fn kept(sizes: &[Dim], collapsed: &[usize]) -> Result<Vec<Dim>, String> {
    let mut kept = Vec::new();
    for (i, &size) in sizes.iter().enumerate() {
        if collapsed.contains(&i) {
            let what = format!("a collapsed slice in dimension {i}");
            check::merge_dim(&what, Some(1), size)?;
        } else {
            kept.push(size);
        }
    }
    Ok(kept)
}

/// The offset sizes in the places `offset_dims`, the batch sizes in the others.
fn interleave(batch: Vec<Dim>, offsets: Vec<Dim>, offset_dims: &[usize]) -> Vec<Dim> {
    let rank = batch.len() + offsets.len();
    let (mut batch, mut offsets) = (batch.into_iter(), offsets.into_iter());
    let dims = (0..rank).map(|d| {
        let next = if offset_dims.contains(&d) {
            offsets.next()
        } else {
            batch.next()
        };
        next.flatten()
    });
    dims.collect()
}

/// The size of a slice in each dimension of the operand.
fn slice_sizes(sizes: &[Dim], shape: &Shape) -> Result<Vec<Dim>, String> {
    check::length("slice sizes", sizes.len(), shape.rank())?;
    for (i, (size, dim)) in sizes.iter().zip(shape.dims()).enumerate() {
        if let (Some(size), Some(dim)) = (size, dim)
            && size > dim
        {
            return Err(format!(
                "expected a slice size of at most {dim} in dimension {i}, got {size}"
            ));
        }
    }
    let pairs = sizes.iter().zip(shape.dims());
    Ok(pairs.map(|(size, dim)| size.or(*dim)).collect())
}

pub(super) fn scatter(dims: &ScatterDims, kind: ScatterKind, inputs: &[&Spec]) -> Inferred {
    let [x, indices, updates] = check::arity(inputs)?;
    let rank = x.shape.rank();
    if kind != ScatterKind::Set {
        check::numeric("an operand", x.dtype)?;
    }
    check::same_dtype("updates", x.dtype, updates.dtype)?;
    let batch = batch_of(
        indices,
        dims.index_vector_dim,
        &dims.scatter_dims_to_operand_dims,
        "scatter dimensions to operand dimensions",
        rank,
    )?;
    check::increasing(
        "inserted window dimensions",
        &dims.inserted_window_dims,
        rank,
    )?;
    let window: Vec<usize> = (0..rank)
        .filter(|d| !dims.inserted_window_dims.contains(d))
        .collect();
    check::length(
        "update window dimensions, one for each operand dimension that is not inserted",
        dims.update_window_dims.len(),
        window.len(),
    )?;
    let update_rank = batch.len() + window.len();
    check::length(
        "dimensions of the updates",
        updates.shape.rank(),
        update_rank,
    )?;
    check::increasing(
        "update window dimensions",
        &dims.update_window_dims,
        update_rank,
    )?;
    windows_fit(dims, &window, &batch, &x.shape, &updates.shape)?;
    Ok(vec![x.clone()])
}

fn windows_fit(
    dims: &ScatterDims,
    window: &[usize],
    batch: &[Dim],
    operand: &Shape,
    updates: &Shape,
) -> Result<(), String> {
    let (mut window, mut batch) = (window.iter(), batch.iter());
    for (d, &size) in updates.dims().iter().enumerate() {
        if !dims.update_window_dims.contains(&d) {
            let expected = batch.next().copied().flatten();
            check::merge_dim(&format!("dimension {d} of the updates"), expected, size)?;
            continue;
        }
        let limit = window.next().and_then(|&w| operand.dim(w));
        if let (Some(size), Some(limit)) = (size, limit)
            && size > limit
        {
            return Err(format!(
                "expected a window of at most {limit} in dimension {d} of the updates, got {size}"
            ));
        }
    }
    Ok(())
}
