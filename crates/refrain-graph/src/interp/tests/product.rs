use super::{assert_values, eval, lit, pattern};
use crate::{Conv, ConvLayout, DotDims, Literal, Op, Window, f16};

fn dot(a: &Literal, b: &Literal, contracting: [&[usize]; 2], batch: [&[usize]; 2]) -> Literal {
    let dims = DotDims {
        lhs_batch: batch[0].to_vec(),
        rhs_batch: batch[1].to_vec(),
        lhs_contracting: contracting[0].to_vec(),
        rhs_contracting: contracting[1].to_vec(),
    };
    eval(&Op::DotGeneral(dims), &[a, b])
}

#[test]
fn dot_products_over_any_dimensions() {
    let (a, b) = (pattern(&[2, 3, 4], 11, 5), pattern(&[4, 2, 2], 7, 3));
    let out = dot(&a, &b, [&[2], &[0]], [&[0], &[1]]);
    assert_values(
        &out,
        &[2, 3, 2],
        &[-17., 20., 10., -11., 2., 8., 15., 13., -10., -10., 13., 15.],
    );
    let (a, b) = (pattern(&[2, 3, 2, 2], 11, 5), pattern(&[2, 2, 3, 2], 7, 3));
    let out = dot(&a, &b, [&[1, 3], &[2, 0]], [&[2], &[1]]);
    assert_values(&out, &[2, 2, 2], &[16., -15., -8., 15., 20., 10., 27., 15.]);
}

#[test]
fn dot_products_at_the_edges() {
    let empty = dot(
        &lit::<f32>(&[2, 0], &[]),
        &lit::<f32>(&[0, 2], &[]),
        [&[1], &[0]],
        [&[], &[]],
    );
    assert_values(&empty, &[2, 2], &[0.; 4]);
    let outer = dot(
        &lit(&[2], &[2i32, 3]),
        &lit(&[2], &[5i32, 7]),
        [&[], &[]],
        [&[], &[]],
    );
    assert_eq!(outer, lit(&[2, 2], &[10, 14, 15, 21]));
    // 4096 ones: an f16 accumulator would stop at 2048.
    let ones = lit(&[4096], &[f16::ONE; 4096]);
    assert_values(&dot(&ones, &ones, [&[0], &[0]], [&[], &[]]), &[], &[4096.]);
    // 0 times infinity is NaN in a product as everywhere.
    let nan = dot(
        &lit(&[2], &[0f32, 1.0]),
        &lit(&[2], &[f32::INFINITY, 1.0]),
        [&[0], &[0]],
        [&[], &[]],
    );
    assert!(nan.to_f64()[0].is_nan());
    let bytes = dot(
        &lit(&[2], &[16u8, 1]),
        &lit(&[2], &[16u8, 3]),
        [&[0], &[0]],
        [&[], &[]],
    );
    assert_eq!(bytes, Literal::scalar(3u8));
}

/// The layout of three letters or more: `N`/`I` batch, `C`/`O` feature, the rest spatial in the order of `spatial`.
fn layout(letters: &str, batch: char, feature: char, spatial: &str) -> ConvLayout {
    let at = |c: char| letters.find(c).expect("each letter is there");
    ConvLayout {
        batch: at(batch),
        feature: at(feature),
        spatial: spatial.chars().map(at).collect(),
    }
}

/// A convolution without padding, stride, dilation and groups, in layouts such as `["NHWC", "HWIO", "NHWC"]`.
fn conv([lhs, rhs, out]: [&str; 3], size: &[usize]) -> Conv {
    let n = size.len();
    let spatial = ["", "W", "HW"][n];
    Conv {
        window: Window {
            size: size.to_vec(),
            strides: vec![1; n],
            padding: vec![(0, 0); n],
            base_dilation: vec![1; n],
            dilation: vec![1; n],
        },
        reversal: vec![false; n],
        lhs: layout(lhs, 'N', 'C', spatial),
        rhs: layout(rhs, 'I', 'O', spatial),
        out: layout(out, 'N', 'C', spatial),
        feature_groups: 1,
        batch_groups: 1,
    }
}

fn convolve(conv: Conv, x: &[usize], kernel: &[usize]) -> Literal {
    let (x, kernel) = (pattern(x, 11, 5), pattern(kernel, 7, 3));
    eval(&Op::Convolution(Box::new(conv)), &[&x, &kernel])
}

#[test]
fn convolution_with_strides_and_negative_padding() {
    let mut c = conv(["NCHW", "OIHW", "NCHW"], &[2, 3]);
    c.window.strides = vec![2, 1];
    c.window.padding = vec![(1, 0), (-1, 2)];
    assert_values(
        &convolve(c, &[1, 2, 5, 4], &[3, 2, 2, 3]),
        &[1, 3, 3, 3],
        &[
            -13., 13., 5., 36., 17., 6., -14., -7., 12., 10., 3., -5., 6., -3., 10., 39., -18., 5.,
            -13., -4., 20., 21., 9., 5., 11., -7., 10.,
        ],
    );
}

#[test]
fn convolution_with_dilations() {
    let mut c = conv(["NHWC", "HWIO", "NHWC"], &[2, 2]);
    c.window.strides = vec![1, 2];
    c.window.padding = vec![(2, 1), (0, 1)];
    c.window.base_dilation = vec![3, 1];
    c.window.dilation = vec![2, 1];
    assert_values(
        &convolve(c, &[1, 3, 4, 2], &[2, 2, 2, 3]),
        &[1, 8, 2, 3],
        &[
            11., 6., 7., -13., 6., -6., 0., 0., 0., 0., 0., 0., 7., -7., 20., -6., 0., -11., 16.,
            1., 18., 21., -20., 13., 0., 0., 0., 0., 0., 0., 18., 11., 8., 13., 15., 0., -9., 9.,
            -10., 3., 0., 15., 0., 0., 0., 0., 0., 0.,
        ],
    );
}

#[test]
fn convolution_in_groups() {
    let mut c = conv(["NWC", "WIO", "NWC"], &[2]);
    c.window.padding = vec![(1, 1)];
    c.feature_groups = 2;
    assert_values(
        &convolve(c, &[1, 4, 4], &[2, 2, 6]),
        &[1, 5, 6],
        &[
            -18., 14., -12., 5., 0., 3., -7., -4., 7., 0., 14., 9., 8., 7., 5., 0., -12., -1., 19.,
            -17., 4., 6., 18., 9., 4., 3., 0., 5., 16., -2.,
        ],
    );
    let mut c = conv(["NWC", "WIO", "NWC"], &[2]);
    c.batch_groups = 2;
    assert_values(
        &convolve(c, &[4, 4, 2], &[2, 2, 6]),
        &[2, 3, 6],
        &[
            0., -1., 18., 4., 3., -14., 23., 6., 7., 2., -7., 10., 1., -4., -12., -4., 8., 17., 9.,
            13., 14., 5., 14., 13., 28., -15., 4., -2., 5., 2., 2., 17., 8., -2., -12., -4.,
        ],
    );
}

#[test]
fn convolution_in_any_layout_and_backwards() {
    let c = conv(["CHWN", "IHWO", "HWNC"], &[2, 2]);
    assert_values(
        &convolve(c, &[2, 3, 3, 2], &[2, 2, 2, 3]),
        &[2, 2, 2, 3],
        &[
            10., -4., 10., 6., 14., 20., 9., 12., 21., 8., 23., 13., -8., 13., 23., 8., 21., 12.,
            31., 20., 14., 17., 10., -4.,
        ],
    );
    let mut c = conv(["NWC", "WIO", "NWC"], &[3]);
    c.window.padding = vec![(2, 2)];
    c.reversal = vec![true];
    assert_values(
        &convolve(c, &[1, 5, 1], &[3, 1, 1]),
        &[1, 7, 1],
        &[3., -5., 3., 5., 1., 0., 0.],
    );
}

#[test]
fn convolution_of_nothing() {
    let c = conv(["NWC", "WIO", "NWC"], &[2]);
    assert_values(
        &convolve(c.clone(), &[0, 4, 2], &[2, 2, 1]),
        &[0, 3, 1],
        &[],
    );
    assert_values(&convolve(c, &[1, 3, 0], &[2, 0, 1]), &[1, 2, 1], &[0., 0.]);
}
