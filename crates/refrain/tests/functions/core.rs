//! Models of functions that normalize, attend, compare, and write at positions.

use refrain::ops::{self, Combine};
use refrain::{DType, Input, Model, Result, Shape, Tensor, input};

use super::{Build, SAMPLES, integers, one, two, waves};

/// A model of a matrix of as many rows as samples, and as many positions.
fn at_positions(function: fn(&Tensor, &Tensor) -> Vec<Tensor>) -> Result<Model> {
    let x = Input::new([6]).batch_size(SAMPLES).tensor();
    let places = Input::new(Shape::scalar())
        .batch_size(SAMPLES)
        .dtype(DType::I32)
        .tensor();
    Model::new([&x, &places], function(&x, &places))
}

/// Positions of single elements in a matrix.
fn pairs(places: &Tensor) -> Tensor {
    ops::stack([&(places % 3), &(places + 1)], -1)
}

fn classes(function: fn(&Tensor, &Tensor) -> Tensor) -> Result<Model> {
    let (x, targets) = (input([4, 6]), integers(&[4]));
    Model::new([&x, &targets], &function(&x, &targets))
}

pub const MODELS: &[(&str, Build)] = &[
    ("batch_normalization", || {
        one(|x| {
            let variance = ops::linspace(0.5, 2.0, 4, true, DType::F32);
            let [mean, offset, scale] = [waves(&[4]), waves(&[4]), waves(&[4])];
            vec![
                ops::batch_normalization(x, &mean, &variance, 1, Some(&offset), Some(&scale), 0.1),
                ops::batch_normalization(x, &mean, &variance, -2, None, None, 1e-3),
            ]
        })
    }),
    ("binary_crossentropy", || {
        two(|a, b| {
            let target = a.sigmoid();
            vec![
                ops::binary_crossentropy(&target, b, true),
                ops::binary_crossentropy(&target, &b.square(), false),
            ]
        })
    }),
    ("categorical_crossentropy", || {
        two(|a, b| {
            let target = a.sigmoid();
            vec![
                ops::categorical_crossentropy(&target, b, true, 1),
                ops::categorical_crossentropy(&target, &b.square(), false, -1),
            ]
        })
    }),
    ("dot_product_attention", || {
        let (query, key) = (input([4, 2, 6]), input([5, 2, 6]));
        let mask = ops::tri(4, Some(5), 1, DType::Bool);
        let bias = waves(&[2, 4, 5]);
        Model::new(
            [&query, &key],
            [
                &ops::dot_product_attention(&query, &key, &key, None, None, Some(0.3), true),
                &ops::dot_product_attention(
                    &query,
                    &key,
                    &key,
                    Some(&bias),
                    Some(&mask),
                    None,
                    false,
                ),
            ],
        )
    }),
    ("in_top_k", || {
        let (x, targets) = (input([6]), integers(&[]));
        Model::new([&x, &targets], &ops::in_top_k(&targets, &x, 2))
    }),
    ("isin", || {
        let x = integers(&[4]);
        Model::new(
            &x,
            &ops::isin(&x, &ops::arange(1.0, 3.0, 1.0, DType::I32), true),
        )
    }),
    ("layer_normalization", || {
        one(|x| {
            vec![
                ops::layer_normalization(x, Some(&waves(&[6])), None, -1, Some(0.1)),
                ops::layer_normalization(
                    x,
                    Some(&waves(&[4, 6])),
                    Some(&waves(&[4, 6])),
                    [1, 2],
                    None,
                ),
            ]
        })
    }),
    ("multi_hot", || {
        let x = integers(&[4]);
        Model::new(&x, &ops::multi_hot(&x, 3, -1, DType::I32))
    }),
    ("psnr", || two(|a, b| vec![ops::psnr(a, b, 2.0)])),
    ("rms_normalization", || {
        one(|x| {
            vec![
                ops::rms_normalization(x, Some(&waves(&[6])), -1, Some(0.1)),
                ops::rms_normalization(x, None, [1, 2], None),
            ]
        })
    }),
    ("scatter", || {
        at_positions(|x, places| vec![ops::scatter(&ops::expand_dims(places, -1), x, [5, 6])])
    }),
    ("scatter_update", || {
        at_positions(|x, places| {
            let updates = waves(&[SAMPLES]);
            let reductions = [
                None,
                Some(Combine::Add),
                Some(Combine::Max),
                Some(Combine::Min),
                Some(Combine::Multiply),
            ];
            reductions
                .map(|reduction| ops::scatter_update(x, &pairs(places), &updates, reduction))
                .to_vec()
        })
    }),
    ("segment_max", || {
        at_positions(|x, ids| vec![ops::segment_max(x, ids, 4)])
    }),
    ("segment_min", || {
        at_positions(|x, ids| vec![ops::segment_min(x, ids, 4)])
    }),
    ("segment_prod", || {
        at_positions(|x, ids| vec![ops::segment_prod(x, ids, 4)])
    }),
    ("segment_sum", || {
        at_positions(|x, ids| vec![ops::segment_sum(x, ids, 2)])
    }),
    ("select", || {
        two(|a, b| {
            let conditions = [&ops::less(a, 0), &ops::greater(b, 0.5)];
            vec![ops::select(conditions, [a, b], 0.5)]
        })
    }),
    ("slice", || {
        at_positions(|x, places| vec![ops::slice(x, &places.slice(..2), [2, 3])])
    }),
    ("slice_update", || {
        at_positions(|x, places| vec![ops::slice_update(x, &places.slice(..2), &waves(&[2, 3]))])
    }),
    ("sparse_categorical_crossentropy", || {
        classes(|x, targets| ops::sparse_categorical_crossentropy(targets, x, true, -1))
    }),
    ("unravel_index", || {
        let x = integers(&[4]);
        Model::new(&x, ops::unravel_index(&(&x * 5), [2, 3, 3]))
    }),
];
