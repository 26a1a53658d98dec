//! Winograd convolutions against sums in `f64`, at every level and with several threads.

use super::*;
use crate::kernels::conv::ConvPlan;
use crate::kernels::conv_kernel::KernelGradientPlan;
use crate::kernels::testing::{assert_close, pools, random};

/// What the project allows, relative to the scale of the result.
const TOLERANCE: f32 = 1e-5;

fn shape(n: usize, (h, w): (usize, usize), c: usize, o: usize, pad: isize) -> Conv2dShape {
    let out = |size: usize| (size as isize + 2 * pad - 2) as usize;
    Conv2dShape {
        n,
        h,
        w,
        c,
        kh: 3,
        kw: 3,
        o,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: pad,
        pad_left: pad,
        groups: 1,
        oh: out(h),
        ow: out(w),
    }
}

/// Result, image's gradient and kernel's gradient in `f64`.
fn expected(s: &Conv2dShape, x: &[f32], k: &[f32], dy: &[f32]) -> [Vec<f32>; 3] {
    let mut sums = [
        vec![0.0f64; dy.len()],
        vec![0.0; x.len()],
        vec![0.0; k.len()],
    ];
    for position in 0..s.n * s.oh * s.ow {
        let (image, oy, ox) = (
            position / (s.oh * s.ow),
            position / s.ow % s.oh,
            position % s.ow,
        );
        for tap in 0..9 {
            let iy = (oy + tap / 3)
                .checked_add_signed(-s.pad_top)
                .filter(|&i| i < s.h);
            let ix = (ox + tap % 3)
                .checked_add_signed(-s.pad_left)
                .filter(|&i| i < s.w);
            let (Some(iy), Some(ix)) = (iy, ix) else {
                continue;
            };
            let pixel = (image * s.h + iy) * s.w + ix;
            for c in 0..s.c {
                for o in 0..s.o {
                    let (xi, ki, yi) = (
                        pixel * s.c + c,
                        (tap * s.c + c) * s.o + o,
                        position * s.o + o,
                    );
                    let [a, b, g] = [x[xi], k[ki], dy[yi]].map(f64::from);
                    sums[0][yi] += a * b;
                    sums[1][xi] += g * b;
                    sums[2][ki] += a * g;
                }
            }
        }
    }
    sums.map(|v| v.into_iter().map(|s| s as f32).collect())
}

fn check(s: &Conv2dShape) {
    let lens = [
        s.n * s.h * s.w * s.c,
        9 * s.c * s.o,
        s.n * s.oh * s.ow * s.o,
    ];
    let (x, k, dy) = (random(lens[0], 1), random(lens[1], 2), random(lens[2], 3));
    let [y, dx, dk] = expected(s, &x, &k, &dy);
    let plans = [
        ConvPlan::forward(s).unwrap().with_winograd(),
        ConvPlan::input_gradient(s).unwrap().with_winograd(),
    ];
    let gradient = KernelGradientPlan::new(s).unwrap().with_winograd();
    assert!(
        plans.iter().all(ConvPlan::is_winograd) && gradient.is_winograd(),
        "{s:?}"
    );
    let twice = |tile: &mut Tile| {
        for i in 0..tile.rows {
            tile.row_mut(i).iter_mut().for_each(|x| *x *= 2.0);
        }
    };
    let double = |v: &[f32]| v.iter().map(|x| 2.0 * x).collect::<Vec<_>>();
    for group in pools() {
        let mut bits: Vec<Vec<u32>> = Vec::new();
        for pool in &group {
            let mut all = Vec::new();
            for (plan, from, to) in [(&plans[0], &x, &y), (&plans[1], &dy, &dx)] {
                let mut out = vec![f32::NAN; to.len()];
                let mut scratch = vec![0.0; plan.scratch_len()];
                plan.run(pool, from, &k, &mut out, &mut scratch, Some(&twice))
                    .unwrap();
                assert_close(&out, &double(to), TOLERANCE);
                all.extend(out.iter().map(|x| x.to_bits()));
            }
            let mut out = vec![f32::NAN; dk.len()];
            let mut scratch = vec![0.0; gradient.scratch_len()];
            gradient.run(pool, &x, &dy, &mut out, &mut scratch).unwrap();
            assert_close(&out, &dk, TOLERANCE);
            all.extend(out.iter().map(|x| x.to_bits()));
            bits.push(all);
        }
        assert!(
            bits.windows(2).all(|b| b[0] == b[1]),
            "threads change {s:?}"
        );
    }
}

#[test]
fn all_passes_are_within_the_tolerance() {
    check(&shape(8, (8, 8), 16, 16, 1));
    check(&shape(2, (28, 28), 32, 64, 1));
    check(&shape(3, (17, 23), 16, 48, 1));
    check(&shape(5, (11, 14), 32, 16, 0));
    check(&shape(7, (9, 5), 48, 32, 2));
    check(&shape(1, (41, 26), 16, 32, 1));
}

#[test]
fn other_shapes_go_the_plain_way() {
    let usual = shape(8, (16, 16), 16, 16, 1);
    let others = [
        Conv2dShape {
            stride_h: 2,
            oh: 8,
            ..usual
        },
        Conv2dShape {
            dilation_w: 2,
            ow: 14,
            ..usual
        },
        shape(8, (16, 16), 3, 16, 1),
        shape(8, (16, 16), 16, 10, 1),
        shape(1, (4, 4), 16, 16, 1),
    ];
    assert!(
        ConvPlan::forward(&usual)
            .unwrap()
            .with_winograd()
            .is_winograd()
    );
    for s in others {
        assert!(
            !ConvPlan::forward(&s).unwrap().with_winograd().is_winograd(),
            "{s:?}"
        );
        assert!(
            !KernelGradientPlan::new(&s)
                .unwrap()
                .with_winograd()
                .is_winograd(),
            "{s:?}"
        );
    }
}
