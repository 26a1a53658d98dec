//! Lambdas as CPython 3.8 to 3.13 marshal them: decoded, evaluated, and compared with TensorFlow and Keras.

mod common;

use std::sync::OnceLock;

use common::compare::{close, none_failed};
use common::layer_case::Run;
use refrain::layers::{Call, Layer};
use refrain::saving::Expression;
use refrain::testing::{self, Masked, decode_lambda};
use refrain::{DType, Dim, Inputs, Literal, Result, Spec, Tensor};
use serde_json::{Map, Value as Json, json};

fn golden() -> &'static Json {
    static GOLDEN: OnceLock<Json> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        serde_json::from_str(include_str!("golden/lambdas.json")).expect("the file is JSON")
    })
}

const VERSIONS: usize = 6;
const TOLERANCE: f64 = 1e-6;

/// The cases of a kind: source, case, and the code with the versions that give it.
fn codes(
    kind: &str,
) -> impl Iterator<Item = (&'static str, &'static Json, &'static str, &'static str)> {
    let cases = golden()[kind].as_object().expect("a map of cases");
    cases.iter().flat_map(|(source, case)| {
        let codes = case["codes"].as_object().expect("codes");
        let named = codes.iter();
        named.map(move |(code, versions)| {
            (
                source.as_str(),
                case,
                code.as_str(),
                versions.as_str().expect("versions"),
            )
        })
    })
}

fn arguments(case: &Json) -> Map<String, Json> {
    case["arguments"].as_object().cloned().unwrap_or_default()
}

/// Decodes the code in Keras 3's form, and checks that Keras 2's says the same.
fn decode(case: &Json, code: &str) -> Result<Expression> {
    let (defaults, closure) = (&case["defaults"], &case["closure"]);
    let config = json!({"code": code, "defaults": defaults, "closure": closure});
    let new = json!({"class_name": "__lambda__", "config": config});
    let old = json!([format!("{code}\n"), defaults, closure]);
    let decoded = decode_lambda(&new, &arguments(case));
    let again = decode_lambda(&old, &arguments(case));
    match (&decoded, &again) {
        (Ok(a), Ok(b)) => assert_eq!(a, b),
        (a, b) => assert_eq!(a.is_err(), b.is_err()),
    }
    decoded
}

fn array(json: &Json) -> Literal {
    let dims = json["shape"].as_array().expect("a shape");
    let dims = dims.iter().map(|d| d.as_u64().expect("a size") as usize);
    let values = json["values"].as_array().expect("values");
    let values: Vec<f32> = values
        .iter()
        .map(|v| v.as_f64().expect("a number") as f32)
        .collect();
    let literal =
        Literal::new(dims.collect::<Vec<_>>(), values).expect("as many values as the shape says");
    literal.convert(dtype(json))
}

/// 64-bit integers of TensorFlow are 32 bits wide here.
fn dtype(json: &Json) -> DType {
    match json["dtype"].as_str().expect("a type") {
        "int64" => DType::I32,
        name => DType::from_keras_name(name).expect("a known type"),
    }
}

/// An expression as a layer.
struct Applied(Expression);

impl Layer for Applied {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Lambda"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        self.0.apply(inputs.first()?)
    }
}

/// Declares the layer's call on batches of unknown size, then compiles and runs it on the inputs.
fn evaluate(expression: &Expression, inputs: Vec<Literal>) -> Result<Literal, String> {
    let text = |e: refrain::Error| e.to_string();
    let layer = Applied(expression.clone()).into_layer().any();
    let symbols = inputs.iter().map(|literal| {
        let dims = literal.dims().iter().enumerate();
        let dims: Vec<Dim> = dims.map(|(i, &d)| Some(d).filter(|_| i > 0)).collect();
        testing::symbolic((Spec::new(dims, literal.dtype()), None))
    });
    let symbols: Vec<Tensor> = symbols.collect();
    let symbols = match symbols.as_slice() {
        [one] => Inputs::new(one),
        several => Inputs::new(several),
    };
    let declared = testing::infer(&layer, &symbols).map_err(text)?;
    let specs: Vec<Masked> = inputs.iter().map(|i| (i.spec(), None)).collect();
    let mut program = testing::trace(&layer, &symbols, &specs, false).map_err(text)?;
    program.graph.result(program.outputs[0]);
    let run = Run {
        graph: program.graph,
        inputs,
        variables: Vec::new(),
    };
    let output = run.compiled()?.results.swap_remove(0);
    match declared.as_slice() {
        [(spec, None)] if spec.shape.compatible(&output.spec().shape) => Ok(output),
        other => Err(format!("declared {other:?}, got {}", output.spec())),
    }
}

#[test]
fn every_known_lambda_of_every_version_gives_its_values() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (source, case, code, versions) in codes("known") {
        count += versions.split(' ').count();
        let inputs = case["inputs"].as_array().expect("inputs").iter();
        let inputs = inputs.map(|name| array(&golden()["arrays"][name.as_str().expect("a name")]));
        let inputs: Vec<Literal> = inputs.collect();
        let expected = array(&case["output"]);
        let checked = decode(case, code)
            .map_err(|e| e.to_string())
            .and_then(|e| evaluate(&e, inputs))
            .and_then(|got| close("output", &got, &expected, TOLERANCE));
        if let Err(why) = checked {
            failures.push(format!("{source} ({versions}): {why}"));
        }
    }
    let cases = golden()["known"].as_object().expect("cases").len();
    assert!(
        cases >= 60 && count == cases * VERSIONS,
        "{count} codes of {cases}"
    );
    none_failed(failures);
}

#[test]
fn what_is_not_known_is_refused_with_its_name() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (source, case, code, versions) in codes("refused") {
        count += versions.split(' ').count();
        match decode(case, code) {
            Ok(e) => failures.push(format!("{source} ({versions}): decoded as {e}")),
            Err(e) => {
                let reason = case["reason"].as_str().unwrap_or("not decoded");
                if !e.to_string().contains(reason) {
                    failures.push(format!("{source} ({versions}): {e}"));
                }
            }
        }
    }
    let cases = golden()["refused"].as_object().expect("cases").len();
    assert!(
        cases >= 25 && count == cases * VERSIONS,
        "{count} codes of {cases}"
    );
    none_failed(failures);
}

#[test]
fn decoded_expressions_read_back_from_their_text() {
    for (source, case, code, _) in codes("known") {
        let decoded = decode(case, code).expect(source);
        let again = Expression::parse(&decoded.to_string());
        assert_eq!(again.expect(source), decoded, "{source}");
    }
}
