//! Tests of gathers and scatters.

use super::*;
use crate::kernels::testing::random;

fn rows() -> (GatherDims, ScatterDims) {
    let gather = GatherDims {
        offset_dims: vec![1],
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        index_vector_dim: 1,
        slice_sizes: vec![Some(1), None],
    };
    let scatter = ScatterDims {
        update_window_dims: vec![1],
        inserted_window_dims: vec![0],
        scatter_dims_to_operand_dims: vec![0],
        index_vector_dim: 1,
    };
    (gather, scatter)
}

#[test]
fn rows_are_gathered_and_added() {
    for (n, d, count) in [(7, 3, 5), (50, 64, 3000), (1, 1, 4)] {
        let (gather, scatter) = rows();
        let table = random(n * d, 1);
        let indices: Vec<i32> = (0..count).map(|i| (i * 31 % (n + 2)) as i32 - 1).collect();
        let updates = random(count * d, 2);
        let mut expected = table.clone();
        for (i, u) in indices.iter().zip(updates.chunks(d)) {
            if (0..n as i32).contains(i) {
                let row = &mut expected[*i as usize * d..][..d];
                row.iter_mut().zip(u).for_each(|(x, u)| *x += u);
            }
        }
        for threads in [1, 2] {
            let pool = Pool::new(threads);
            let plan = SlicePlan::gather(&[n, d], &[count], &gather).unwrap();
            assert_eq!(plan.result_dims, [count, d]);
            let mut got = vec![0.0; count * d];
            plan.run_gather(&pool, &table, Indices::I32(&indices), &mut got)
                .unwrap();
            for (i, got) in indices.iter().zip(got.chunks(d)) {
                let row = (*i).clamp(0, n as i32 - 1) as usize;
                assert_eq!(got, &table[row * d..][..d]);
            }
            let plan = SlicePlan::scatter(&[n, d], &[count], &[count, d], &scatter).unwrap();
            let mut sum = table.clone();
            plan.run_scatter(
                &pool,
                ScatterKind::Add,
                &mut sum,
                Indices::I32(&indices),
                &updates,
            )
            .unwrap();
            assert_eq!(sum, expected);
        }
    }
}

/// Windows of 2x2 at index vectors (column, row) of a 3x4 operand, the vectors' components along dimension 0.
#[test]
fn windows_at_vectors_in_swapped_order() {
    let operand: Vec<i32> = (0..12).collect();
    let indices = [2i64, 9, -3, /* rows */ 1, 1, 0];
    let gather = GatherDims {
        offset_dims: vec![0, 2],
        collapsed_slice_dims: vec![],
        start_index_map: vec![1, 0],
        index_vector_dim: 0,
        slice_sizes: vec![Some(2), Some(2)],
    };
    let plan = SlicePlan::gather(&[3, 4], &[2, 3], &gather).unwrap();
    assert_eq!(plan.result_dims, [2, 3, 2]);
    let pool = Pool::new(2);
    let mut got = [0; 12];
    plan.run_gather(&pool, &operand, Indices::I64(&indices), &mut got)
        .unwrap();
    assert_eq!(got, [6, 7, 6, 7, 0, 1, 10, 11, 10, 11, 4, 5]);
}

#[test]
fn updates_partly_outside_are_cut_off() {
    let dims = ScatterDims {
        update_window_dims: vec![1, 2],
        inserted_window_dims: vec![],
        scatter_dims_to_operand_dims: vec![0, 1],
        index_vector_dim: 1,
    };
    let plan = SlicePlan::scatter(&[3, 3], &[3, 2], &[3, 2, 2], &dims).unwrap();
    let indices = [2i32, -1, 0, 0, i32::MAX, i32::MIN];
    let updates: Vec<f32> = (1..=12).map(|x| x as f32).collect();
    let pool = Pool::new(1);
    let run = |kind| {
        let mut x = [3.0f32; 9];
        plan.run_scatter(&pool, kind, &mut x, Indices::I32(&indices), &updates)
            .unwrap();
        x
    };
    assert_eq!(
        run(ScatterKind::Set),
        [5.0, 6.0, 3.0, 7.0, 8.0, 3.0, 2.0, 3.0, 3.0]
    );
    assert_eq!(
        run(ScatterKind::Add),
        [8.0, 9.0, 3.0, 10.0, 11.0, 3.0, 5.0, 3.0, 3.0]
    );
    assert_eq!(
        run(ScatterKind::Min),
        [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 2.0, 3.0, 3.0]
    );
    assert_eq!(
        run(ScatterKind::Multiply),
        [15.0, 18.0, 3.0, 21.0, 24.0, 3.0, 6.0, 3.0, 3.0]
    );
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let (gather, scatter) = rows();
    assert!(SlicePlan::gather(&[3], &[2], &gather).is_err());
    assert!(SlicePlan::scatter(&[3, 4], &[2], &[2, 5], &scatter).is_err());
    let twice = GatherDims {
        offset_dims: vec![1, 1],
        collapsed_slice_dims: vec![],
        slice_sizes: vec![Some(3), Some(4)],
        ..gather.clone()
    };
    assert!(SlicePlan::gather(&[3, 4], &[2], &twice).is_err());
    let plan = SlicePlan::gather(&[3, 4], &[2], &gather).unwrap();
    let pool = Pool::new(1);
    let short = plan.run_gather(&pool, &[0u8; 11], Indices::U8(&[0, 0]), &mut [0; 8]);
    assert_eq!(short, Err(LengthError));
}
