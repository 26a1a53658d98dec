use super::{assert_values, eval, eval_all, lit, pattern};
use crate::{Literal, Op, Reduction, bf16, f16};

fn reduce(kind: Reduction, dims: &[usize], x: &Literal) -> Literal {
    let dims = dims.to_vec();
    eval(&Op::Reduce { kind, dims }, &[x])
}

#[test]
fn reduces_any_dimensions() {
    let x = lit(&[2, 2, 3], &(1..=12).map(|i| i as f32).collect::<Vec<_>>());
    assert_values(&reduce(Reduction::Sum, &[0, 2], &x), &[2], &[30., 48.]);
    assert_values(
        &reduce(Reduction::Max, &[1], &x),
        &[2, 3],
        &[4., 5., 6., 10., 11., 12.],
    );
    assert_values(&reduce(Reduction::Min, &[0, 1, 2], &x), &[], &[1.]);
    assert_values(
        &reduce(Reduction::Product, &[2], &x),
        &[2, 2],
        &[6., 120., 504., 1320.],
    );
    assert_eq!(reduce(Reduction::Sum, &[], &x), x);
    let flags = lit(&[2, 2], &[true, false, true, true]);
    assert_eq!(
        reduce(Reduction::And, &[1], &flags),
        lit(&[2], &[false, true])
    );
    assert_eq!(
        reduce(Reduction::Or, &[0], &flags),
        lit(&[2], &[true, true])
    );
}

#[test]
fn an_empty_reduction_gives_the_identity() {
    let floats = lit::<f16>(&[0, 2], &[]);
    let cases = [
        (Reduction::Sum, 0.0),
        (Reduction::Product, 1.0),
        (Reduction::Max, f64::NEG_INFINITY),
        (Reduction::Min, f64::INFINITY),
    ];
    for (kind, identity) in cases {
        assert_values(&reduce(kind, &[0], &floats), &[2], &[identity; 2]);
    }
    let integers = lit::<i32>(&[0], &[]);
    assert_eq!(
        reduce(Reduction::Max, &[0], &integers),
        Literal::scalar(i32::MIN)
    );
    assert_eq!(
        reduce(Reduction::Min, &[0], &lit::<u8>(&[0], &[])),
        Literal::scalar(255u8)
    );
    let flags = lit::<bool>(&[0], &[]);
    assert_eq!(reduce(Reduction::And, &[0], &flags), Literal::scalar(true));
    assert_eq!(reduce(Reduction::Or, &[0], &flags), Literal::scalar(false));
    assert_values(&reduce(Reduction::Sum, &[1], &floats), &[0], &[]);
}

#[test]
fn sums_are_rounded_once_and_integers_wrap() {
    // In f16 the sum would stay at 2048, in bf16 at 256.
    let ones = lit(&[4096], &[f16::ONE; 4096]);
    assert_values(&reduce(Reduction::Sum, &[0], &ones), &[], &[4096.]);
    let ones = lit(&[1024], &[bf16::ONE; 1024]);
    assert_values(&reduce(Reduction::Sum, &[0], &ones), &[], &[1024.]);
    let small = lit(&[3], &[1f32, 1e-8, 1e-8]);
    let cancelled = lit(&[4], &[1f32, 1e-8, 1e-8, -1.0]);
    assert_values(&reduce(Reduction::Sum, &[0], &small), &[], &[1.0]);
    assert!((reduce(Reduction::Sum, &[0], &cancelled).to_f64()[0] - 2e-8).abs() < 1e-14);
    let bytes = lit(&[2], &[200u8, 100]);
    assert_eq!(reduce(Reduction::Sum, &[0], &bytes), Literal::scalar(44u8));
}

#[test]
fn nan_wins_maxima_and_minima() {
    for values in [
        [1f32, f32::NAN, 2.0],
        [f32::NAN, 1.0, 2.0],
        [1.0, 2.0, f32::NAN],
    ] {
        for kind in [Reduction::Max, Reduction::Min] {
            assert!(reduce(kind, &[0], &lit(&[3], &values)).to_f64()[0].is_nan());
        }
    }
}

#[test]
fn running_reductions() {
    let x = pattern(&[2, 3, 2], 11, 5);
    let run = |kind, reverse| {
        let dim = 1;
        eval(&Op::Cumulative { kind, dim, reverse }, &[&x])
    };
    let dims = [2, 3, 2];
    let sum = [-3., 5., -6., 0., -7., -2., 3., 3., 1., 2., -4., -1.];
    assert_values(&run(Reduction::Sum, false), &dims, &sum);
    let product = [-9., 50., 3., 10., -1., -2., 30., 9., 10., 3., -5., -3.];
    assert_values(&run(Reduction::Product, true), &dims, &product);
    let max = [-1., 5., -1., -2., -1., -2., 3., 3., -2., -1., -5., -3.];
    assert_values(&run(Reduction::Max, true), &dims, &max);
}

#[test]
fn sort_is_stable_and_puts_nan_last() {
    let x = lit(&[2, 4], &[2f32, f32::NAN, -1.0, 2.0, 0.0, 3.0, 0.0, -0.0]);
    let sort = |descending| eval_all(&Op::Sort { dim: 1, descending }, &[&x]);
    let up = sort(false);
    assert_eq!(up[0].to_f64()[..3], [-1., 2., 2.]);
    assert!(up[0].to_f64()[3].is_nan());
    assert_eq!(up[1], lit(&[2, 4], &[2, 0, 3, 1, 0, 2, 3, 1]));
    let down = sort(true);
    assert_eq!(down[1], lit(&[2, 4], &[0, 3, 2, 1, 1, 0, 2, 3]));
    let columns = eval_all(
        &Op::Sort {
            dim: 0,
            descending: false,
        },
        &[&lit(&[2, 2], &[3u8, 1, 2, 5])],
    );
    assert_eq!(columns[0], lit(&[2, 2], &[2u8, 1, 3, 5]));
    assert_eq!(columns[1], lit(&[2, 2], &[1, 0, 0, 1]));
}
