//! What functions of `ops` give for each element type, as Keras gives it.

use ndarray::array;
use refrain::data::IntoArrays;
use refrain::ops::{self, Operand, QuantileMethod};
use refrain::{DType, Input, Literal, Model, Result, Tensor};
use serde_json::Value as Json;

use crate::common::compare::none_failed;
use crate::models::{BINARY, Binary, LOGICAL, REDUCTIONS, UNARY};
use crate::read::{golden, numbers};

const TYPES: [DType; 5] = [DType::Bool, DType::U8, DType::I32, DType::F16, DType::BF16];

type Function = fn(&Tensor) -> Tensor;

/// Neighbours along a third axis.
fn pairs(x: &Tensor) -> Tensor {
    let size = x.dim(-1).expect("a known size");
    ops::reshape(x, [-1, size as i64 / 2, 2])
}

/// Functions of one tensor and what Keras has by default.
const OTHERS: [(&str, Function); 33] = [
    ("argmax", |x| ops::argmax(x, -1, false)),
    ("average", |x| ops::average(x, -1, None)),
    ("bitwise_invert", ops::bitwise_invert),
    ("celu", |x| ops::celu(x, 1.0)),
    ("clip", |x| ops::clip(x, 0.0, 3.0)),
    ("clip_fraction", |x| ops::clip(x, 0.5, 3.5)),
    ("count_nonzero", |x| ops::count_nonzero(x, -1)),
    ("cumprod", |x| ops::cumprod(x, -1)),
    ("cumsum", |x| ops::cumsum(x, -1)),
    ("diff", |x| ops::diff(x, 1, -1)),
    ("elu", |x| ops::elu(x, 1.0)),
    ("gelu", |x| ops::gelu(x, true)),
    ("hard_shrink", |x| ops::hard_shrink(x, 0.5)),
    ("isclose", |x| ops::isclose(x, x + x, 1e-5, 1e-8, false)),
    ("ldexp", |x| {
        let size = x.dim(-1).expect("a known size");
        let exponents = array![1, 2, 1, 2, 1, 2, 1, 2];
        let exponents = exponents.slice_move(ndarray::s![..size]);
        ops::ldexp(x, &exponents)
    }),
    ("leaky_relu", |x| ops::leaky_relu(x, 0.2)),
    ("log_softmax", |x| ops::log_softmax(x, -1)),
    ("nan_to_num", |x| ops::nan_to_num(x, 0.0, None, None)),
    ("norm", |x| ops::norm(x, 2.0, -1, false)),
    ("quantile", |x| {
        ops::quantile(x, 0.3, -1, QuantileMethod::Linear, false)
    }),
    ("round", |x| ops::round(x, 1)),
    ("round_tens", |x| ops::round(x, -1)),
    ("soft_shrink", |x| ops::soft_shrink(x, 0.5)),
    ("roll", |x| ops::roll(pairs(x), [1, -3], [1, 2])),
    ("roll_again", |x| ops::roll(x, [1, -3], 1)),
    ("roll_several", |x| ops::roll(pairs(x), 1, [1, 2])),
    ("trapezoid_infinite", |x| {
        ops::trapezoid(1.0 / x, None, 1.0, -1)
    }),
    ("trapezoid_points", |x| {
        let points = [0.0, 0.5, 2.0, 1.0, 4.0, 4.5, -1.0, 3.0];
        let points = &points[..x.dim(-1).expect("a known size")];
        ops::trapezoid(x, Some(points), 1.0, -1)
    }),
    ("softmax", |x| ops::softmax(x, -1)),
    ("sort", |x| ops::sort(x, -1)),
    ("squareplus", |x| ops::squareplus(x, 4.0)),
    ("threshold", |x| ops::threshold(x, 0.5, -1.0)),
    ("trapezoid", |x| ops::trapezoid(x, None, 1.0, -1)),
];

const INTEGERS: [(&str, Binary); 7] = [
    ("bitwise_and", ops::bitwise_and),
    ("bitwise_or", ops::bitwise_or),
    ("bitwise_xor", ops::bitwise_xor),
    ("gcd", ops::gcd),
    ("lcm", ops::lcm),
    ("left_shift", ops::left_shift),
    ("right_shift", ops::right_shift),
];

/// The function that a case names, of its inputs, and how many of these it takes.
fn function(case: &str, a: &Tensor, b: &Tensor) -> Option<(Tensor, usize)> {
    let (name, number) = case.split_once(' ').unwrap_or((case, ""));
    let second = match number {
        "2" => Operand::from(2),
        "2.5" => Operand::from(2.5),
        _ => b.into(),
    };
    let name = if name == "mod" { "modulo" } else { name };
    let mut binary = BINARY.iter().chain(&LOGICAL).chain(&INTEGERS);
    if let Some((_, binary)) = binary.find(|(n, _)| *n == name) {
        let count = if number.is_empty() { 2 } else { 1 };
        return Some((binary(a.into(), second), count));
    }
    if let Some((_, reduction)) = REDUCTIONS.iter().find(|(n, _)| *n == name) {
        return Some((reduction(a.clone(), (-1).into(), false), 1));
    }
    let unary = UNARY.iter().map(|(name, function, _)| (name, function));
    let others = OTHERS.iter().map(|(name, function)| (name, function));
    let found = unary.chain(others).find(|(n, _)| **n == name);
    found.map(|(_, function)| (function(a), 1))
}

/// Relative to each number, or to 1 where it is smaller.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => 1e-6,
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        _ => 0.0,
    }
}

fn compute(case: &Json, inputs: &Json) -> Result<Literal> {
    let dtype = TYPES.into_iter().find(|t| case["of"] == t.keras_name());
    let dtype = dtype.expect("a type");
    let array = |json: &Json| {
        let values = numbers(json);
        let array = Literal::new([1, values.len()], values).expect("as many values");
        array.convert(dtype)
    };
    let arrays: Vec<Literal> = [0, 1].map(|i| array(&inputs[i])).into();
    let symbol = |x: &Literal| Input::new([x.dims()[1]]).dtype(dtype).tensor();
    let (a, b) = (symbol(&arrays[0]), symbol(&arrays[1]));
    let (y, count) = function(case["name"].as_str().expect("a name"), &a, &b).expect("a function");
    let model = Model::new(&[a, b][..count], &y)?;
    let arrays = arrays[..count].iter().collect::<Vec<_>>().into_arrays();
    model.predict_on_batch(arrays)?.literal(0)
}

fn check(case: &Json, inputs: &Json) -> Option<String> {
    let what = format!("{} of {}", case["name"], case["of"]);
    let found = match compute(case, &inputs[case["of"].as_str()?]) {
        Ok(found) => found,
        Err(e) => return Some(format!("{what}: {e}")),
    };
    if case["to"] != found.dtype().keras_name() {
        return Some(format!("{what}: {}, not {}", found.dtype(), case["to"]));
    }
    let (found, wanted) = (found, numbers(&case["values"]));
    let near = |(a, b): (&f64, &f64)| {
        let limit = tolerance(found.dtype()) * b.abs().max(1.0);
        a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= limit
    };
    let values = found.to_f64();
    let same = values.len() == wanted.len() && values.iter().zip(&wanted).all(near);
    (!same).then(|| format!("{what}: {values:?}, not {wanted:?}"))
}

#[test]
fn functions_of_each_type_give_what_keras_gives() {
    let golden = golden("types");
    let (head, cases) = golden
        .as_array()
        .and_then(|all| all.split_first())
        .expect("cases");
    none_failed(cases.iter().filter_map(|case| check(case, &head["inputs"])));
}
