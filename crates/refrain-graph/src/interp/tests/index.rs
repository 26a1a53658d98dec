use super::{assert_values, eval, lit, pattern};
use crate::{GatherDims, Literal, Op, ScatterDims, ScatterKind};

#[test]
fn gathers_slices_and_clamps_their_starts() {
    let x = pattern(&[3, 4, 5], 61, 30);
    let starts = lit(&[4, 2], &[0, 1, 2, 3, 5, -2, 1, 2]);
    let dims = GatherDims {
        offset_dims: vec![1, 2],
        collapsed_slice_dims: vec![1],
        start_index_map: vec![0, 2],
        index_vector_dim: 1,
        slice_sizes: vec![Some(2), Some(1), Some(3)],
    };
    let out = eval(&Op::Gather(Box::new(dims)), &[&x, &starts]);
    assert_values(
        &out,
        &[4, 2, 3],
        &[
            -20., -6., 14., -3., 9., 27., 9., 27., -10., -16., 0., 22., -9., -3., 9., -30., -26.,
            -16., 9., 27., -10., -16., 0., 22.,
        ],
    );
}

#[test]
fn gathers_with_index_vectors_along_the_first_dimension() {
    let x = pattern(&[3, 4, 5], 61, 30);
    let starts = lit(&[2, 3], &[0i64, 2, 9, 1, 1, -1]);
    let dims = GatherDims {
        offset_dims: vec![0],
        collapsed_slice_dims: vec![0, 1],
        start_index_map: vec![1, 0],
        index_vector_dim: 0,
        slice_sizes: vec![Some(1), Some(1), Some(4)],
    };
    let out = eval(&Op::Gather(Box::new(dims)), &[&x, &starts]);
    assert_values(
        &out,
        &[4, 3],
        &[-9., 16., -10., -3., 21., 27., 9., -29., 9., 27., -12., -3.],
    );
}

#[test]
fn gathers_rows_as_an_embedding_does() {
    let table = lit(&[3, 2], &[10f32, 11.0, 20.0, 21.0, 30.0, 31.0]);
    let dims = GatherDims {
        offset_dims: vec![2],
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        index_vector_dim: 2,
        slice_sizes: vec![Some(1), None],
    };
    let tokens = lit(&[1, 3], &[2u8, 0, 200]);
    let out = eval(&Op::Gather(Box::new(dims)), &[&table, &tokens]);
    assert_values(&out, &[1, 3, 2], &[30., 31., 10., 11., 30., 31.]);
}

fn scatter(kind: ScatterKind, operand: &Literal, indices: &Literal, updates: &Literal) -> Literal {
    let dims = Box::new(ScatterDims {
        update_window_dims: vec![1],
        inserted_window_dims: vec![0],
        scatter_dims_to_operand_dims: vec![0],
        index_vector_dim: 1,
    });
    eval(&Op::Scatter { dims, kind }, &[operand, indices, updates])
}

#[test]
fn scatters_in_every_kind_and_skips_what_lies_outside() {
    let operand = pattern(&[4, 3], 7, 3);
    let indices = lit(&[5, 1], &[1, 3, 1, 7, -1]);
    let updates = pattern(&[5, 2], 9, 4);
    let run = |kind| scatter(kind, &operand, &indices, &updates);
    assert_values(
        &run(ScatterKind::Add),
        &[4, 3],
        &[-1., 0., 0., 0., -7., 1., -3., -1., 0., 2., 3., -3.],
    );
    assert_values(
        &run(ScatterKind::Multiply),
        &[4, 3],
        &[-1., 0., 0., 6., -9., 1., -3., -1., 0., 0., -4., -3.],
    );
    assert_values(
        &run(ScatterKind::Max),
        &[4, 3],
        &[-1., 0., 0., 3., -1., 1., -3., -1., 0., 2., 4., -3.],
    );
    assert_values(
        &run(ScatterKind::Min),
        &[4, 3],
        &[-1., 0., 0., -2., -3., 1., -3., -1., 0., 0., -1., -3.],
    );
    assert_values(
        &run(ScatterKind::Set),
        &[4, 3],
        &[-1., 0., 0., 3., -1., 1., -3., -1., 0., 2., 4., -3.],
    );
}

#[test]
fn a_window_across_the_edge_is_written_as_far_as_it_lies_inside() {
    let dims = Box::new(ScatterDims {
        update_window_dims: vec![0],
        inserted_window_dims: vec![],
        scatter_dims_to_operand_dims: vec![0],
        index_vector_dim: 0,
    });
    let op = Op::Scatter {
        dims,
        kind: ScatterKind::Set,
    };
    let (zeros, updates) = (lit(&[4], &[0i32; 4]), lit(&[3], &[1, 2, 3]));
    let out = |start: i64| eval(&op, &[&zeros, &lit(&[1], &[start]), &updates]);
    assert_eq!(out(2), lit(&[4], &[0, 0, 1, 2]));
    assert_eq!(out(-1), lit(&[4], &[2, 3, 0, 0]));
    assert_eq!(out(i64::MAX), zeros);
}

#[test]
fn scatter_sets_truth_values_and_adds_many_small_numbers() {
    let flags = lit(&[2, 1], &[false, false]);
    let set = scatter(
        ScatterKind::Set,
        &flags,
        &lit(&[1, 1], &[1]),
        &lit(&[1, 1], &[true]),
    );
    assert_eq!(set, lit(&[2, 1], &[false, true]));
    // Each alone would be lost beside 1 in f32; together they are not.
    let small = lit(&[1000, 1], &[1e-8f32; 1000]);
    let one = lit(&[1, 1], &[1f32]);
    let sum = scatter(
        ScatterKind::Add,
        &one,
        &lit(&[1000, 1], &[0i32; 1000]),
        &small,
    );
    assert_eq!(sum, lit(&[1, 1], &[1.00001f32]));
}
