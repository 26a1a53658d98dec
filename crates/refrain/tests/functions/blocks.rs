//! Models of functions of blocks, alignments, orders and patterns.

use refrain::layers::{DataFormat, Padding};
use refrain::ops::{self, Axes, BlockOptions, ConvOptions, CorrelateMode, CtcStrategy};
use refrain::{DType, Input, Model, Result, Shape, Tensor, input};

use super::{Build, SAMPLES, integers, one, two};

/// Blocks with every option away from its default.
fn blocks() -> BlockOptions {
    let blocks = BlockOptions::new([3, 2]).dilation([1, 2]);
    blocks.padding([2, 1]).stride([2, 1])
}

fn images(function: fn(&Tensor) -> Vec<Tensor>) -> Result<Model> {
    let x = input([4, 6, 4]);
    Model::new(&x, function(&x))
}

/// A vector of as many elements as there are samples.
fn vector() -> Tensor {
    Input::new(Shape::scalar()).batch_size(SAMPLES).tensor()
}

pub const MODELS: &[(&str, Build)] = &[
    ("argpartition", || {
        one(|x| vec![ops::argpartition(x, 2, -1), ops::argpartition(x, -3, 1)])
    }),
    ("associative_scan", || {
        two(|a, b| {
            let combine = |left: &[Tensor], right: &[Tensor]| {
                Ok(vec![&left[0] * &right[0], &left[1] * &right[0] + &right[1]])
            };
            let elems = [a.clone(), b.clone()];
            let found = [(false, 1), (true, -1)]
                .map(|(reverse, axis)| ops::associative_scan(&combine, &elems, reverse, axis));
            found.into_iter().flatten().flatten().collect()
        })
    }),
    ("bincount", || {
        let x = integers(&[4]);
        Model::new(&x, &ops::bincount(&x, None, 6))
    }),
    ("cond", || {
        one(|x| {
            let large = ops::greater(ops::max(x, Axes::All, false), 0.5);
            let found = ops::cond(&large, || Ok(vec![x / 2]), || Ok(vec![-x]));
            found.expect("branches of one shape")
        })
    }),
    ("conv_transpose", || {
        let x = input([4, 6, 2]);
        let kernel = Input::new([2, 5, 2]).batch_size(SAMPLES).tensor();
        let options = ConvOptions::default().strides([2, 3]);
        let options = options.padding(Padding::Same);
        let first = ConvOptions::default().data_format(DataFormat::ChannelsFirst);
        Model::new(
            [&x, &kernel],
            [
                &ops::conv_transpose(&x, &kernel, options, Some(&[1, 0])),
                &ops::conv_transpose(&ops::moveaxis(&x, -1, 1), &kernel, first, None),
            ],
        )
    }),
    ("correlate", || {
        let (a, b) = (vector(), vector());
        let modes = [
            CorrelateMode::Valid,
            CorrelateMode::Same,
            CorrelateMode::Full,
        ];
        Model::new(
            [&a, &b],
            modes.map(|mode| ops::correlate(&a, &b, mode)).to_vec(),
        )
    }),
    ("ctc_decode", || {
        let (x, lengths) = (input([4, 6]), integers(&[]));
        let strategy = CtcStrategy::Greedy {
            merge_repeated: false,
        };
        let (labels, scores) = ops::ctc_decode(&x, &lengths, strategy, Some(2));
        Model::new([&x, &lengths], [&labels, &scores])
    }),
    ("ctc_loss", || {
        let (x, labels, lengths) = (input([4, 6]), integers(&[3]), integers(&[]));
        let losses = ops::ctc_loss(&labels, &x, &lengths, &(&lengths + 1), 5);
        Model::new([&x, &labels, &lengths], &losses)
    }),
    ("depth_to_space", || {
        images(|x| {
            vec![
                ops::depth_to_space(x, 2, DataFormat::ChannelsLast),
                ops::depth_to_space(x, 2, DataFormat::ChannelsFirst),
            ]
        })
    }),
    ("extract_sequences", || {
        one(|x| vec![ops::extract_sequences(x, 3, 2)])
    }),
    ("fold", || {
        images(|x| vec![ops::fold(ops::unfold(x, blocks()), [6, 4], blocks())])
    }),
    ("nextafter", || two(|a, b| vec![ops::nextafter(a, b)])),
    ("rearrange", || {
        // Keras needs to know all sizes.
        let x = Input::new([4, 6, 4]).batch_size(SAMPLES).tensor();
        Model::new(
            &x,
            &ops::rearrange(&x, "b (h p) w c -> b (p c) w h", &[("p", 2)]),
        )
    }),
    ("size", || {
        one(|x| vec![x * ops::cast(ops::size(x), x.dtype())])
    }),
    ("space_to_depth", || {
        images(|x| {
            vec![
                ops::space_to_depth(x, 2, DataFormat::ChannelsLast),
                ops::space_to_depth(x, 2, DataFormat::ChannelsFirst),
            ]
        })
    }),
    ("switch", || {
        one(|x| {
            let index = ops::cast(ops::max(x, Axes::All, false) * 1.5, DType::I32);
            let double = |x: &[Tensor]| Ok(vec![&x[0] * 2]);
            let negative = |x: &[Tensor]| Ok(vec![-&x[0]]);
            let found = ops::switch(
                &index,
                &[&double, &negative, &double],
                std::slice::from_ref(x),
            );
            found.expect("branches of one shape")
        })
    }),
    ("unfold", || images(|x| vec![ops::unfold(x, blocks())])),
    ("unique", || {
        let x = Input::new([6]).batch_size(SAMPLES).tensor();
        let rounded = ops::round(&(&x * 2), 0);
        let rows = ops::unique(&rounded, Some(1), 4, None);
        let all = ops::unique(&rounded, None, 9, Some(0.5));
        Model::new(
            &x,
            [
                &all.values,
                &all.inverse,
                &all.counts,
                &rows.values,
                &rows.indices,
            ],
        )
    }),
];
