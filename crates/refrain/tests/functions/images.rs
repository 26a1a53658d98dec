//! Models of functions on images.

use ndarray::array;
use refrain::layers::{DataFormat, FillMode, Interpolation, Padding};
use refrain::ops;
use refrain::ops::image::{self, Margins, Sampling, SsimOptions};
use refrain::{Input, Model, Result, Tensor, input};

use super::{Build, SAMPLES, waves};

const FIRST: DataFormat = DataFormat::ChannelsFirst;
const LAST: DataFormat = DataFormat::ChannelsLast;

/// A model of images.
fn of_images(function: impl Fn(&Tensor) -> Vec<Tensor>) -> Result<Model> {
    let x = input([4, 6, 3]);
    Model::new(&x, function(&x))
}

/// A model of images with the channels first.
fn of_first(function: impl Fn(&Tensor, &Tensor) -> Vec<Tensor>) -> Result<Model> {
    let (a, b) = (input([3, 6, 4]), input([3, 6, 4]));
    Model::new([&a, &b], function(&a, &b))
}

fn nearest() -> Sampling {
    Sampling::default()
        .interpolation(Interpolation::Nearest)
        .fill_value(0.3)
}

pub const MODELS: &[(&str, Build)] = &[
    ("affine_transform", || {
        of_images(|x| {
            let transform = waves(&[SAMPLES, 8]);
            let first = nearest().fill_mode(FillMode::Mirror).data_format(FIRST);
            vec![
                image::affine_transform(x, &transform, Sampling::default()),
                image::affine_transform(x, &transform, first),
            ]
        })
    }),
    ("crop_images", || {
        of_images(|x| {
            let margins = Margins::default().top(1).bottom(1).left(2).width(3);
            vec![image::crop_images(x, margins)]
        })
    }),
    ("elastic_transform", || {
        of_images(|x| {
            let how = Sampling::default().fill_mode(FillMode::Wrap);
            vec![image::elastic_transform(x, 3.0, 0.5, 7, how)]
        })
    }),
    ("extract_patches", || {
        of_first(|x, _| {
            vec![
                image::extract_patches(x, [2, 3], None, 1, Padding::Valid, FIRST),
                image::extract_patches(x, [2], Some(vec![1]), 2, Padding::Same, LAST),
            ]
        })
    }),
    ("extract_patches_3d", || {
        let x = input([4, 3, 5, 2]);
        let y = image::extract_patches_3d(&x, [2, 1, 2], None, 1, Padding::Same, LAST);
        Model::new(&x, &y)
    }),
    ("gaussian_blur", || {
        of_first(|x, _| vec![image::gaussian_blur(x, (3, 5), (0.7, 1.3), FIRST)])
    }),
    ("hsv_to_rgb", || {
        of_first(|x, _| vec![image::hsv_to_rgb(&x.sigmoid(), FIRST)])
    }),
    ("map_coordinates", || {
        let x = Input::new([6]).batch_size(SAMPLES).tensor();
        let y = |order, mode| image::map_coordinates(&x, &waves(&[2, 5]), order, mode, 0.3);
        Model::new(&x, [&y(1, FillMode::Reflect), &y(0, FillMode::Constant)])
    }),
    ("pad_images", || {
        of_images(|x| {
            let margins = Margins::default().top(1).height(7).left(2).right(3);
            vec![image::pad_images(x, margins)]
        })
    }),
    ("perspective_transform", || {
        let x = Input::new([4, 6, 3]).batch_size(SAMPLES).tensor();
        let corners = array![[0.0_f32, 0.0], [5.0, 0.0], [0.0, 3.0], [5.0, 3.0]];
        let moved = &corners + &array![[0.3_f32, -0.4], [0.2, 0.7], [0.6, -0.1], [-1.2, 0.5]];
        let points = [corners, moved].map(|points| {
            let each = points
                .broadcast((SAMPLES, 4, 2))
                .expect("a batch")
                .to_owned();
            ops::convert_to_tensor(&each)
        });
        Model::new(
            &x,
            &image::perspective_transform(&x, &points[0], &points[1], nearest()),
        )
    }),
    ("rgb_to_grayscale", || {
        of_first(|x, _| vec![image::rgb_to_grayscale(x, FIRST)])
    }),
    ("rgb_to_hsv", || {
        of_first(|x, _| vec![image::rgb_to_hsv(&x.sigmoid(), FIRST)])
    }),
    ("scale_and_translate", || {
        // Keras wants to know all sizes.
        let x = Input::new([4, 6, 3]).batch_size(SAMPLES).tensor();
        let scale = ops::convert_to_tensor(&array![1.7_f32, 0.6]);
        let (shift, shape) = (waves(&[2]), [SAMPLES, 5, 4, 3]);
        let method = Interpolation::Lanczos3;
        let y = image::scale_and_translate(&x, shape, &scale, &shift, [1, 2], method, false);
        Model::new(&x, &y)
    }),
    ("sobel_edges", || {
        of_first(|x, _| vec![image::sobel_edges(x, FIRST)])
    }),
    ("ssim", || {
        of_first(|a, b| {
            let options = SsimOptions::default().max_val(2.0).filter_size(3_usize);
            vec![image::ssim(a, b, options.k2(0.1).data_format(FIRST))]
        })
    }),
];
