//! gather and scatter.

use super::index::{build, flat, for_each_index, others, pick, strides, take, values};
use super::number::{Number, fold};
use crate::{BinaryOp, Data, GatherDims, GraphError, Literal, ScatterDims, ScatterKind, with_data};

/// Start indices: integer vectors laid out along one dimension of a tensor.
struct Starts {
    values: Vec<i64>,
    /// Strides of the indices' other dimensions, the grid of vectors.
    grid: Vec<usize>,
    /// Distance between the components of a vector.
    step: usize,
}

impl Starts {
    fn new(indices: &Literal, index_vector_dim: usize) -> Result<Starts, GraphError> {
        let mut grid = strides(indices.dims());
        let step = if index_vector_dim < grid.len() {
            grid.remove(index_vector_dim)
        } else {
            0
        };
        let values = match indices.data() {
            Data::I32(v) => v.iter().map(|&x| x.into()).collect(),
            Data::I64(v) => v.clone(),
            Data::U8(v) => v.iter().map(|&x| x.into()).collect(),
            Data::U32(v) => v.iter().map(|&x| x.into()).collect(),
            _ => {
                let dtype = indices.dtype();
                return Err(GraphError::new(format!(
                    "expected integer indices, got {dtype}"
                )));
            }
        };
        Ok(Starts { values, grid, step })
    }

    /// The operand index that the vector at `batch` stands for; 0 in dimensions that `map` does not name.
    fn at(&self, batch: &[usize], map: &[usize], rank: usize) -> Vec<i64> {
        let first = flat(batch, &self.grid);
        let mut start = vec![0; rank];
        for (component, &d) in map.iter().enumerate() {
            start[d] = self.values[first + component * self.step];
        }
        start
    }
}

pub(super) fn gather(
    dims: &GatherDims,
    operand: &Literal,
    indices: &Literal,
    out_dims: &[usize],
) -> Result<Literal, GraphError> {
    let sizes = operand.dims();
    let rank = sizes.len();
    let starts = Starts::new(indices, dims.index_vector_dim)?;
    let batch_dims = others(out_dims.len(), &[&dims.offset_dims]);
    let window_dims = others(rank, &[&dims.collapsed_slice_dims]);
    let strides = strides(sizes);
    let mut places = Vec::new();
    for_each_index(out_dims, |out| {
        let start = starts.at(&pick(out, &batch_dims), &dims.start_index_map, rank);
        let mut source: Vec<usize> = (0..rank)
            .map(|d| clamp(start[d], sizes[d] - dims.slice_sizes[d].unwrap_or(sizes[d])))
            .collect();
        for (&d, &from) in window_dims.iter().zip(&dims.offset_dims) {
            source[d] += out[from];
        }
        places.push(flat(&source, &strides));
    });
    take(operand, out_dims, &places)
}

fn clamp(start: i64, last: usize) -> usize {
    usize::try_from(start).map_or(0, |start| start.min(last))
}

pub(super) fn scatter(
    dims: &ScatterDims,
    kind: ScatterKind,
    operand: &Literal,
    indices: &Literal,
    updates: &Literal,
) -> Result<Literal, GraphError> {
    fn each<T: Number>(
        kind: ScatterKind,
        targets: Vec<Option<usize>>,
        (operand, dims): (&[T], &[usize]),
        updates: &[T],
    ) -> Result<Literal, GraphError> {
        let mut out: Vec<T::Acc> = operand.iter().map(|x| x.widen()).collect();
        for (target, &update) in targets.into_iter().zip(updates) {
            let Some(place) = target else { continue };
            match combiner(kind) {
                Some(op) => fold::<T>(op, &mut out[place], update.widen())?,
                None => out[place] = update.widen(),
            }
        }
        build(dims, out.into_iter().map(T::narrow).collect())
    }
    let targets = targets(dims, operand.dims(), indices, updates.dims())?;
    with_data!(operand.data(), v => each(kind, targets, (v, operand.dims()), values(updates)?))
}

/// The place in the operand of each update, `None` outside.
fn targets(
    dims: &ScatterDims,
    sizes: &[usize],
    indices: &Literal,
    update_dims: &[usize],
) -> Result<Vec<Option<usize>>, GraphError> {
    let rank = sizes.len();
    let starts = Starts::new(indices, dims.index_vector_dim)?;
    let batch_dims = others(update_dims.len(), &[&dims.update_window_dims]);
    let window_dims = others(rank, &[&dims.inserted_window_dims]);
    let map = &dims.scatter_dims_to_operand_dims;
    let strides = strides(sizes);
    let mut targets = Vec::new();
    for_each_index(update_dims, |update| {
        let mut at = starts.at(&pick(update, &batch_dims), map, rank);
        for (&d, &from) in window_dims.iter().zip(&dims.update_window_dims) {
            at[d] = at[d].saturating_add(update[from] as i64);
        }
        let inside = at
            .iter()
            .zip(sizes)
            .map(|(&at, &size)| usize::try_from(at).ok().filter(|&at| at < size));
        let inside: Option<Vec<usize>> = inside.collect();
        targets.push(inside.map(|index| flat(&index, &strides)));
    });
    Ok(targets)
}

fn combiner(kind: ScatterKind) -> Option<BinaryOp> {
    match kind {
        ScatterKind::Set => None,
        ScatterKind::Add => Some(BinaryOp::Add),
        ScatterKind::Max => Some(BinaryOp::Maximum),
        ScatterKind::Min => Some(BinaryOp::Minimum),
        ScatterKind::Multiply => Some(BinaryOp::Multiply),
    }
}
