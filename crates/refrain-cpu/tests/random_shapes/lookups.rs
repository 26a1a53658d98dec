//! Gathering, scattering, embeddings, random bits.

use super::Maker;
use super::common::models::Made;
use refrain_graph::{DType, GatherDims, Op, ScatterDims, ScatterKind, Shape, UnaryOp};

/// Which dimensions of an operand index vectors address, and the sizes of what is read there.
struct Places {
    operand: Vec<usize>,
    /// The dimensions addressed, in the order of the vectors' components.
    addressed: Vec<usize>,
    /// The dimensions that slices lack.
    dropped: Vec<usize>,
    sizes: Vec<usize>,
    indices: Vec<usize>,
    vectors: usize,
    /// The result's (or the updates') dimensions inside slices.
    inside: Vec<usize>,
}

fn places(maker: &mut Maker) -> Places {
    let rank = 1 + maker.below(3);
    let operand = maker.dims(rank, 2000);
    let count = 1 + maker.below(rank);
    let addressed = maker.shuffled(rank)[..count].to_vec();
    let mut dropped = maker.some_of(rank);
    dropped.retain(|d| addressed.contains(d));
    let sizes: Vec<usize> = (0..rank)
        .map(|d| match (dropped.contains(&d), addressed.contains(&d)) {
            (true, _) => 1,
            (_, true) => 1 + maker.below(operand[d]),
            _ => operand[d],
        })
        .collect();
    let among = 1 + maker.below(2);
    let mut indices = maker.dims(among, 40);
    let vectors = maker.below(among + 1);
    indices.insert(vectors, count);
    let total = among + rank - dropped.len();
    let mut inside = maker.shuffled(total)[..rank - dropped.len()].to_vec();
    inside.sort_unstable();
    Places {
        operand,
        addressed,
        dropped,
        sizes,
        indices,
        vectors,
        inside,
    }
}

pub fn gather(maker: &mut Maker) -> Made<()> {
    let p = places(maker);
    let dtype = maker.pick(&[DType::F32, DType::F32, DType::I32, DType::Bool, DType::F64]);
    let x = maker.param(&p.operand, dtype);
    let at = maker.param(&p.indices, DType::I32);
    let dims = GatherDims {
        offset_dims: p.inside,
        collapsed_slice_dims: p.dropped,
        start_index_map: p.addressed,
        index_vector_dim: p.vectors,
        slice_sizes: p.sizes.into_iter().map(Some).collect(),
    };
    let y = maker.b.g.push(Op::Gather(Box::new(dims)), &[x, at])?;
    maker.b.g.result(y);
    Ok(())
}

pub fn scatter(maker: &mut Maker) -> Made<()> {
    let p = places(maker);
    let kind = maker.pick(ScatterKind::ALL);
    let x = maker.param(&p.operand, DType::F32);
    let at = maker.param(&p.indices, DType::I32);
    let mut updates = vec![0; p.indices.len() - 1 + p.inside.len()];
    let kept = (0..p.operand.len()).filter(|d| !p.dropped.contains(d));
    kept.zip(&p.inside)
        .for_each(|(d, &to)| updates[to] = p.sizes[d]);
    let mut among = p.indices.clone();
    among.remove(p.vectors);
    let places = (0..updates.len()).filter(|to| !p.inside.contains(to));
    let places: Vec<usize> = places.collect();
    places
        .iter()
        .zip(&among)
        .for_each(|(&to, &n)| updates[to] = n);
    let updates = maker.param(&updates, DType::F32);
    // Products of many updates grow without end.
    let updates = maker.b.unary(UnaryOp::Tanh, updates)?;
    let dims = ScatterDims {
        update_window_dims: p.inside,
        inserted_window_dims: p.dropped,
        scatter_dims_to_operand_dims: p.addressed,
        index_vector_dim: p.vectors,
    };
    let scatter = Op::Scatter {
        dims: Box::new(dims),
        kind,
    };
    let y = maker.b.g.push(scatter, &[x, at, updates])?;
    maker.b.g.result(y);
    Ok(())
}

/// Rows of a table, and the table's gradient.
pub fn embedding(maker: &mut Maker) -> Made<()> {
    let (rows, width) = (maker.size(97), maker.size(97));
    let among = 1 + maker.below(2);
    let indices = maker.dims(among, 200);
    let table = maker.param(&[rows, width], DType::F32);
    let at = maker.param(&indices, DType::I32);
    let rank = indices.len();
    let dims = GatherDims {
        offset_dims: vec![rank],
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        index_vector_dim: rank,
        slice_sizes: vec![Some(1), Some(width)],
    };
    let y = maker.b.g.push(Op::Gather(Box::new(dims)), &[table, at])?;
    maker.with_gradients(y, &[table])
}

pub fn random_bits(maker: &mut Maker) -> Made<()> {
    let rank = maker.below(4);
    let shape = Shape::from(maker.dims(rank, 5000));
    let state = maker.param(&[4], DType::U32);
    let node = maker.b.g.push_multi(Op::RngBitGenerator(shape), &[state])?;
    for value in maker.b.g.outputs(node).to_vec() {
        maker.b.g.result(value);
    }
    Ok(())
}
