//! Functions of `ops` in `f64`, with the precision that it has.

use ndarray::Array1;
use refrain::data::IntoArrays;
use refrain::ops::{self, Operand, QuantileMethod};
use refrain::{DType, Input, Literal, Model, Result, Tensor};
use serde_json::Value as Json;

use crate::common::compare::none_failed;
use crate::models::{BINARY, UNARY};
use crate::read::{golden, numbers};

/// Relative to each number.
const TOLERANCE: f64 = 1e-14;

fn compute(inputs: &[Vec<f64>], function: impl Fn(&[Tensor]) -> Tensor) -> Result<Vec<f64>> {
    let symbol = |x: &Vec<f64>| Input::new([x.len()]).dtype(DType::F64).tensor();
    let tensors: Vec<Tensor> = inputs.iter().map(symbol).collect();
    let array = |x: &Vec<f64>| Literal::new([1, x.len()], x.clone()).expect("as many values");
    let arrays: Vec<Literal> = inputs.iter().map(array).collect();
    let model = Model::new(&tensors, &function(&tensors))?;
    let y = model
        .predict_on_batch(arrays.iter().collect::<Vec<_>>().into_arrays())?
        .literal(0)?;
    assert_eq!(y.dtype(), DType::F64);
    Ok(y.to_f64())
}

/// What differs, by names.
fn check(name: &str, found: Result<Vec<f64>>, wanted: &Json) -> Vec<String> {
    let found = match found {
        Ok(found) => found,
        Err(e) => return vec![format!("{name}: {e}")],
    };
    let wanted = numbers(wanted);
    assert_eq!(found.len(), wanted.len(), "{name}");
    let equal =
        |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= TOLERANCE * b.abs();
    let pairs = found.iter().zip(&wanted).enumerate();
    let misses = pairs.filter(|(_, (a, b))| !equal(**a, **b));
    misses
        .map(|(i, (a, b))| format!("{name} at {i}: {a:e}, not {b:e}"))
        .collect()
}

#[test]
fn functions_of_doubles_have_their_precision() {
    let golden = golden("doubles");
    let (x, other) = (numbers(&golden["x"]), numbers(&golden["other"]));
    let mut misses = Vec::new();
    for (name, wanted) in golden["unary"].as_object().expect("functions") {
        let (_, function, _) = UNARY.iter().find(|(n, ..)| n == name).expect("a function");
        let found = compute(std::slice::from_ref(&x), |t| function(&t[0]));
        misses.extend(check(name, found, wanted));
    }
    for (name, wanted) in golden["binary"].as_object().expect("functions") {
        let (_, function) = BINARY.iter().find(|(n, _)| n == name).expect("a function");
        let operands = [x.clone(), other.clone()];
        let found = compute(&operands, |t| function((&t[0]).into(), (&t[1]).into()));
        misses.extend(check(name, found, wanted));
    }
    none_failed(misses);
}

#[test]
fn quantiles_of_doubles_have_their_precision() {
    let golden = golden("doubles");
    let (x, parts) = (numbers(&golden["x"]), numbers(&golden["parts"]));
    let methods = [
        ("linear", QuantileMethod::Linear),
        ("midpoint", QuantileMethod::Midpoint),
        ("lower", QuantileMethod::Lower),
    ];
    let percents = ops::convert_to_tensor(&Array1::from(parts.clone()).mapv(|q| 100.0 * q));
    let parts = ops::convert_to_tensor(&Array1::from(parts));
    let mut misses = Vec::new();
    for (name, method) in methods {
        let wanted = &golden["quantile"][name];
        let of = |quantile: fn(Tensor, Operand, i64, QuantileMethod, bool) -> Tensor,
                  q: &Tensor| {
            compute(std::slice::from_ref(&x), |t| {
                quantile(t[0].clone(), q.into(), -1, method, false)
            })
        };
        misses.extend(check(name, of(ops::quantile, &parts), wanted));
        misses.extend(check(name, of(ops::nanquantile, &parts), wanted));
        misses.extend(check(name, of(ops::percentile, &percents), wanted));
    }
    none_failed(misses);
}
