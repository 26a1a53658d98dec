use super::{assert_values, eval, lit, pattern};
use crate::{DType, Dim, Literal, Op, Shape, interp};

#[test]
fn iota_counts_along_its_dimension() {
    let iota = |dtype, dim| {
        let shape = Shape::from([2, 3]);
        eval(&Op::Iota { shape, dtype, dim }, &[])
    };
    assert_eq!(iota(DType::I32, 1), lit(&[2, 3], &[0, 1, 2, 0, 1, 2]));
    assert_values(&iota(DType::BF16, 0), &[2, 3], &[0., 0., 0., 1., 1., 1.]);
}

#[test]
fn a_result_of_unknown_size_is_an_error() {
    let shape = Shape::from([Some(2), None]);
    let iota = Op::Iota {
        shape,
        dtype: DType::F32,
        dim: 0,
    };
    let message = interp::evaluate_op(&iota, &[]).unwrap_err().to_string();
    assert!(
        message.starts_with("iota: ") && message.contains("f32[2,?]"),
        "{message}"
    );
}

#[test]
fn broadcast_repeats_sizes_of_one_and_new_dimensions() {
    let broadcast = |x: &Literal, shape: &[usize], dims: &[usize]| {
        let (shape, dims) = (Shape::from(shape), dims.to_vec());
        eval(&Op::BroadcastInDim { shape, dims }, &[x])
    };
    let column = lit(&[2, 1], &[1f32, 2.0]);
    assert_values(
        &broadcast(&column, &[2, 2, 3], &[0, 2]),
        &[2, 2, 3],
        &[1., 1., 1., 1., 1., 1., 2., 2., 2., 2., 2., 2.],
    );
    assert_values(
        &broadcast(&Literal::scalar(5f32), &[2], &[]),
        &[2],
        &[5., 5.],
    );
    assert_values(&broadcast(&column, &[2, 0], &[0, 1]), &[2, 0], &[]);
}

#[test]
fn reshape_and_transpose() {
    let x = lit(&[2, 3], &[1i64, 2, 3, 4, 5, 6]);
    let reshaped = eval(&Op::Reshape(Shape::from([3, 2])), &[&x]);
    assert_eq!(reshaped, lit(&[3, 2], &[1i64, 2, 3, 4, 5, 6]));
    let transposed = eval(&Op::Transpose(vec![1, 0]), &[&x]);
    assert_eq!(transposed, lit(&[3, 2], &[1i64, 4, 2, 5, 3, 6]));
    let x = pattern(&[2, 3, 4], 101, 0);
    // Result dimension i is input dimension perm[i]: a cycle is not its own inverse.
    let cycled = eval(&Op::Transpose(vec![2, 0, 1]), &[&x]);
    let (from, to) = (x.to_f64(), cycled.to_f64());
    assert_eq!(cycled.dims(), [4, 2, 3]);
    for (i, j, k) in [(0, 0, 0), (1, 2, 3), (1, 0, 2), (0, 2, 1)] {
        assert_eq!(to[(k * 2 + i) * 3 + j], from[(i * 3 + j) * 4 + k]);
    }
}

#[test]
fn slice_steps_up_to_its_limit() {
    let x = lit(&[3, 5], &(0..15).collect::<Vec<i32>>());
    let slice = |starts: [usize; 2], limits: [Dim; 2], strides: [usize; 2]| {
        let (starts, limits, strides) = (starts.into(), limits.into(), strides.into());
        eval(
            &Op::Slice {
                starts,
                limits,
                strides,
            },
            &[&x],
        )
    };
    let sliced = slice([1, 0], [None, Some(4)], [1, 3]);
    assert_eq!(sliced, lit(&[2, 2], &[5, 8, 10, 13]));
    assert_eq!(
        slice([0, 2], [Some(3), None], [2, 2]),
        lit(&[2, 2], &[2, 4, 12, 14])
    );
    assert_eq!(
        slice([2, 5], [None, None], [1, 1]),
        lit::<i32>(&[1, 0], &[])
    );
}

#[test]
fn pad_adds_between_and_cuts_off() {
    let pad = |x: &Literal, low: &[i64], high: &[i64], interior: &[usize]| {
        let (low, high, interior) = (low.to_vec(), high.to_vec(), interior.to_vec());
        let value = Literal::scalar(9f32);
        eval(
            &Op::Pad {
                low,
                high,
                interior,
            },
            &[x, &value],
        )
    };
    assert_values(
        &pad(&pattern(&[3, 4], 11, 5), &[1, -2], &[-1, 3], &[1, 0]),
        &[5, 5],
        &[
            9., 9., 9., 9., 9., -3., -5., 9., 9., 9., 9., 9., 9., 9., 9., 3., 3., 9., 9., 9., 9.,
            9., 9., 9., 9.,
        ],
    );
    let empty = lit::<f32>(&[0], &[]);
    assert_values(&pad(&empty, &[1], &[1], &[3]), &[2], &[9., 9.]);
    assert_values(
        &pad(&lit(&[2], &[1f32, 2.0]), &[-1], &[-1], &[0]),
        &[0],
        &[],
    );
}

#[test]
fn concatenate_lays_side_by_side() {
    let a = lit(&[2, 1], &[1u8, 2]);
    let b = lit(&[2, 2], &[3u8, 4, 5, 6]);
    let empty = lit::<u8>(&[2, 0], &[]);
    let joined = eval(&Op::Concatenate(1), &[&a, &empty, &b]);
    assert_eq!(joined, lit(&[2, 3], &[1u8, 3, 4, 2, 5, 6]));
    let stacked = eval(&Op::Concatenate(0), &[&b, &b]);
    assert_eq!(stacked, lit(&[4, 2], &[3u8, 4, 5, 6, 3, 4, 5, 6]));
}

#[test]
fn reverse_reads_backwards() {
    let x = lit(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    let rows = eval(&Op::Reverse(vec![0]), &[&x]);
    assert_eq!(rows, lit(&[2, 3], &[4, 5, 6, 1, 2, 3]));
    let all = eval(&Op::Reverse(vec![0, 1]), &[&x]);
    assert_eq!(all, lit(&[2, 3], &[6, 5, 4, 3, 2, 1]));
}
