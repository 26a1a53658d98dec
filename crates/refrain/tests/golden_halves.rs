//! A model of `bfloat16` and of `float16` as Keras computes it, layer by layer.
//!
//! Both compute in `f32` and round each operation's result. They add in other orders and have other functions, so that a result
//! close to the middle of two numbers may be rounded to the other one: one unit in the last place, where the layer's output is largest,
//! from each layer to the next.

#[path = "../src/data/golden.rs"]
#[allow(dead_code)]
mod golden;

use golden::{Golden, assert_relative};
use refrain::{DType, Result, model_from_json};
use serde_json::Value as Json;

/// Units in the last place of the largest number by which the output of a layer may differ: one of its own, and what the layers
/// before it differ by.
const UNITS: f64 = 2.0;

/// The distance from 1 to the next larger number.
fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::BF16 => 2f64.powi(-7),
        DType::F16 => 2f64.powi(-10),
        _ => panic!("a type of 16 bits"),
    }
}

fn check(golden: &mut Golden, case: &Json) -> Result<()> {
    let model = model_from_json(case["model"].as_str().expect("a model"))?;
    let keys = case["weights"].as_array().expect("weights");
    let weights = model.weights();
    assert_eq!(weights.len(), keys.len());
    let dtype = weights[0].dtype();
    assert_eq!(case["dtype"], dtype.keras_name());
    for (weight, key) in weights.iter().zip(keys) {
        weight.assign(golden.array(key).convert(dtype))?;
    }
    let x = golden.array(&case["input"]).convert(dtype);
    let predictions = model.predict_on_batch(&x)?;
    let layers = case["layers"].as_array().expect("layers");
    assert_eq!(predictions.len(), layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let name = layer["name"].as_str().expect("a name");
        let got = predictions.literal(i)?;
        let expected = golden.array(&layer["output"]);
        let what = format!("{dtype}, {name}");
        assert_relative(&what, &got, &expected, UNITS * unit(dtype));
    }
    Ok(())
}

#[test]
fn models_of_16_bits_compute_what_keras_computes() -> Result<()> {
    let mut golden = Golden::open("halves");
    let cases = golden.cases.as_array().cloned().expect("cases");
    assert_eq!(cases.len(), 2);
    for case in &cases {
        check(&mut golden, case)?;
    }
    Ok(())
}
