use serde_json::Value as Json;

use super::*;
use crate::config::ConfigValue;

/// For exact values, which Keras computes in float32.
const TOLERANCE: f64 = 1e-6;
/// How far mean and deviation of a sample may be off, in standard errors of a normal sample.
const SAMPLE_ERRORS: f64 = 6.0;

fn golden() -> Vec<Json> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/initializers.json"
    );
    let text = std::fs::read_to_string(path).expect("the golden file");
    serde_json::from_str(&text).expect("valid JSON")
}

fn number(json: &Json) -> f64 {
    json.as_f64().expect("a number")
}

fn check_sample(values: &[f64], expected: &Json, label: &str) {
    let (mean, std) = (number(&expected["mean"]), number(&expected["std"]));
    let n = values.len() as f64;
    let got = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - got).powi(2)).sum::<f64>() / n;
    let error = SAMPLE_ERRORS * std / n.sqrt();
    assert!((got - mean).abs() < error, "{label}: the mean is {got}");
    assert!(
        (variance.sqrt() - std).abs() < error,
        "{label}: deviates by {}",
        variance.sqrt()
    );
    if let (Some(low), Some(high)) = (expected["low"].as_f64(), expected["high"].as_f64()) {
        let slack = TOLERANCE * high.abs().max(1.0);
        let inside = |v: &f64| (low - slack..=high + slack).contains(v);
        assert!(values.iter().all(inside), "{label}: out of range");
    }
}

/// The rows or columns of a matrix have length `gain` and stand at right angles.
fn check_orthogonal(values: &[f64], columns: usize, expected: &Json, label: &str) {
    let gain = number(&expected["gain"]);
    let rows = values.len() / columns;
    let of_columns = expected["orthonormal"] == "columns";
    let vectors = if of_columns { columns } else { rows };
    let at = |vector: usize, i: usize| match of_columns {
        true => values[i * columns + vector],
        false => values[vector * columns + i],
    };
    for (a, b) in (0..vectors).flat_map(|a| (0..=a).map(move |b| (a, b))) {
        let dot: f64 = (0..values.len() / vectors)
            .map(|i| at(a, i) * at(b, i))
            .sum();
        let wanted = if a == b { gain * gain } else { 0.0 };
        assert!(
            (dot - wanted).abs() < 1e-5,
            "{label}: {a} and {b} give {dot}"
        );
    }
}

/// The initializer of this case, whose gain stands in the first of its values only.
fn identity(case: &Json) -> Initializer {
    Identity::new(number(&case["expected"]["values"][0])).into()
}

#[test]
fn values_and_configurations_are_keras_ones() -> Result<()> {
    let cases = golden();
    assert!(cases.len() > 90);
    for case in &cases {
        let label = format!(
            "{} {} {}",
            case["class_name"], case["config"], case["shape"]
        );
        let mut initializer = Initializer::from_json(case)?;
        let written = initializer.to_json();
        assert_eq!(written["class_name"], case["class_name"], "{label}");
        // Keras forgets the gain of Identity, which it reads all the same.
        match initializer.class_name() {
            "Identity" => initializer = identity(case),
            _ => assert_eq!(written["config"], case["config"], "{label}"),
        }
        let shape = Vec::<usize>::from_json(&case["shape"])?;
        let values = initializer.sample(&shape, DType::F32)?.to_f64();
        let expected = &case["expected"];
        match expected["distribution"].as_str() {
            Some("exact") => {
                let wanted = Vec::<f64>::from_json(&expected["values"])?;
                assert_eq!(values.len(), wanted.len(), "{label}");
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < TOLERANCE;
                assert!(values.iter().zip(&wanted).all(close), "{label}: {values:?}");
            }
            Some("orthogonal") => {
                check_orthogonal(&values, shape[shape.len() - 1], expected, &label)
            }
            _ => check_sample(&values, expected, &label),
        }
    }
    Ok(())
}

#[test]
fn variance_scaling_is_keras_class_of_that_name() -> Result<()> {
    let made = VarianceScaling::new(2.5, FanMode::Average, Distribution::Uniform).seed(7);
    let config = serde_json::json!({
        "scale": 2.5, "mode": "fan_avg", "distribution": "uniform", "seed": 7, "input_axes": null, "output_axes": null
    });
    let json = serde_json::json!({ "class_name": "VarianceScaling", "config": config });
    assert_eq!(Initializer::from(made), Initializer::from_json(&json)?);
    for wrong in [0.0, -1.0, f64::NAN] {
        let scaling = VarianceScaling::new(wrong, FanMode::In, Distribution::Uniform);
        let error = Initializer::from(scaling)
            .sample(&[3, 2], DType::F32)
            .expect_err("a scale that is not positive");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            error.to_string().contains("a positive number as `scale`"),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn what_stft_cannot_make_is_refused() {
    let stft = |window: Option<StftWindow>| Stft::new().window(window).scaling(None).into();
    let cases = [
        (
            Initializer::from(Stft::new()),
            vec![8, 2, 5],
            "(frame length, 1, frequencies)",
        ),
        (
            Initializer::from(Stft::new()),
            vec![8, 5],
            "(frame length, 1, frequencies)",
        ),
        (
            Initializer::from(Stft::new()),
            vec![8, 1, 1],
            "at least 2 frequencies",
        ),
        (
            Initializer::from(Stft::new()),
            vec![2, 1, 5],
            "a window that is not zero everywhere",
        ),
        (
            stft(Some("kaiser".into())),
            vec![8, 1, 5],
            "barthann, bartlett",
        ),
        (
            stft(Some(vec![1.0, 2.0].into())),
            vec![8, 1, 5],
            "a window of 8 values",
        ),
    ];
    for (initializer, shape, expected) in cases {
        let error = initializer.sample(&shape, DType::F32).expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{error}");
    }
    let error = Initializer::from(Stft::new())
        .sample(&[8, 1, 5], DType::I32)
        .expect_err("integers");
    assert_eq!(error.kind(), ErrorKind::DType);
}

#[test]
fn options_out_of_keras_words_are_refused() {
    for (class, config) in [
        ("STFT", r#"{"side": "both"}"#),
        ("STFT", r#"{"window": "kaiser"}"#),
        ("STFT", r#"{"window": {"class_name": "Other"}}"#),
        ("STFT", r#"{"scaling": "power"}"#),
        ("VarianceScaling", r#"{"scale": 0.0}"#),
        ("VarianceScaling", r#"{"mode": "fan"}"#),
        ("VarianceScaling", r#"{"distribution": "cauchy"}"#),
    ] {
        let config: Json = serde_json::from_str(config).expect("valid JSON");
        let json = serde_json::json!({ "class_name": class, "config": config });
        let error = Initializer::from_json(&json).expect_err(class);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}

#[test]
fn an_array_of_keras_is_a_window() -> Result<()> {
    let array = serde_json::json!({
        "class_name": "STFT",
        "config": { "window": { "class_name": "__numpy__", "config": { "value": [0.5, 1.0], "dtype": "float64" } } },
    });
    let window = StftWindow::Values(vec![0.5, 1.0]);
    let expected = Initializer::from(Stft::new().window(window));
    assert_eq!(Initializer::from_json(&array)?, expected);
    Ok(())
}
