//! Arrays and flags as arguments of calls, in descriptions of Keras 3 and Keras 2: the numbers that Keras computes, and kept in files.

mod common;

use common::compare::{close, none_failed};
use common::npz::Golden;
use ndarray::array;
use refrain::layers::*;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::{DType, Inputs, Literal, Model, Result, input, model_from_json, ops};

const TOLERANCE: f64 = 1e-5;
const TRAINING_TOLERANCE: f64 = 1e-4;

/// Models of Keras 2 with a `training` of their own, which counts for nothing in files of Keras 3.
const KERAS_3_OVERRIDES: [&str; 4] = [
    "normalization_as_in_prediction",
    "normalization_as_in_fitting",
    "stack_as_in_prediction",
    "inner_flag_before_outer",
];

fn set_weights(model: &Model, golden: &Golden, name: &str) -> Result<()> {
    let weights = model.weights();
    for (i, weight) in weights.iter().enumerate() {
        weight.assign(golden.array(&format!("{name}/w{i}")).clone())?;
    }
    assert!(!golden.has(&format!("{name}/w{}", weights.len())), "{name}");
    Ok(())
}

fn predict(model: &Model, x: &Literal) -> Result<Literal> {
    model.predict(x).batch_size(x.dims()[0]).run()?.literal(0)
}

/// Predictions, then three steps of training.
fn check(model: &Model, golden: &Golden, name: &str) -> std::result::Result<(), String> {
    let text = |e: refrain::Error| format!("{name}: {e}");
    set_weights(model, golden, name).map_err(text)?;
    let x = golden.array(&format!("{name}/x"));
    let y = predict(model, x).map_err(text)?;
    close(name, &y, golden.array(&format!("{name}/y")), TOLERANCE)?;
    if !golden.has(&format!("{name}/t")) {
        return Ok(());
    }
    let target = golden.array(&format!("{name}/t"));
    let losses = golden.array(&format!("{name}/losses"));
    let losses = losses.values::<f32>().expect("floats");
    let compiled = model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run();
    compiled.map_err(text)?;
    for (step, expected) in losses.iter().enumerate() {
        model.reset_metrics().map_err(text)?;
        let logs = model.train_on_batch(x, target).run().map_err(text)?;
        let apart = (logs.loss() - f64::from(*expected)).abs();
        if apart > TRAINING_TOLERANCE * f64::from(expected.abs().max(1.0)) {
            return Err(format!(
                "{name}: loss {} in step {step}, not {expected}",
                logs.loss()
            ));
        }
    }
    Ok(())
}

fn check_all(file: &str) {
    let golden = Golden::read(file);
    let cases = golden.json.as_array().expect("cases");
    none_failed(cases.iter().filter_map(|case| {
        let name = case["name"].as_str().expect("a name");
        let loaded = model_from_json(case["model"].as_str().expect("a text"));
        let model = loaded.map_err(|e| format!("{name}: {e}"));
        model.and_then(|model| check(&model, &golden, name)).err()
    }));
}

#[test]
fn arguments_of_keras_3_count() {
    check_all("arguments");
}

#[test]
fn arguments_of_keras_2_count() {
    check_all("arguments_keras2");
}

#[test]
fn arguments_are_written_as_they_were_read() {
    for file in ["arguments", "arguments_keras2"] {
        let golden = Golden::read(file);
        for case in golden.json.as_array().expect("cases") {
            let name = case["name"].as_str().expect("a name");
            let model = model_from_json(case["model"].as_str().expect("a text")).expect(name);
            let same = model_from_json(case["model"].as_str().expect("a text")).expect(name);
            assert_eq!(same.to_json(), model.to_json(), "{name}");
            let again = model_from_json(&model.to_json()).expect(name);
            let once_more = model_from_json(&again.to_json()).expect(name);
            assert_eq!(once_more.to_json(), again.to_json(), "{name}");
            let other = [
                "_of_both",
                "_of_one",
                "_values",
                "_attentions",
                "_in_model_",
                "_steps",
            ];
            let other = other.iter().any(|part| name.contains(part));
            if KERAS_3_OVERRIDES.contains(&name) || file == "arguments_keras2" && other {
                continue;
            }
            check(&again, &golden, name).expect("the same numbers");
        }
    }
}

/// What Keras 3 computes of models of Keras 2 in the form that is made for it.
#[test]
fn masks_of_keras_2_are_written_for_keras() {
    let golden = Golden::read("arguments_keras2");
    for case in golden.json.as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        // What TensorFlow's functions lose, Keras 3 keeps; the loss of masked outputs leaves other steps out.
        let other = ["_same_", "_attentions", "_steps"];
        let other = other.iter().any(|part| name.contains(part));
        if !name.starts_with("masked") || other {
            continue;
        }
        let model = model_from_json(case["model"].as_str().expect("a text")).expect(name);
        let copy = model.for_keras().expect(name);
        check(&copy, &golden, name).expect("the same numbers");
        let read = model_from_json(&copy.to_json()).expect(name);
        check(&read, &golden, name).expect("the same numbers");
    }
}

#[test]
fn explicit_masks_of_models_that_share_layers_are_refused_for_keras() -> Result<()> {
    let (x, inner, shared) = (input([3, 4]), input([3, 4]), Dense::new(4));
    let mask = refrain::Input::new([3]).dtype(DType::Bool).tensor();
    let nested = Model::new(&inner, &Lstm::new(2).call(shared.call(&inner)?)?)?;
    let masked = nested.call(Inputs::new(&x).kwarg("mask", &mask))?;
    let model = Model::new([&x, &mask], [&masked, &shared.call(&x)?])?;
    refused(model.for_keras(), &[nested.get_name(), "mask"]);
    Ok(())
}

fn refused(result: Result<impl Sized>, words: &[&str]) {
    let error = result
        .err()
        .unwrap_or_else(|| panic!("no error with {words:?}"));
    let error = error.to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn constants_stand_beside_tensors_in_rust() -> Result<()> {
    let x = input([3]);
    let kernel = ops::convert_to_tensor(&array![[1.0f32, 2.0], [0.0, 1.0], [0.5, 0.0]]);
    let y = ops::matmul(&x, &kernel) + &array![10.0f64, 20.0];
    let y = ops::concatenate([&y, &(&x * &array![1, 2, 3])], -1);
    let model = Model::new(&x, &y)?;
    let data = array![[1.0f32, 2.0, 4.0]];
    let expected = [13.0, 24.0, 1.0, 4.0, 12.0];
    for model in [&model, &model_from_json(&model.to_json())?] {
        let got = model.predict(&data).run()?.literal(0)?;
        assert_eq!(got.values::<f32>().expect("floats"), expected);
    }
    Ok(())
}

#[test]
fn wide_constants_keep_their_width_where_it_counts() -> Result<()> {
    let x = refrain::Input::new([2]).dtype(DType::F64).tensor();
    let third = array![1.0f64 / 3.0, 2.0 / 3.0];
    let model = Model::new(&x, &(&x + &third))?;
    let got = model.predict(&array![[0.0f64, 0.0]]).run()?.literal(0)?;
    assert_eq!(got.values::<f64>().expect("doubles"), [third[0], third[1]]);
    Ok(())
}

#[test]
fn arguments_that_a_layer_has_no_use_for_are_refused() {
    let (x, mask) = (
        input([5, 3]),
        ops::convert_to_tensor(&array![[true, false]]),
    );
    let with = |name: &str| Inputs::new(&x).kwarg(name, &mask);
    refused(
        Dense::new(2).call(with("mask")),
        &["layer `dense`", "`mask`"],
    );
    refused(
        Dense::new(2).call(Inputs::new(&x).arg(&x)),
        &["positional", "number 2"],
    );
    refused(
        Lstm::new(2).call(with("attention_mask")),
        &["`attention_mask`"],
    );
    let masks = Inputs::new(&x).kwarg("mask", [&mask, &mask]);
    refused(Lstm::new(2).call(masks), &["`mask`"]);
    let values = Inputs::new(&x).arg([&x, &x]);
    refused(MultiHeadAttention::new(1, 2).call(values), &["positional"]);
    let not_a_flag = Inputs::new(&x).arg(&x).kwarg("use_causal_mask", &mask);
    refused(
        MultiHeadAttention::new(1, 2).call(not_a_flag),
        &["`use_causal_mask`"],
    );
    let not_a_tensor = Inputs::new(&x).arg(&x).option("attention_mask", 3);
    refused(
        MultiHeadAttention::new(1, 2).call(not_a_tensor),
        &["`attention_mask`"],
    );
    assert!(
        Dense::new(2)
            .call(Inputs::new(&x).option("training", true))
            .is_ok()
    );
}

#[test]
fn constants_alone_make_no_call() {
    let constant = ops::convert_to_tensor(&array![[1.0f32, 2.0]]);
    refused(
        Dense::new(2).call(&constant),
        &["constants only", "beforehand"],
    );
    refused((&constant + 1.0).checked(), &["constants only"]);
    refused(Model::new(input([2]), &constant).map(|_| ()), &["symbolic"]);
    let x = input([2]);
    refused(Model::new(&x, [&x, &constant]).map(|_| ()), &["symbolic"]);
}

#[test]
fn constants_of_other_sizes_are_refused_at_the_call() {
    let x = input([5, 3]);
    let states = ops::convert_to_tensor(&array![[0.0f32, 1.0, 2.0]]);
    let given = Inputs::new(&x).kwarg("initial_state", [&states, &states]);
    refused(
        Lstm::new(2).call(given),
        &["initial states of shape (None, 2)"],
    );
    let mask = ops::convert_to_tensor(&array![[true, false]]);
    refused(
        Lstm::new(2).call(Inputs::new(&x).kwarg("mask", &mask)),
        &["a mask of shape (None, 5)"],
    );
    refused(ops::matmul(&x, &states).checked(), &["3"]);
}

#[test]
fn copies_and_parts_of_models_keep_constants() -> Result<()> {
    let x = input([2]);
    let doubled = &x * 2.0;
    let y = (&doubled + &array![1.0f32, 10.0]).square();
    let model = Model::new(&x, &y)?;
    let data = array![[1.0f32, 2.0]];
    let predict = |model: &Model| model.predict(&data).run()?.literal(0);
    let copy = refrain::clone_model(&model)?;
    assert_eq!(predict(&copy)?.values::<f32>(), Some(&[9.0, 196.0][..]));
    let tail = Model::new(&doubled, &y)?;
    assert_eq!(predict(&tail)?.values::<f32>(), Some(&[4.0, 144.0][..]));
    let nested = Model::new(&x, &model.call(&x)?)?;
    assert_eq!(predict(&nested)?.values::<f32>(), Some(&[9.0, 196.0][..]));
    assert!(nested.summary().to_string().contains("functional"));
    Ok(())
}

#[test]
fn a_call_may_say_itself_whether_it_is_for_fitting() -> Result<()> {
    let x = input([64]);
    let dropped = Dropout::new(0.5).call(Inputs::new(&x).option("training", true))?;
    let model = Model::new(&x, &dropped)?;
    let ones = ndarray::Array2::from_elem((4, 64), 1.0f32);
    let zeros = |model: &Model| -> Result<usize> {
        let y = model.predict(&ones).run()?.literal(0)?;
        let values = y.values::<f32>().expect("floats");
        Ok(values.iter().filter(|v| **v == 0.0).count())
    };
    assert!((64..192).contains(&zeros(&model)?));
    let as_keras_3_reads = model_from_json(&model.to_json())?;
    assert_eq!(zeros(&as_keras_3_reads)?, 0);
    assert!(as_keras_3_reads.to_json().contains(r#""training":true"#));

    let outer = Model::new(&x, &model.call(Inputs::new(&x).option("training", false))?)?;
    assert!(zeros(&outer)? > 64, "the inner call's own word counts");
    Ok(())
}
