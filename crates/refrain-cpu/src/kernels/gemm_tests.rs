use super::*;
use crate::kernels::testing::{assert_close, pools, random};

fn naive(p: &Product, b: &Matrix, c: &mut [f32]) {
    for (t, i, j) in indices(p) {
        let mut sum = 0.0f64;
        for k in 0..p.k {
            let x = p.a.data[p.a.start(t) + i * p.a.row_stride + k * p.a.col_stride];
            let y = b.data[b.start(t) + k * b.row_stride + j * b.col_stride];
            sum += f64::from(x) * f64::from(y);
        }
        let at = t * p.batch_stride + i * p.row_stride + j;
        let old = if p.accumulate { f64::from(c[at]) } else { 0.0 };
        c[at] = (f64::from(p.alpha) * sum + old) as f32;
    }
}

fn indices(p: &Product) -> Vec<(usize, usize, usize)> {
    let mut all = Vec::new();
    for t in 0..p.batch {
        for i in 0..p.m {
            all.extend((0..p.n).map(|j| (t, i, j)));
        }
    }
    all
}

fn matrix(data: &[f32], rows: usize, cols: usize, kind: usize) -> Matrix<'_> {
    let inner = if kind % 2 == 1 { 2 } else { 1 };
    let (row_stride, col_stride) = match kind % 3 {
        0 => (cols, 1),
        1 => (1, rows),
        _ => (2 * cols, 2),
    };
    Matrix {
        data,
        row_stride,
        col_stride,
        batch_stride: rows * cols * 2,
        inner,
        inner_stride: rows * cols,
    }
}

/// Adds a number to each element that its place tells.
fn bump(tile: &mut Tile) {
    for i in 0..tile.rows {
        let (row, col) = (tile.first_row + i, tile.first_col);
        for (j, x) in tile.row_mut(i).iter_mut().enumerate() {
            *x += (row * 3 + col + j) as f32;
        }
    }
}

/// The result of plain loops, with what [`bump`] adds.
fn expected(p: &Product, b: &Matrix, mut c: Vec<f32>) -> Vec<f32> {
    naive(p, b, &mut c);
    if p.epilogue.is_some() {
        for (t, i, j) in indices(p) {
            c[t * p.batch_stride + i * p.row_stride + j] += (i * 3 + j) as f32;
        }
    }
    c
}

fn check(batch: usize, m: usize, n: usize, k: usize, kind: usize) {
    let (a_data, b_data) = (
        random(2 * batch * m * k + 1, 1),
        random(2 * batch * k * n + 1, 2),
    );
    let start = random(batch * m * (n + 3), 3);
    let b = matrix(&b_data, k, n, kind / 3);
    let gap = if m == 1 || n == 1 { 0 } else { kind % 4 };
    let p = Product {
        batch,
        alpha: if kind.is_multiple_of(2) { 1.0 } else { -0.5 },
        a: matrix(&a_data, m, k, kind),
        accumulate: kind % 5 == 1,
        row_stride: n + gap,
        batch_stride: m * (n + gap),
        epilogue: (kind % 2 == 1).then_some(&bump as Epilogue),
        ..Product::new(m, n, k, matrix(&a_data, m, k, kind), Right::Matrix(b))
    };
    let expected = expected(&p, &b, start.clone());
    for group in pools() {
        let mut results = Vec::new();
        for pool in &group {
            let run = |p: Product| {
                let mut c = start.clone();
                let mut scratch = vec![0.0; Product::scratch_len(batch, m, n, k)];
                p.run(pool, &mut c, &mut scratch).unwrap();
                assert_close(&c, &expected, 1e-5 * (k as f32).sqrt().max(1.0));
                c
            };
            if batch == 1 {
                let mut packed = vec![0.0; packed_len(pool, k, n)];
                pack_right(pool, &b, k, n, &mut packed).unwrap();
                run(Product {
                    b: Right::Packed(&packed),
                    ..p
                });
            }
            results.push(run(p));
        }
        assert!(
            results.windows(2).all(|w| w[0] == w[1]),
            "{m}x{n}x{k} depends on threads"
        );
    }
}

#[test]
fn odd_sizes_strides_and_batches() {
    let sizes = [
        (1, 1, 1),
        (1, 17, 5),
        (13, 1, 31),
        (2, 3, 0),
        (12, 32, 64),
        (13, 33, 65),
        (25, 49, 300),
        (7, 40, 11),
        (61, 100, 37),
        (200, 300, 270),
    ];
    for (s, &(m, n, k)) in sizes.iter().enumerate() {
        for kind in 0..9 {
            check(1 + (s + kind) % 3, m, n, k, kind);
            check(1, m, n, k, kind);
        }
    }
}

#[test]
fn deep_products_are_cut_along_the_depth() {
    assert!(depth_split(1, 9, 32, 5001) > 1);
    for kind in 0..6 {
        check(1, 9, 32, 5001, kind);
    }
}

#[test]
fn interleaved_results_are_allowed_and_overlapping_ones_refused() {
    let (a, b) = (random(2 * 3 * 4, 1), random(2 * 4 * 5, 2));
    let mut p = Product {
        batch: 2,
        row_stride: 10,
        batch_stride: 5,
        ..Product::new(
            3,
            5,
            4,
            matrix(&a, 3, 4, 0),
            Right::Matrix(matrix(&b, 4, 5, 0)),
        )
    };
    p.a.batch_stride = 12;
    p.b = Right::Matrix(Matrix {
        batch_stride: 20,
        ..matrix(&b, 4, 5, 0)
    });
    let pool = Pool::new(2);
    assert_eq!(p.run(&pool, &mut [0.0; 30], &mut []), Ok(()));
    assert_eq!(p.run(&pool, &mut [0.0; 29], &mut []), Err(LengthError));
    p.batch_stride = 4;
    assert_eq!(p.run(&pool, &mut [0.0; 30], &mut []), Err(LengthError));
}
