//! Functions of `ops` in Keras's descriptions: what Keras computes with them, and gradients.

mod common;

use common::compare::{GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, close, none_failed};
use common::npz::Golden;
use refrain::data::IntoArrays;
use refrain::training::GradientFunction;
use refrain::{Literal, Model, Tensor, model_from_json, ops};
use serde_json::Value as Json;

/// The weights of the sum that gradients are of.
fn weights(of: &Literal) -> Tensor {
    let values = (0..of.to_f64().len()).map(|i| (0.7 * i as f64).cos());
    let literal = Literal::new(of.dims().to_vec(), values.collect::<Vec<f64>>());
    let literal = literal.expect("as many values").convert(of.dtype());
    let array = ndarray::ArrayD::from_shape_vec(literal.dims(), literal.to_f64());
    ops::convert_to_tensor(&array.expect("as many values").mapv(|v| v as f32))
}

/// The arrays of a case under a letter, by their numbers.
fn numbered<'g>(golden: &'g Golden, name: &str, letter: char) -> Vec<&'g Literal> {
    let keys = (0..).map(|i| format!("{name}/{letter}{i}"));
    let there = keys.take_while(|key| golden.has(key));
    there.map(|key| golden.array(&key)).collect()
}

fn check_outputs(golden: &Golden, name: &str, model: &Model) -> Result<(), String> {
    let inputs = numbered(golden, name, 'x').into_arrays();
    let found = model.predict_on_batch(inputs).map_err(|e| e.to_string())?;
    let wanted = numbered(golden, name, 'y');
    if found.len() != wanted.len() {
        return Err(format!("{} outputs, not {}", found.len(), wanted.len()));
    }
    for (i, wanted) in wanted.into_iter().enumerate() {
        let found = found.literal(i).map_err(|e| e.to_string())?;
        close(&format!("output {i}"), &found, wanted, OUTPUT_TOLERANCE)?;
    }
    Ok(())
}

fn check_gradients(golden: &Golden, name: &str, model: &Model) -> Result<(), String> {
    let outputs = model.outputs();
    let wanted = numbered(golden, name, 'y');
    let floats = outputs
        .iter()
        .zip(wanted)
        .filter(|(y, _)| y.dtype().is_float());
    let weighted = floats.map(|(y, wanted)| ops::sum(y * weights(wanted), ops::Axes::All, false));
    let score = weighted.reduce(|a, b| a + b).ok_or("no floats")?;
    let inputs = model.inputs();
    let given: Vec<(usize, &Tensor)> = inputs
        .iter()
        .enumerate()
        .filter(|(_, x)| x.dtype().is_float())
        .collect();
    let wrt: Vec<Tensor> = given.iter().map(|(_, x)| (*x).clone()).collect();
    let function = GradientFunction::new(model.input(), &score, wrt).map_err(|e| e.to_string())?;
    let arrays = numbered(golden, name, 'x').into_arrays();
    let gradients = function
        .run(arrays)
        .map_err(|e| format!("gradients: {e}"))?;
    for (place, (i, _)) in given.iter().enumerate() {
        let found = gradients.get(place).map_err(|e| e.to_string())?;
        let values: Vec<f32> = found.iter().copied().collect();
        let found = Literal::new(found.shape().to_vec(), values).expect("as many values");
        let wanted = golden.array(&format!("{name}/g{i}"));
        close(&format!("gradient {i}"), &found, wanted, GRADIENT_TOLERANCE)?;
    }
    Ok(())
}

fn check(golden: &Golden, case: &Json) -> Result<(), String> {
    let name = case["name"].as_str().expect("a name");
    let text = case["model"].as_str().expect("a text");
    let checked = model_from_json(text)
        .map_err(|e| e.to_string())
        .and_then(|model| {
            check_outputs(golden, name, &model)?;
            match case["gradient"].as_bool() {
                Some(true) => check_gradients(golden, name, &model),
                _ => Ok(()),
            }
        });
    checked.map_err(|e| format!("{name}: {e}"))
}

fn check_all(file: &str) {
    let golden = Golden::read(file);
    let cases = golden.json.as_array().expect("cases");
    none_failed(cases.iter().filter_map(|case| check(&golden, case).err()));
}

#[test]
fn functions_give_keras_s_numbers_and_gradients() {
    check_all("functions");
}

#[test]
fn functions_on_images_give_keras_s_numbers_and_gradients() {
    check_all("image_ops");
}

#[test]
fn further_functions_give_keras_s_numbers_and_gradients() {
    check_all("more_functions");
}
