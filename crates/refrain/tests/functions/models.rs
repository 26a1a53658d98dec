//! A model of each function of `ops`, its arguments away from Keras's defaults.

use ndarray::{Array, ArrayD, IxDyn, array};
use refrain::layers::{DataFormat, Padding};
use refrain::ops::{self, Axes, ConvOptions, Index, Operand, PadMode, PoolOptions};
use refrain::{DType, Input, Model, Result, Tensor, input};

#[path = "blocks.rs"]
mod blocks;
#[path = "core.rs"]
mod core;
#[path = "images.rs"]
mod images;
#[path = "numpy.rs"]
mod numpy;

/// How many samples the models take: where a kernel is an input, its first axis counts as one of samples.
pub const SAMPLES: usize = 3;

/// Functions that no file of Keras can have, that Keras on JAX does not run from one, or that draw other random numbers there.
#[allow(dead_code, reason = "what Keras opens is checked elsewhere")]
pub const NOT_IN_KERAS: [&str; 6] = [
    "bincount",
    "conv_transpose",
    "elastic_transform",
    "gradient",
    "histogram",
    "rot90",
];

/// Functions that Keras on JAX does not run with a number in place of a tensor.
const TENSORS_ALONE: [&str; 2] = ["heaviside", "hypot"];

type Make = Box<dyn Fn() -> Result<Model>>;

/// The models by their functions' names.
pub fn models() -> Vec<(&'static str, Make)> {
    let mut all: Vec<(&'static str, Make)> = Vec::new();
    let unary = UNARY.iter().map(|&(name, function, prepare)| {
        let make = move || one(|x| vec![function(&prepare(x))]);
        (name, Box::new(make) as Make)
    });
    all.extend(unary);
    let binary = BINARY.iter().map(|&(name, function)| {
        let make = move || {
            two(|a, b| match TENSORS_ALONE.contains(&name) {
                true => vec![function(a.into(), b.into())],
                false => vec![
                    function(a.into(), b.into()),
                    function(a.into(), 2.into()),
                    function(2.5.into(), b.into()),
                ],
            })
        };
        (name, Box::new(make) as Make)
    });
    all.extend(binary);
    let logical = LOGICAL.iter().map(|&(name, function)| {
        let make = move || {
            two(|a, b| {
                vec![function(
                    ops::greater(a, 0).into(),
                    ops::greater(b, 0).into(),
                )]
            })
        };
        (name, Box::new(make) as Make)
    });
    all.extend(logical);
    let reductions = REDUCTIONS.iter().map(|&(name, function)| {
        // Keras on JAX runs none that leaves NaN out over a list of axes, as files have them.
        let axes = match name.starts_with("nan") {
            true => Axes::from(-1),
            false => Axes::from([1, -1]),
        };
        let make = move || {
            one(|x| {
                vec![
                    function(x.clone(), 1.into(), true),
                    function(x.clone(), axes.clone(), false),
                ]
            })
        };
        (name, Box::new(make) as Make)
    });
    all.extend(reductions);
    let others = OTHERS
        .iter()
        .map(|&(name, make)| (name, Box::new(make) as Make));
    all.extend(others);
    let further = blocks::MODELS
        .iter()
        .chain(core::MODELS)
        .chain(numpy::MODELS)
        .chain(images::MODELS);
    all.extend(further.map(|&(name, make)| (name, Box::new(make) as Make)));
    all
}

/// A model of one input.
fn one(function: impl Fn(&Tensor) -> Vec<Tensor>) -> Result<Model> {
    let x = input([4, 6]);
    Model::new(&x, function(&x))
}

/// A model of two inputs of one shape.
fn two(function: impl Fn(&Tensor, &Tensor) -> Vec<Tensor>) -> Result<Model> {
    let (a, b) = (input([4, 6]), input([4, 6]));
    Model::new([&a, &b], function(&a, &b))
}

fn integers(shape: &[usize]) -> Tensor {
    Input::new(shape).dtype(DType::I32).tensor()
}

/// An array of waves.
fn waves(dims: &[usize]) -> Tensor {
    let place = |i: &IxDyn| {
        (0..dims.len())
            .map(|axis| (axis + 1) * i[axis])
            .sum::<usize>()
    };
    let array: ArrayD<f32> = Array::from_shape_fn(IxDyn(dims), |i| (place(&i) as f32).sin());
    ops::convert_to_tensor(&array)
}

fn same(x: &Tensor) -> Tensor {
    x.clone()
}

fn positive(x: &Tensor) -> Tensor {
    x.abs() + 0.5
}

fn above_one(x: &Tensor) -> Tensor {
    x.abs() + 1.0
}

fn inside(x: &Tensor) -> Tensor {
    x * 0.9
}

pub type Unary = fn(&Tensor) -> Tensor;

macro_rules! named {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), ops::$name)),*] };
}

macro_rules! of {
    ($($name:ident $prepare:ident),* $(,)?) => { [$((stringify!($name), ops::$name, $prepare)),*] };
}

/// Functions of one tensor, each of what lies in its domain.
pub const UNARY: [(&str, Unary, Unary); 70] = of![
    abs same, arccos inside, arccosh above_one, arcsin inside, arcsinh same, arctan same, arctanh inside, cbrt same, ceil same,
    cos same, cosh same, erf same, erfinv inside, exp same, exp2 same, expm1 same, floor same, hard_sigmoid same, hard_silu same,
    hard_tanh same, isfinite same, isinf same, isnan same, log positive, log10 positive, log1p positive, log2 positive,
    log_sigmoid same, logical_not same, mish same, negative same, ravel same, reciprocal positive, relu same, relu6 same,
    rsqrt positive, selu same, sigmoid same, sign same, silu same, sin same, sinh same, softplus same, softsign same,
    sparse_plus same, sparse_sigmoid same, sqrt positive, square same, stop_gradient same, tan same, tanh same, tanh_shrink same,
    trunc same, angle same, conjugate same, copy same, deg2rad same, erfc same, fabs same, fliplr same, flipud same, i0 same,
    imag same, isneginf same, isposinf same, isreal same, rad2deg same, real same, signbit same, sinc same,
];

pub type Binary = fn(Operand, Operand) -> Tensor;

pub const BINARY: [(&str, Binary); 25] = named![
    add,
    arctan2,
    divide,
    divide_no_nan,
    equal,
    floor_divide,
    fmax,
    fmin,
    fmod,
    greater,
    greater_equal,
    heaviside,
    hypot,
    less,
    less_equal,
    logaddexp,
    logaddexp2,
    maximum,
    minimum,
    modulo,
    multiply,
    not_equal,
    power,
    subtract,
    true_divide,
];

pub const LOGICAL: [(&str, Binary); 3] = named![logical_and, logical_or, logical_xor];

pub type Reduction = fn(Tensor, Axes, bool) -> Tensor;

pub const REDUCTIONS: [(&str, Reduction); 22] = named![
    all, amax, amin, any, logsumexp, max, mean, median, min, nanmax, nanmean, nanmedian, nanmin,
    nanprod, nanstd, nansum, nanvar, prod, ptp, std, sum, var
];

type Build = fn() -> Result<Model>;

/// Functions of other arguments.
const OTHERS: [(&str, Build); 69] = [
    ("argmax", || {
        one(|x| vec![ops::argmax(x, 1, true), ops::argmax(x, None, false)])
    }),
    ("argmin", || {
        one(|x| vec![ops::argmin(x, 1, true), ops::argmin(x, None, false)])
    }),
    ("argsort", || one(|x| vec![ops::argsort(x, 1)])),
    ("adaptive_average_pool", adaptive_average_pool),
    ("adaptive_max_pool", adaptive_max_pool),
    ("average_pool", average_pool),
    ("broadcast_to", || {
        let x = Input::new([6]).batch_size(SAMPLES).tensor();
        Model::new(&x, &ops::broadcast_to(&x, [2, SAMPLES, 6]))
    }),
    ("cast", || {
        one(|x| vec![ops::cast(x * 3, DType::I32), ops::cast(x, DType::Bool)])
    }),
    ("celu", || one(|x| vec![ops::celu(x, 0.3)])),
    ("clip", || {
        one(|x| {
            vec![
                ops::clip(x, -0.5, 0.25),
                ops::clip(x, f64::NEG_INFINITY, 0.0),
            ]
        })
    }),
    ("concatenate", || {
        two(|a, b| vec![ops::concatenate([a, b], -1), ops::concatenate([a, b], 1)])
    }),
    ("conv", conv),
    ("convert_to_tensor", || {
        one(|x| vec![x + ops::convert_to_tensor(&array![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])])
    }),
    ("count_nonzero", || {
        one(|x| vec![ops::count_nonzero(x, 1), ops::count_nonzero(x, [1, 2])])
    }),
    ("cumprod", || {
        one(|x| vec![ops::cumprod(x, 1), ops::cumprod(x, None)])
    }),
    ("cumsum", || {
        one(|x| vec![ops::cumsum(x, 1), ops::cumsum(x, None)])
    }),
    ("depthwise_conv", depthwise_conv),
    ("dot", || one(|x| vec![ops::dot(x, &waves(&[6, 5]))])),
    ("einsum", || {
        two(|a, b| {
            vec![
                ops::einsum("bij,bkj->bik", [a, b]),
                ops::einsum("bij->bj", [a]),
            ]
        })
    }),
    ("elu", || one(|x| vec![ops::elu(x, 0.3)])),
    ("expand_dims", || {
        one(|x| vec![ops::expand_dims(x, 1), ops::expand_dims(x, [1, -1])])
    }),
    ("flip", || {
        one(|x| vec![ops::flip(x, 1), ops::flip(x, [1, 2])])
    }),
    ("full_like", || {
        one(|x| {
            vec![
                ops::full_like(x, 2, Some(DType::I32)),
                ops::full_like(x, 2.5, None),
            ]
        })
    }),
    ("gelu", || {
        one(|x| vec![ops::gelu(x, false), ops::gelu(x, true)])
    }),
    ("get_item", || {
        one(|x| {
            vec![
                x.slice((.., 1..3, Index::step(-2))),
                x.slice((Index::Ellipsis, Index::NewAxis, -1)),
            ]
        })
    }),
    ("glu", || one(|x| vec![ops::glu(x, 1)])),
    ("gradient", || one(|x| vec![ops::gradient(&x.square(), x)])),
    ("hard_shrink", || one(|x| vec![ops::hard_shrink(x, 0.3)])),
    ("l2_normalize", || one(|x| vec![ops::l2_normalize(x, 1)])),
    ("leaky_relu", || one(|x| vec![ops::leaky_relu(x, 0.3)])),
    ("log_softmax", || one(|x| vec![ops::log_softmax(x, 1)])),
    ("matmul", || {
        let (a, b) = (input([4, 6]), input([6, 5]));
        Model::new([&a, &b], &ops::matmul(&a, &b))
    }),
    ("max_pool", max_pool),
    ("moments", || {
        one(|x| {
            let (a, b) = (ops::moments(x, 1, true), ops::moments(x, [1, 2], false));
            vec![a.0, a.1, b.0, b.1]
        })
    }),
    ("moveaxis", || {
        one(|x| vec![ops::moveaxis(x, 2, 1), ops::moveaxis(x, [1, 2], [2, 1])])
    }),
    ("norm", || {
        one(|x| {
            let orders = [
                0.0,
                1.0,
                2.0,
                3.0,
                2.5,
                -1.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ];
            orders.map(|order| ops::norm(x, order, 1, true)).to_vec()
        })
    }),
    ("normalize", || {
        one(|x| {
            vec![
                ops::normalize(x, 1, 3, Some(0.1)),
                ops::normalize(x, [1, 2], 2, None),
            ]
        })
    }),
    ("one_hot", || {
        let classes = integers(&[4]);
        Model::new(
            &classes,
            [
                &ops::one_hot(&classes, 5, 1, DType::I32),
                &ops::one_hot(&classes, 3, -1, DType::F32),
            ],
        )
    }),
    ("ones_like", || {
        one(|x| vec![ops::ones_like(x, Some(DType::I32)), ops::ones_like(x, None)])
    }),
    ("outer", || two(|a, b| vec![ops::outer(a, b)])),
    ("pad", || {
        one(|x| {
            let modes = [
                PadMode::Constant(0.0),
                PadMode::Constant(2.5),
                PadMode::Reflect,
                PadMode::Symmetric,
                PadMode::Edge,
                PadMode::Wrap,
            ];
            modes
                .map(|mode| ops::pad(x, [(0, 0), (1, 2), (0, 1)], mode))
                .to_vec()
        })
    }),
    ("relu_with", || {
        one(|x| vec![ops::relu_with(x, 0.1, Some(0.5), 0.2)])
    }),
    ("repeat", || one(|x| vec![ops::repeat(x, 2, 1)])),
    ("reshape", || one(|x| vec![ops::reshape(x, [-1, 3, 8])])),
    ("roll", || {
        one(|x| vec![ops::roll(x, 2, 1), ops::roll(x, [2, -1], [1, 2])])
    }),
    ("round", || {
        one(|x| vec![ops::round(x, 2), ops::round(x * 100, -1)])
    }),
    ("separable_conv", separable_conv),
    ("slice_axis", || {
        one(|x| vec![ops::slice_axis(x, 1, Some(1), Some(-1))])
    }),
    ("soft_shrink", || one(|x| vec![ops::soft_shrink(x, 0.3)])),
    ("softmax", || {
        one(|x| {
            vec![
                ops::softmax(x, 1),
                ops::softmax(x, [1, 2]),
                ops::softmax(x, Axes::All),
            ]
        })
    }),
    ("sort", || one(|x| vec![ops::sort(x, 1)])),
    ("sparsemax", || one(|x| vec![ops::sparsemax(x, 1)])),
    ("split", || {
        one(|x| [ops::split(x, 2, 1), ops::split(x, [1, 3], -1)].concat())
    }),
    ("squareplus", || one(|x| vec![ops::squareplus(x, 0.3)])),
    ("squeeze", || {
        let x = input([1, 6, 1]);
        Model::new(
            &x,
            [
                &ops::squeeze(&x, 1),
                &ops::squeeze(&x, [1, 3]),
                &ops::squeeze(&x, Axes::All),
            ],
        )
    }),
    ("stack", || {
        two(|a, b| vec![ops::stack([a, b], 1), ops::stack([a, b], -1)])
    }),
    ("swapaxes", || one(|x| vec![ops::swapaxes(x, 1, 2)])),
    ("take", take),
    ("take_along_axis", || {
        let (x, places) = (input([4, 6]), integers(&[2, 6]));
        Model::new([&x, &places], &ops::take_along_axis(&x, &(&places % 4), 1))
    }),
    ("tensordot", || {
        one(|x| vec![ops::tensordot(x, &waves(&[6, 4, 3]), [1, 2], [1, 0])])
    }),
    ("threshold", || one(|x| vec![ops::threshold(x, 0.3, -2.0)])),
    ("tile", || one(|x| vec![ops::tile(x, [1, 2, 3])])),
    ("top_k", || {
        one(|x| {
            let (values, positions) = ops::top_k(x, 3);
            vec![values, positions]
        })
    }),
    ("transpose", || {
        one(|x| vec![ops::transpose(x, Some(&[0, 2, 1])), ops::transpose(x, None)])
    }),
    ("tril", || one(|x| vec![ops::tril(x, 1)])),
    ("triu", || one(|x| vec![ops::triu(x, -1)])),
    ("unstack", || one(|x| ops::unstack(x, 1))),
    ("where_", || {
        two(|a, b| {
            vec![
                ops::where_(ops::greater(a, 0), a, b),
                ops::where_(ops::greater(a, 0), a, 0.5),
            ]
        })
    }),
    ("zeros_like", || {
        one(|x| {
            vec![
                ops::zeros_like(x, Some(DType::I32)),
                ops::zeros_like(x, None),
            ]
        })
    }),
];

fn take() -> Result<Model> {
    let (x, places) = (input([4, 6]), integers(&[2]));
    let constant = ops::convert_to_tensor(&array![0, 3, -1]);
    Model::new(
        [&x, &places],
        [&ops::take(&x, &places, 2), &ops::take(&x, &constant, 1)],
    )
}

fn images() -> Tensor {
    input([7, 8, 4])
}

fn halving() -> ConvOptions {
    ConvOptions::default().strides([2]).padding(Padding::Same)
}

fn conv() -> Result<Model> {
    let (x, series) = (images(), input([9, 4]));
    let kernel = Input::new([2, 4, 5]).batch_size(SAMPLES).tensor();
    let dilated = ConvOptions::default().dilation_rate([1, 2]);
    let first = ConvOptions::default()
        .data_format(DataFormat::ChannelsFirst)
        .strides([1, 2]);
    Model::new(
        [&x, &kernel, &series],
        [
            &ops::conv(&x, &kernel, halving()),
            &ops::conv(&x, &kernel, dilated),
            &ops::conv(&x, &waves(&[2, 3, 7, 5]), first),
            &ops::conv(&series, &waves(&[3, 4, 2]), halving()),
        ],
    )
}

fn depthwise_conv() -> Result<Model> {
    let x = images();
    let first = halving().data_format(DataFormat::ChannelsFirst);
    Model::new(
        &x,
        [
            &ops::depthwise_conv(&x, &waves(&[3, 2, 4, 2]), halving()),
            &ops::depthwise_conv(&x, &waves(&[3, 2, 7, 2]), first),
        ],
    )
}

fn separable_conv() -> Result<Model> {
    let x = images();
    let mixing = waves(&[1, 1, 8, 5]);
    Model::new(
        &x,
        &ops::separable_conv(&x, &waves(&[3, 2, 4, 2]), &mixing, halving()),
    )
}

fn pools() -> [PoolOptions; 3] {
    let pool = PoolOptions::new([2, 3]);
    [
        pool.clone(),
        pool.clone().strides([1, 2]).padding(Padding::Same),
        pool.data_format(DataFormat::ChannelsFirst),
    ]
}

fn adaptive_max_pool() -> Result<Model> {
    let x = input([5, 7, 2]);
    Model::new(
        &x,
        ops::adaptive_max_pool(&x, [2, 3], DataFormat::ChannelsLast),
    )
}

fn adaptive_average_pool() -> Result<Model> {
    let x = input([2, 7]);
    Model::new(
        &x,
        ops::adaptive_average_pool(&x, [3], DataFormat::ChannelsFirst),
    )
}

fn max_pool() -> Result<Model> {
    let x = images();
    Model::new(&x, pools().map(|options| ops::max_pool(&x, options)))
}

fn average_pool() -> Result<Model> {
    let x = images();
    Model::new(&x, pools().map(|options| ops::average_pool(&x, options)))
}
