//! Values and gradients against Keras.

use refrain_graph::Literal;
use refrain_graph::grad::gradients;
use serde_json::Value as Json;

use super::{
    BinaryCrossentropy, CosineSimilarity, Huber, Loss, Reduction, SparseCategoricalCrossentropy,
};
use crate::data::golden::{Golden, assert_close, assert_relative};
use crate::error::Result;
use crate::metrics::Metric;
use crate::ops::sum_all;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::training::Program;

/// Runs a program on inputs and gives its results.
fn run(trace: &Trace, results: &[&Tensor], inputs: Vec<Literal>) -> Result<Vec<Literal>> {
    for result in results {
        let value = result.expect_traced()?.value;
        trace.with_graph(|g| g.result(value));
    }
    let program = Program::new(trace.finish())?;
    let mut buffers = program.buffers()?;
    buffers.inputs = inputs;
    program.run_shared(&mut buffers)?;
    Ok(buffers.outputs()?.to_vec())
}

fn check(golden: &mut Golden, case: &Json) -> Result<()> {
    let name = case["name"].as_str().unwrap_or_default();
    let loss = match name {
        // Keras leaves these out of the configuration.
        "huber_delta" => Huber::new().delta(0.4).into(),
        "cosine_similarity_axis0" => CosineSimilarity::new()
            .axis(0)
            .reduction(Reduction::None)
            .into(),
        _ => Loss::from_config(case)?,
    };
    let keys = ["y_true", "y_pred", "sample_weight", "mask", "cotangent"];
    let given: Vec<_> = keys.iter().map(|k| golden.optional(&case[k])).collect();
    let trace = Trace::new(true);
    let inputs = keys.iter().zip(&given);
    let tensors: Vec<Option<Tensor>> = inputs
        .map(|(k, l)| l.as_ref().map(|l| trace.input(k, l.spec())))
        .collect();
    let [Some(y_true), Some(y_pred), weight, mask, cotangent] = &tensors[..] else {
        panic!("{name}: no targets or predictions")
    };
    let value = loss.reduced(y_true, &y_pred.with_mask(mask.clone()), weight.as_ref())?;
    let scalar = match cotangent {
        Some(cotangent) => sum_all(&(&value * cotangent)),
        None => value.clone(),
    };
    let output = scalar.expect_traced()?.value;
    let wrt = y_pred.expect_traced()?.value;
    let grads = trace.with_graph(|g| gradients(g, output, &[wrt]))?;
    let gradient = trace.wrap(grads[0]);
    let inputs = given.into_iter().flatten().collect();
    let results = run(&trace, &[&value, &gradient], inputs)?;
    assert_close(name, &results[0], &golden.array(&case["value"]), 1e-5);
    assert_relative(
        &format!("{name}: gradient"),
        &results[1],
        &golden.array(&case["grad"]),
        1e-4,
    );
    Ok(())
}

#[test]
fn losses_and_their_gradients_are_those_of_keras() {
    let mut golden = Golden::open("losses");
    let cases = golden.cases.as_array().cloned().unwrap_or_default();
    assert!(cases.len() > 50, "{} cases", cases.len());
    for case in &cases {
        check(&mut golden, case).unwrap_or_else(|e| panic!("{}: {e}", case["name"]));
    }
}

#[test]
fn a_cross_entropy_of_a_softmax_is_finite_where_probabilities_saturate() -> Result<()> {
    let trace = Trace::new(true);
    let logits = Literal::new([1, 3], vec![500f32, 0.0, 0.0]).expect("three values");
    let label = Literal::new([1], vec![1i32]).expect("one value");
    let (x, y) = (
        trace.input("x", logits.spec()),
        trace.input("y", label.spec()),
    );
    let p = crate::ops::softmax(&x, -1);
    let value = Loss::SparseCategoricalCrossentropy.reduced(&y, &p, None)?;
    let output = value.expect_traced()?.value;
    let wrt = x.expect_traced()?.value;
    let grads = trace.with_graph(|g| gradients(g, output, &[wrt]))?;
    let gradient = trace.wrap(grads[0]);
    let results = run(&trace, &[&value, &gradient], vec![logits, label])?;
    assert_eq!(results[0].to_f64(), [500.0]);
    assert_eq!(results[1].to_f64(), [1.0, -1.0, 0.0]);
    Ok(())
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let smoothed = |by: f64| Loss::from(BinaryCrossentropy::new().label_smoothing(by));
    assert!(smoothed(1.5).validate().is_err());
    assert!(smoothed(1.0).validate().is_ok());
}

#[test]
fn configurations_are_read_as_they_are_written() -> Result<()> {
    let loss = SparseCategoricalCrossentropy::new()
        .name("own")
        .ignore_class(3)
        .from_logits(true);
    let json = Loss::from(loss).to_config();
    assert_eq!(json["config"]["name"], "own");
    assert_eq!(Loss::from_config(&json)?.to_config(), json);
    let own = Loss::custom("own", |y, p| y - p).to_config();
    assert_eq!(own["class_name"], "function");
    Ok(())
}

#[test]
fn every_name_is_that_of_a_loss_and_of_a_metric() {
    for name in Loss::names() {
        assert!(Loss::from_config(&name.into()).is_ok(), "{name}");
    }
    // Some metrics have a bound or a number of classes that no name says.
    let argument =
        |name: &&str| name.contains("_at_") || (name.ends_with("io_u") && *name != "binary_io_u");
    let metrics = Metric::names().into_iter().filter(|name| !argument(name));
    for name in Loss::names().into_iter().chain(metrics) {
        let metric = Metric::from_config(&name.into());
        assert_eq!(metric.map(|m| m.name()).ok().as_deref(), Some(name));
    }
}
