use super::{assert_values, eval, lit, pattern};
use crate::{Literal, Op, Reduction, Window};

fn window(size: [usize; 2], strides: [usize; 2], padding: [(i64, i64); 2]) -> Window {
    Window {
        size: size.into(),
        strides: strides.into(),
        padding: padding.into(),
        base_dilation: vec![1, 1],
        dilation: vec![1, 1],
    }
}

fn pool(kind: Reduction, window: Window) -> Literal {
    eval(
        &Op::ReduceWindow { kind, window },
        &[&pattern(&[4, 5], 11, 5)],
    )
}

#[test]
fn windows_with_padding_stride_and_dilation() {
    let mut w = window([2, 3], [2, 1], [(1, 0), (0, 2)]);
    w.dilation = vec![2, 1];
    assert_values(
        &pool(Reduction::Max, w),
        &[2, 5],
        &[3., 3., 3., -1., -1., 3., 3., 3., 3., -1.],
    );
    let mut w = window([2, 2], [1, 2], [(0, 1), (-1, 1)]);
    (w.base_dilation, w.dilation) = (vec![2, 1], vec![1, 2]);
    assert_values(
        &pool(Reduction::Sum, w),
        &[7, 2],
        &[
            0., -5., 1., -2., 1., -2., -6., -3., -6., -3., 1., 3., 1., 3.,
        ],
    );
    let w = window([3, 2], [1, 1], [(-1, 0), (0, -1)]);
    assert_values(&pool(Reduction::Min, w), &[1, 3], &[-5., -3., -3.]);
    let w = window([2, 2], [2, 2], [(0, 0), (0, 0)]);
    assert_values(
        &pool(Reduction::Product, w),
        &[2, 2],
        &[90., -90., 30., -135.],
    );
}

#[test]
fn a_window_on_padding_gives_the_identity() {
    let x = lit(&[1, 1], &[7f32]);
    let window = window([1, 1], [1, 1], [(1, 0), (0, 1)]);
    let kind = Reduction::Max;
    let out = eval(&Op::ReduceWindow { kind, window }, &[&x]);
    let low = f64::NEG_INFINITY;
    assert_values(&out, &[2, 2], &[low, low, 7., low]);
}

#[test]
fn a_window_larger_than_its_base_fits_nowhere() {
    let window = window([9, 1], [1, 1], [(0, 0), (0, 0)]);
    assert_values(&pool(Reduction::Sum, window), &[0, 5], &[]);
}

fn scatter(x: &Literal, source: &Literal, window: Window) -> Literal {
    eval(&Op::SelectAndScatter { window }, &[x, source])
}

#[test]
fn scatters_to_the_first_largest_element() {
    let x = pattern(&[5, 5], 5, 2);
    let w = window([3, 3], [1, 2], [(0, 0), (0, 0)]);
    assert_values(
        &scatter(&x, &pattern(&[3, 2], 9, 2), w),
        &[5, 5],
        &[
            0., 0., -1., 0., 0., 0., 0., 10., 0., 0., 0., 0., 6., 0., 0., 0., 0., 0., 0., 0., 0.,
            0., 0., 0., 0.,
        ],
    );
    let w = window([2, 3], [2, 2], [(1, 0), (1, 1)]);
    assert_values(
        &scatter(&x, &pattern(&[3, 3], 9, 2), w),
        &[5, 5],
        &[
            0., 0., -1., 4., 0., 6., 0., 5., 1., 0., 0., 0., 0., 0., 0., 3., 0., 2., -2., 0., 0.,
            0., 0., 0., 0.,
        ],
    );
}

#[test]
fn nan_is_selected_and_padding_is_not() {
    let x = lit(&[1, 3], &[5f32, f32::NAN, f32::NAN]);
    let w = window([1, 3], [1, 3], [(0, 0), (0, 3)]);
    let source = lit(&[1, 2], &[1f32, 10.0]);
    assert_values(&scatter(&x, &source, w), &[1, 3], &[0., 1., 0.]);
    let low = lit(&[1, 1], &[f32::NEG_INFINITY]);
    let w = window([1, 2], [1, 1], [(0, 0), (1, 0)]);
    assert_values(&scatter(&low, &lit(&[1, 1], &[3f32]), w), &[1, 1], &[3.]);
}
