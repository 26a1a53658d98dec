//! Functions of TensorFlow in graphs of Keras 2: the same values, also from the copy that is written for Keras 3, or refused
//! by name.

mod common;

use std::path::Path;

use common::compare::{OUTPUT_TOLERANCE, close, none_failed};
use common::npz::Golden;
use refrain::{Model, model_from_json};
use refrain_graph::Literal;
use serde_json::Value as Json;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/functions")
}

fn described() -> serde_json::Map<String, Json> {
    let text = std::fs::read_to_string(fixtures().join("functions.json")).expect("a file");
    serde_json::from_str(&text).expect("an object")
}

fn check(model: &Model, golden: &Golden, name: &str) -> Result<(), String> {
    let inputs: Vec<&Literal> = ["x", "y", "i", "b"].map(|key| golden.array(key)).to_vec();
    let outputs = model
        .predict_on_batch(inputs)
        .map_err(|e| format!("{name}: {e}"))?;
    (0..outputs.len()).try_for_each(|i| {
        let got = outputs.literal(i).map_err(|e| e.to_string())?;
        let expected = golden.array(&format!("{name}/y{i}"));
        close(
            &format!("{name}, output {i}"),
            &got,
            expected,
            OUTPUT_TOLERANCE,
        )
    })
}

/// The model and its copy by way of Keras 3's description.
fn check_both(json: &Json, golden: &Golden, name: &str) -> Result<(), String> {
    let load = |json: &str| model_from_json(json).map_err(|e| format!("{name}: {e}"));
    let model = load(&json.to_string())?;
    check(&model, golden, name)?;
    check(&load(&model.to_json())?, golden, name)
}

#[test]
fn functions_compute_what_tensorflow_does() {
    let golden = Golden::of_arrays(&fixtures().join("functions.npz"));
    let described = described();
    let computed = described
        .iter()
        .filter(|(_, case)| case["refused"].is_null());
    let results = computed.map(|(name, case)| check_both(&case["model"], &golden, name));
    let results: Vec<Result<(), String>> = results.collect();
    assert!(results.len() > 60, "only {} models", results.len());
    none_failed(results.into_iter().filter_map(Result::err));
}

#[test]
fn a_description_read_again_gives_the_same_names() -> Result<(), refrain::Error> {
    for (name, case) in described() {
        if case["refused"].is_null() {
            let json = case["model"].to_string();
            let read = || model_from_json(&json).map(|model| model.to_json());
            assert_eq!(read()?, read()?, "{name}");
        }
    }
    Ok(())
}

#[test]
fn functions_without_a_counterpart_are_refused_by_name() {
    for (name, case) in described() {
        let Some(expected) = case["refused"].as_str() else {
            continue;
        };
        let error = model_from_json(&case["model"].to_string()).err();
        let error = error
            .unwrap_or_else(|| panic!("{name} is not refused"))
            .to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn batches_that_the_tensors_do_not_have_are_refused() {
    let described = described();
    let text = described["gather_batch_default_axis"]["model"].to_string();
    assert!(text.contains("\"batch_dims\":2"), "{text}");
    for (number, expected) in [(3, "`batch_dims` = 3"), (-3, "`batch_dims` = -3")] {
        let text = text.replace("\"batch_dims\":2", &format!("\"batch_dims\":{number}"));
        let error = model_from_json(&text).expect_err("too many").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let text = text.replace("\"axis\":null", "\"axis\":0");
    let error = model_from_json(&text)
        .expect_err("a batch's axis")
        .to_string();
    assert!(error.contains("`axis` = 0"), "{error}");
}
