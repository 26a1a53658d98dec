use super::*;
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::testing::{assert_close, pools, random};

/// Calls `f(x index, w index, y index)` for each product of the convolution.
fn each(s: &Conv2dShape, mut f: impl FnMut(usize, usize, usize)) {
    let (cg, og) = (s.c / s.groups, s.o / s.groups);
    for p in 0..s.n * s.oh * s.ow {
        let (n, oy, ox) = (p / (s.oh * s.ow), p / s.ow % s.oh, p % s.ow);
        for tap in 0..s.kh * s.kw {
            let (i, j) = (tap / s.kw, tap % s.kw);
            let y = (oy * s.stride_h + i * s.dilation_h) as isize - s.pad_top;
            let x = (ox * s.stride_w + j * s.dilation_w) as isize - s.pad_left;
            if y < 0 || x < 0 || y as usize >= s.h || x as usize >= s.w {
                continue;
            }
            let pixel = (n * s.h + y as usize) * s.w + x as usize;
            for o in 0..s.o {
                for c in 0..cg {
                    f(
                        pixel * s.c + o / og * cg + c,
                        (tap * cg + c) * s.o + o,
                        p * s.o + o,
                    );
                }
            }
        }
    }
}

fn naive(
    s: &Conv2dShape,
    len: usize,
    place: usize,
    a: (&[f32], usize),
    b: (&[f32], usize),
) -> Vec<f32> {
    let mut sums = vec![0.0f64; len];
    each(s, |x, w, y| {
        let at = [x, w, y];
        sums[at[place]] += f64::from(a.0[at[a.1]]) * f64::from(b.0[at[b.1]]);
    });
    sums.into_iter().map(|s| s as f32).collect()
}

fn check(s: &Conv2dShape) {
    let (xl, wl, yl) = (s.x_len().unwrap(), s.w_len().unwrap(), s.y_len().unwrap());
    let (x, w, dy) = (random(xl, 1), random(wl, 2), random(yl, 3));
    let mut y = naive(s, yl, 2, (&x, 0), (&w, 1));
    y.iter_mut()
        .enumerate()
        .for_each(|(i, y)| *y += (i % s.o) as f32 * 0.1 + (i / s.o % 7) as f32);
    let mut dx = naive(s, xl, 0, (&dy, 2), (&w, 1));
    dx.iter_mut()
        .enumerate()
        .for_each(|(i, y)| *y += (i % s.c) as f32 * 0.1 + (i / s.c % 7) as f32);
    let dw = naive(s, wl, 1, (&x, 0), (&dy, 2));
    let bump = |tile: &mut Tile| {
        for i in 0..tile.rows {
            let (row, col) = (tile.first_row + i, tile.first_col);
            for (j, x) in tile.row_mut(i).iter_mut().enumerate() {
                *x += (col + j) as f32 * 0.1 + (row % 7) as f32;
            }
        }
    };
    let forward = ConvPlan::forward(s).unwrap();
    let backward = ConvPlan::input_gradient(s).unwrap();
    let kernel = KernelGradientPlan::new(s).unwrap();
    for group in pools() {
        let mut results = Vec::new();
        for pool in &group {
            let mut got = [vec![f32::NAN; yl], vec![f32::NAN; xl], vec![f32::NAN; wl]];
            let mut scratch = vec![f32::NAN; forward.scratch_len()];
            forward
                .run(pool, &x, &w, &mut got[0], &mut scratch, Some(&bump))
                .unwrap();
            let mut scratch = vec![f32::NAN; backward.scratch_len()];
            backward
                .run(pool, &dy, &w, &mut got[1], &mut scratch, Some(&bump))
                .unwrap();
            let mut scratch = vec![f32::NAN; kernel.scratch_len()];
            kernel
                .run(pool, &x, &dy, &mut got[2], &mut scratch)
                .unwrap();
            for (got, expected) in got.iter().zip([&y, &dx, &dw]) {
                assert_close(got, expected, 3e-5);
            }
            results.push(got);
        }
        assert!(
            results.windows(2).all(|r| r[0] == r[1]),
            "{s:?} depends on threads"
        );
    }
}

fn shape(
    n: usize,
    (h, w, c): (usize, usize, usize),
    (kh, kw, o): (usize, usize, usize),
) -> Conv2dShape {
    Conv2dShape {
        n,
        h,
        w,
        c,
        kh,
        kw,
        o,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 0,
        pad_left: 0,
        groups: 1,
        oh: h,
        ow: w,
    }
}

/// With this padding on all sides (one more at the end if `uneven`), and the size that results.
fn padded(
    mut s: Conv2dShape,
    (stride_h, stride_w): (usize, usize),
    (dilation_h, dilation_w): (usize, usize),
    pad: isize,
    uneven: bool,
) -> Option<Conv2dShape> {
    let size = |size: usize, k: usize, stride: usize, dilation: usize| {
        let span =
            size as isize + 2 * pad + isize::from(uneven) - ((k - 1) * dilation + 1) as isize;
        (span >= 0).then(|| span as usize / stride + 1)
    };
    (s.stride_h, s.stride_w, s.dilation_h, s.dilation_w) =
        (stride_h, stride_w, dilation_h, dilation_w);
    (s.pad_top, s.pad_left) = (pad, pad);
    s.oh = size(s.h, s.kh, stride_h, dilation_h)?;
    s.ow = size(s.w, s.kw, stride_w, dilation_w)?;
    Some(s)
}

#[test]
fn strides_dilations_paddings() {
    let base = [
        shape(2, (7, 9, 3), (3, 3, 5)),
        shape(3, (5, 6, 1), (2, 3, 17)),
        shape(1, (1, 11, 4), (1, 5, 33)),
    ];
    for s in base {
        for stride in [(1, 1), (2, 2), (3, 1), (1, 3)] {
            for dilation in [(1, 1), (2, 1), (1, 2)] {
                for (pad, uneven) in [(0, false), (1, false), (0, true), (2, true), (-1, false)] {
                    if let Some(s) = padded(s, stride, dilation, pad, uneven) {
                        check(&s);
                    }
                }
            }
        }
    }
}

#[test]
fn groups_and_many_channels() {
    for (groups, c, o) in [(2, 4, 6), (3, 9, 3), (4, 4, 8), (1, 64, 50), (2, 66, 34)] {
        let s = Conv2dShape {
            groups,
            ..shape(2, (6, 5, c), (3, 2, o))
        };
        check(&padded(s, (1, 1), (1, 1), 1, false).unwrap());
        check(&padded(s, (2, 2), (1, 1), 1, true).unwrap());
    }
}

#[test]
fn large_images_are_cut_into_rows_and_small_ones_put_together() {
    check(&padded(shape(2, (40, 70, 16), (3, 3, 8)), (1, 1), (1, 1), 1, false).unwrap());
    check(&padded(shape(33, (4, 4, 8), (3, 3, 13)), (1, 1), (1, 1), 1, false).unwrap());
    check(&padded(shape(2, (50, 60, 20), (3, 3, 4)), (2, 2), (1, 1), 0, true).unwrap());
}

#[test]
fn pointwise_and_larger_than_the_image() {
    check(&shape(3, (5, 4, 7), (1, 1, 19)));
    check(&padded(shape(2, (2, 2, 3), (5, 5, 4)), (1, 1), (1, 1), 2, false).unwrap());
    check(&padded(shape(2, (4, 4, 3), (1, 1, 4)), (2, 2), (1, 1), 0, false).unwrap());
}

#[test]
fn short_slices_are_refused() {
    let s = shape(1, (3, 3, 2), (2, 2, 2));
    let plan = ConvPlan::forward(&s).unwrap();
    let (x, w, mut scratch) = (vec![0.0; 18], vec![0.0; 16], vec![0.0; plan.scratch_len()]);
    let pool = Pool::new(1);
    assert_eq!(
        plan.run(&pool, &x, &w, &mut [0.0; 17], &mut scratch, None),
        Err(LengthError)
    );
    assert_eq!(
        plan.run(&pool, &x[1..], &w, &mut [0.0; 18], &mut scratch, None),
        Err(LengthError)
    );
    assert_eq!(
        plan.run(&pool, &x, &w[1..], &mut [0.0; 18], &mut scratch, None),
        Err(LengthError)
    );
    assert_eq!(
        plan.run(&pool, &x, &w, &mut [0.0; 18], &mut scratch[1..], None),
        Err(LengthError)
    );
    assert!(ConvPlan::forward(&Conv2dShape { groups: 3, ..s }).is_err());
}
