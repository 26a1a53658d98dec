//! Values over several batches against Keras.

use refrain_graph::Literal;
use serde_json::Value as Json;

use super::Metric;
use super::mean::contribution;
use crate::data::golden::Golden;
use crate::error::Result;
use crate::trace::Trace;
use crate::training::Program;

/// What one update adds to the total and the count.
fn update(golden: &mut Golden, metric: Option<&Metric>, update: &Json) -> Result<(f64, f64)> {
    let keys = ["y_true", "y_pred", "sample_weight", "mask"];
    let given: Vec<Option<Literal>> = keys.iter().map(|k| golden.optional(&update[k])).collect();
    let trace = Trace::new(false);
    let pairs = keys.iter().zip(&given);
    let tensors: Vec<_> = pairs
        .map(|(k, l)| l.as_ref().map(|l| trace.input(k, l.spec())))
        .collect();
    let y_true = tensors[0].as_ref().expect("targets");
    let values = match (metric, &tensors[1]) {
        (Some(metric), Some(y_pred)) => metric.sample_values(y_true, y_pred)?,
        _ => y_true.clone(),
    };
    let (sum, count) = contribution(&values, tensors[2].as_ref(), tensors[3].as_ref())?;
    for result in [&sum, &count] {
        let value = result.expect_traced()?.value;
        trace.with_graph(|g| g.result(value));
    }
    let program = Program::new(trace.finish())?;
    let mut buffers = program.buffers()?;
    buffers.inputs = given.into_iter().flatten().collect();
    program.run_shared(&mut buffers)?;
    let outputs = buffers.outputs()?;
    let scalar = |i: usize| outputs[i].to_f64()[0];
    Ok((scalar(0), scalar(1)))
}

#[test]
fn metrics_are_those_of_keras() -> Result<()> {
    let mut golden = Golden::open("metrics");
    let cases = golden.cases.as_array().cloned().unwrap_or_default();
    assert!(cases.len() > 20, "{} cases", cases.len());
    for case in &cases {
        let metric = match case["class_name"].as_str() {
            Some("Mean") => None,
            _ => Some(Metric::from_config(case)?),
        };
        if let Some(metric) = &metric {
            assert_eq!(metric.name(), case["metric_name"]);
        }
        let updates = case["updates"].as_array().expect("updates");
        let (mut total, mut count) = (0.0, 0.0);
        for (i, row) in updates.iter().enumerate() {
            let (t, c) = update(&mut golden, metric.as_ref(), row)?;
            (total, count) = (total + t, count + c);
            let expected = case["results"][i].as_f64().expect("a number");
            let got = if count == 0.0 { 0.0 } else { total / count };
            // In percent, f32 has no more digits.
            let percent = case["class_name"] == "MeanAbsolutePercentageError";
            let scale = if percent { expected.abs() } else { 1.0 };
            assert!(
                (got - expected).abs() < 1e-5 * scale,
                "{}: {got}, Keras has {expected}",
                case["name"]
            );
        }
    }
    Ok(())
}

#[test]
fn accuracy_is_the_one_that_fits_the_shapes() -> Result<()> {
    let trace = Trace::new(false);
    let spec = |dims: &[usize], dtype| refrain_graph::Spec::new(dims.to_vec(), dtype);
    let (f, i) = (refrain_graph::DType::F32, refrain_graph::DType::I32);
    for (y, p) in [
        (spec(&[4], i), spec(&[4, 3], f)),
        (spec(&[4, 3], f), spec(&[4, 3], f)),
        (spec(&[4], f), spec(&[4, 1], f)),
    ] {
        let values = Metric::Accuracy.sample_values(&trace.input("y", y), &trace.input("p", p))?;
        assert_eq!(values.dim(0), Some(4));
    }
    Ok(())
}
