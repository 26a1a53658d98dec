//! Models of further functions of NumPy.

use refrain::ops::{self, Axes, QuantileMethod};
use refrain::{DType, Input, Model, Result, Tensor, input};

use super::{Build, SAMPLES, integers, one, two, waves};

/// A model of two inputs of integers from 0 to 3.
fn of_integers(function: fn(&Tensor, &Tensor) -> Tensor) -> Result<Model> {
    let (a, b) = (integers(&[4, 6]), integers(&[4, 6]));
    Model::new(
        [&a, &b],
        [&function(&(&a * 5), &b), &function(&a, &(&b + 2))],
    )
}

/// A model of an input without samples.
fn fixed(shape: &[usize], function: fn(&Tensor) -> Vec<Tensor>) -> Result<Model> {
    let x = Input::new(shape).batch_size(SAMPLES).tensor();
    Model::new(&x, function(&x))
}

type Quantile = fn(Tensor, f64, Axes, QuantileMethod, bool) -> Tensor;

/// Over all axes: Keras on JAX does not run its own along others from files.
fn quantile(function: Quantile, q: f64) -> Result<Model> {
    let methods = [
        QuantileMethod::Lower,
        QuantileMethod::Nearest,
        QuantileMethod::Midpoint,
    ];
    one(|x| {
        let of = |method| function(x.clone(), q, Axes::All, method, true);
        methods.map(of).to_vec()
    })
}

pub const MODELS: &[(&str, Build)] = &[
    ("allclose", || {
        two(|a, b| vec![ops::allclose(a, b, 0.1, 0.2, true)])
    }),
    ("append", || {
        two(|a, b| vec![ops::append(a, b, 1), ops::append(a, b, None)])
    }),
    ("arange", || {
        one(|x| vec![x + ops::arange(1.0, 2.5, 0.25, DType::F32)])
    }),
    ("array_split", || one(|x| ops::array_split(x, 4, 2))),
    ("average", || {
        two(|a, b| {
            vec![
                ops::average(a, 1, Some(&b.abs())),
                ops::average(a, Axes::All, None),
            ]
        })
    }),
    ("bartlett", || one(|x| vec![x + ops::bartlett(6)])),
    ("bitwise_and", || of_integers(|a, b| ops::bitwise_and(a, b))),
    ("bitwise_invert", || {
        let x = integers(&[4]);
        Model::new(&x, &ops::bitwise_invert(&x))
    }),
    ("bitwise_left_shift", || {
        of_integers(|a, b| ops::bitwise_left_shift(a, b))
    }),
    ("bitwise_not", || {
        let x = integers(&[4]);
        Model::new(&x, &ops::bitwise_not(&x))
    }),
    ("bitwise_or", || of_integers(|a, b| ops::bitwise_or(a, b))),
    ("bitwise_right_shift", || {
        of_integers(|a, b| ops::bitwise_right_shift(a, b))
    }),
    ("bitwise_xor", || of_integers(|a, b| ops::bitwise_xor(a, b))),
    ("blackman", || one(|x| vec![x + ops::blackman(6)])),
    ("cdist", || {
        let (a, b) = (input([4, 6]), input([5, 6]));
        Model::new([&a, &b], &ops::cdist(&a, &b))
    }),
    ("corrcoef", || fixed(&[6], |x| vec![ops::corrcoef(x)])),
    ("cross", || {
        let (a, b) = (input([4, 3]), input([4, 3]));
        Model::new([&a, &b], &ops::cross(&a, &b, 2))
    }),
    ("diag", || {
        fixed(&[6], |x| {
            vec![ops::diag(x, 1), ops::diag(ops::sum(x, 1, false), -1)]
        })
    }),
    ("diagflat", || fixed(&[6], |x| vec![ops::diagflat(x, 2)])),
    ("diagonal", || one(|x| vec![ops::diagonal(x, 1, 2, 1)])),
    ("diff", || one(|x| vec![ops::diff(x, 2, 1)])),
    ("digitize", || {
        one(|x| {
            vec![ops::digitize(
                x,
                &ops::linspace(-1.0, 1.0, 5, true, DType::F32),
            )]
        })
    }),
    ("dsplit", || one(|x| ops::dsplit(x, [2, 3]))),
    ("dstack", || two(|a, b| vec![ops::dstack([a, b])])),
    ("empty", || one(|x| vec![x + ops::empty([6], DType::F32)])),
    ("empty_like", || {
        one(|x| vec![ops::empty_like(x, Some(DType::I32))])
    }),
    ("eye", || {
        one(|x| vec![x + ops::eye(4, Some(6), -1, DType::F32)])
    }),
    ("full", || {
        one(|x| vec![x * ops::full([4, 1], 0.5, DType::F32)])
    }),
    ("gcd", || of_integers(|a, b| ops::gcd(a, b))),
    ("geomspace", || {
        one(|x| vec![x + ops::geomspace(0.1, 20.0, 6, false, DType::F32)])
    }),
    ("hamming", || one(|x| vec![x + ops::hamming(6)])),
    ("hanning", || one(|x| vec![x + ops::hanning(6)])),
    ("histogram", || {
        fixed(&[], |x| {
            let (counts, bounds) = ops::histogram(x, 4, Some((-1.0, 0.5)));
            vec![counts, bounds]
        })
    }),
    ("hsplit", || one(|x| ops::hsplit(x, 2))),
    ("hstack", || two(|a, b| vec![ops::hstack([a, b])])),
    ("identity", || {
        one(|x| vec![ops::matmul(x, &ops::identity(6, DType::F32))])
    }),
    ("inner", || one(|x| vec![ops::inner(x, &waves(&[5, 6]))])),
    ("isclose", || {
        two(|a, b| vec![ops::isclose(a, b, 0.1, 0.2, true)])
    }),
    ("kaiser", || one(|x| vec![x + ops::kaiser(6, 8.6)])),
    ("kron", || one(|x| vec![ops::kron(x, &waves(&[2, 3]))])),
    ("lcm", || of_integers(|a, b| ops::lcm(a, b))),
    ("ldexp", || {
        let (x, exponents) = (input([4]), integers(&[4]));
        Model::new([&x, &exponents], &ops::ldexp(&x, &exponents))
    }),
    ("left_shift", || of_integers(|a, b| ops::left_shift(a, b))),
    ("linspace", || {
        one(|x| vec![x + ops::linspace(-1.0, 2.0, 6, false, DType::F32)])
    }),
    ("logspace", || {
        one(|x| vec![x + ops::logspace(0.0, 1.0, 6, true, 3.0, DType::F32)])
    }),
    ("meshgrid", || {
        fixed(&[], |x| {
            let other = waves(&[4]);
            [
                ops::meshgrid([x, &other], true),
                ops::meshgrid([x, &other], false),
            ]
            .concat()
        })
    }),
    ("nan_to_num", || {
        one(|x| vec![ops::nan_to_num(x.log(), 2.0, Some(3.0), Some(-4.0))])
    }),
    ("nanargmax", || {
        one(|x| {
            vec![
                ops::nanargmax(x.log(), 1, true),
                ops::nanargmax(x, None, false),
            ]
        })
    }),
    ("nanargmin", || {
        one(|x| {
            vec![
                ops::nanargmin(x.log(), 1, true),
                ops::nanargmin(x, None, false),
            ]
        })
    }),
    ("nancumprod", || one(|x| vec![ops::nancumprod(x.log(), 1)])),
    ("nancumsum", || one(|x| vec![ops::nancumsum(x.log(), 1)])),
    ("nanpercentile", || quantile(ops::nanpercentile, 30.0)),
    ("nanquantile", || quantile(ops::nanquantile, 0.3)),
    ("ones", || one(|x| vec![x + ops::ones([4, 6], DType::F32)])),
    ("percentile", || quantile(ops::percentile, 30.0)),
    // Keras's `Quantile` leaves its method out of the call.
    ("quantile", || {
        let linear = QuantileMethod::Linear;
        one(|x| vec![ops::quantile(x, 0.3, Axes::All, linear, true)])
    }),
    ("right_shift", || of_integers(|a, b| ops::right_shift(a, b))),
    ("rot90", || one(|x| vec![ops::rot90(x, 3, [2, 1])])),
    ("saturate_cast", || {
        one(|x| vec![ops::saturate_cast(x * 300, DType::U8)])
    }),
    ("searchsorted", || {
        one(|x| {
            vec![ops::searchsorted(
                &ops::linspace(-1.0, 1.0, 5, true, DType::F32),
                x,
                true,
            )]
        })
    }),
    ("trace", || one(|x| vec![ops::trace(x, -1, 2, 1)])),
    ("trapezoid", || {
        one(|x| {
            vec![
                ops::trapezoid(x, None, 0.5, 1),
                ops::trapezoid(x, Some(&[0.0, 0.5, 2.0, 1.0]), 1.0, 1),
            ]
        })
    }),
    ("tri", || {
        one(|x| vec![x + ops::tri(4, Some(6), 1, DType::F32)])
    }),
    ("vander", || {
        fixed(&[], |x| vec![ops::vander(x, Some(4), true)])
    }),
    ("vdot", || two(|a, b| vec![ops::vdot(a, b)])),
    ("vsplit", || fixed(&[6], |x| ops::vsplit(x, [1]))),
    ("vstack", || two(|a, b| vec![ops::vstack([a, b])])),
    ("zeros", || one(|x| vec![x + ops::zeros([6], DType::F32)])),
];
