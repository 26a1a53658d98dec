//! Functions in files that Keras 2 and 3 wrote: Keras's own, with arguments; Python code; functions of the user's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Once;

use ndarray::Array2;
use refrain::activations::Activation;
use refrain::layers::{LambdaArguments, LambdaFunction};

use refrain::saving::{Expression, LoadOptions};
use refrain::{Model, Result, Tensor};
use serde_json::{Value as Json, json};

const TOLERANCE: f32 = 1e-6;

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lambdas");
    folder.join(name)
}

/// What a version of Keras computed: the input, and the outputs by the layers' names.
fn expected(writer: &str) -> (Array2<f32>, BTreeMap<String, Vec<f32>>) {
    let text = std::fs::read_to_string(fixture("expected.json")).expect("expected.json");
    let all: Json = serde_json::from_str(&text).expect("JSON");
    let flat = |json: &Json| -> Vec<f32> {
        let rows = json.as_array().expect("rows").iter();
        let numbers = rows.flat_map(|row| row.as_array().expect("a row"));
        numbers
            .map(|n| n.as_f64().expect("a number") as f32)
            .collect()
    };
    let x = flat(&all[writer]["x"]);
    let outputs = all[writer]["outputs"].as_object().expect("outputs");
    let outputs = outputs.iter().map(|(name, y)| (name.clone(), flat(y)));
    let x = Array2::from_shape_vec((2, x.len() / 2), x).expect("two rows");
    (x, outputs.collect())
}

/// Each layer's output against Keras's.
fn compare(model: &Model, writer: &str, file: &str) -> Result<()> {
    let (x, expected) = expected(writer);
    let predictions = model.predict(&x).run()?;
    let names = model.output_names();
    assert_eq!(names.len(), expected.len(), "{file}");
    for (i, name) in names.iter().enumerate() {
        let wanted = &expected[name];
        let got = predictions.get(i)?;
        assert_eq!(got.len(), wanted.len(), "{file}: {name}");
        for (got, wanted) in got.iter().zip(wanted) {
            let apart = (got - wanted).abs() / wanted.abs().max(1.0);
            assert!(apart < TOLERANCE, "{file}: {name}: {got} is not {wanted}");
        }
    }
    Ok(())
}

/// What the program that wrote the files had registered.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let (gelu, triple) = ("mine>gelu", "triple");
        refrain::register::<Activation, _>(gelu, move |_| {
            Ok(Activation::custom(gelu, |x| x * 2.0))
        });
        refrain::register::<Activation, _>(triple, move |_| {
            Ok(Activation::custom(triple, |x| x * 3.0 + 1.0))
        });
        refrain::register::<LambdaFunction, _>("mine>gelu", |_| {
            Ok(LambdaFunction::new(|x| x * 2.0))
        });
        refrain::register::<LambdaFunction, _>("Custom>silu", |_| {
            Ok(LambdaFunction::new(|x| x * 3.0))
        });
        refrain::register::<LambdaFunction, _>("scaled", |_| {
            Ok(LambdaFunction::with_arguments(scaled))
        });
    });
}

/// `def scaled(x, factor=1.0, shift=0.0): return x * factor + shift`.
fn scaled(x: &Tensor, arguments: &LambdaArguments) -> Result<Tensor> {
    let product = x * arguments.tensor("factor")?;
    Ok(match arguments.names().any(|name| name == "shift") {
        true => product + arguments.tensor("shift")?,
        false => product,
    })
}

#[test]
fn files_of_both_versions_compute_what_keras_computed() -> Result<()> {
    register();
    let options = LoadOptions::new().decode_lambdas(true);
    for (file, writer) in [
        ("keras2.keras", "keras2"),
        ("keras2.h5", "keras2"),
        ("keras3.keras", "keras3"),
        ("keras3.h5", "keras3"),
    ] {
        let model = options.load(fixture(file))?;
        compare(&model, writer, file)?;
        // What is written again says the same, in the form of Keras 3.
        let text = model.to_json();
        for old in [
            "function_type",
            "output_shape_module",
            "\"module\":\"__main__\"",
        ] {
            assert!(!text.contains(old), "{file}: {old}");
        }
        let again = options.model_from_json(&text)?;
        compare(&again, writer, &format!("{file}, written again"))?;
    }
    Ok(())
}

#[test]
fn functions_that_the_reader_gives_go_before_code_and_receive_arguments() -> Result<()> {
    register();
    let given = LoadOptions::new()
        .decode_lambdas(true)
        .lambda_with("arrays", scaled)
        .lambda("own_gelu", |x| x * 2.0)
        .lambda_expression("scalar", Expression::parse("arguments['factor'] * x")?)
        .lambda_expression("code_array", Expression::parse("x * arguments['factor']")?);
    for (file, writer) in [("keras2.keras", "keras2"), ("keras2.h5", "keras2")] {
        compare(&given.load(fixture(file))?, writer, file)?;
    }
    compare(
        &given.load(fixture("keras3.keras"))?,
        "keras3",
        "keras3.keras",
    )
}

fn refused(options: &LoadOptions, file: &str, words: &[&str]) {
    let error = options.load(fixture(file)).err();
    let text = error.unwrap_or_else(|| panic!("{file} was loaded"));
    let text = text.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn arguments_that_a_function_does_not_take_are_refused() -> Result<()> {
    register();
    let decoding = LoadOptions::new().decode_lambdas(true);
    let plain = decoding.clone().lambda("arrays", |x| x * 2.0);
    refused(
        &plain,
        "keras3.keras",
        &["layer `arrays`", "argument `factor`", "lambda_with"],
    );
    let some = decoding
        .clone()
        .lambda_with("arrays", |x, arguments| Ok(x * arguments.tensor("factor")?));
    refused(
        &some,
        "keras3.keras",
        &["layer `arrays`", "argument `shift` = 3"],
    );
    let wrong = decoding.clone().lambda_with("arrays", |x, arguments| {
        Ok(x * arguments.get::<f64>("scale")?)
    });
    refused(
        &wrong,
        "keras3.keras",
        &["layer `arrays`", "no argument `scale`"],
    );
    let text = Expression::parse("x * arguments['factors']")?;
    let text = decoding.lambda_expression("arrays", text);
    refused(
        &text,
        "keras3.keras",
        &["layer `arrays`", "no argument `factors`"],
    );
    Ok(())
}

#[test]
fn code_that_is_not_given_is_refused_by_the_layers_name() {
    let message = &["`dispatched`", "not decoded", "plain parameters"];
    refused(
        &LoadOptions::new().decode_lambdas(true),
        "dispatched.h5",
        message,
    );
    refused(
        &LoadOptions::new(),
        "dispatched.h5",
        &["`dispatched`", "only Python"],
    );
    let given = LoadOptions::new().lambda_with("dispatched", |x, arguments| {
        Ok(refrain::ops::softmax(x, arguments.get::<i64>("axis")?))
    });
    given
        .load(fixture("dispatched.h5"))
        .expect("the function is given");
}

/// A model of one Lambda layer over three features.
fn lambda(function: Json, arguments: Json) -> Json {
    json!({
        "module": "keras", "class_name": "Sequential", "registered_name": null,
        "config": { "name": "m", "layers": [
            { "module": "keras.layers", "class_name": "InputLayer", "registered_name": null,
              "config": { "name": "x", "batch_shape": [null, 3], "dtype": "float32" } },
            { "module": "keras.layers", "class_name": "Lambda", "registered_name": null,
              "config": { "name": "l", "function": function, "arguments": arguments } },
        ] },
    })
}

fn function(name: &str) -> Json {
    json!({ "module": "builtins", "class_name": "function", "config": name, "registered_name": "function" })
}

#[test]
fn arguments_of_keras_functions_are_checked() {
    for (name, arguments, word) in [
        (
            "softmax",
            json!({ "axes": 1 }),
            "no argument is named `axes`",
        ),
        ("relu", json!({ "max_value": "six" }), "max_value"),
        ("gelu", json!({ "approximate": 0.5 }), "approximate"),
        (
            "sigmoid",
            json!({ "axis": 1 }),
            "no argument is named `axis`",
        ),
        ("threshold", json!({}), "argument `threshold` is missing"),
        ("other>softmax", json!({ "axis": 1 }), "`other>softmax`"),
    ] {
        let text = lambda(function(name), arguments).to_string();
        let error = refrain::model_from_json(&text).expect_err(name).to_string();
        assert!(
            error.contains(word) && error.contains("layer `l`"),
            "{error}"
        );
    }
}

#[test]
fn a_function_built_here_is_written_with_its_arguments() -> Result<()> {
    let x = refrain::input([3]);
    let layer = refrain::layers::Lambda::named_with(
        "written_with_arguments",
        [("factor", json!([1.0, 2.0, 4.0])), ("shift", json!(0.5))],
        scaled,
    );
    let model = Model::new(&x, &layer.call(&x)?)?;
    let again = refrain::model_from_json(&model.to_json())?;
    let ones = Array2::from_elem((1, 3), 1f32);
    for model in [&model, &again] {
        let predictions = model.predict(&ones).run()?;
        let y = predictions.get(0)?;
        assert_eq!(y.iter().copied().collect::<Vec<_>>(), [1.5, 2.5, 4.5]);
    }
    Ok(())
}

/// `lambda x, d, n: x * d['a'] * n[1][0]` of CPython 3.11.
const OF_ARGUMENTS: &str = "YwMAAAAAAAAAAAAAAAMAAAADAAAA8zYAAACXAHwAfAFkARkAAAAAAAAAAAB6BQAAfAJkAhkAAAAAAAAAAABkAxkAAAAAAAAAAAB6BQAAUwApBE7aAWHpAQAAAOkAAAAAqQApA9oBeNoBZNoBbnMDAAAAICAg+gg8bGFtYmRhPvoIPGxhbWJkYT5yCQAAAAEAAABzGwAAAIAAkAGQQZBjlEaRCphRmHGcVKAhnFfRECSAAPMAAAAA";

#[test]
fn arguments_are_dicts_and_nested_lists_too() -> Result<()> {
    let arguments = json!({ "d": { "a": 3.0 }, "n": [[1], [2.0, [3]]] });
    let code = json!({ "code": OF_ARGUMENTS, "defaults": null, "closure": null });
    let function = json!({ "class_name": "__lambda__", "config": code });
    let text = lambda(function, arguments.clone()).to_string();
    let expression = Expression::parse("x * arguments['d']['a'] * arguments['n'][1][0]")?;
    for options in [
        LoadOptions::new().decode_lambdas(true),
        LoadOptions::new().lambda_expression("l", expression),
        LoadOptions::new().lambda_with("l", |x, arguments| {
            let d: BTreeMap<String, f64> = arguments.get("d")?;
            let n = arguments.json("n").and_then(|n| n[1][0].as_f64());
            Ok(x * d["a"] * n.expect("a number"))
        }),
    ] {
        let model = options.model_from_json(&text)?;
        let predictions = model.predict(&Array2::from_elem((1, 3), 1f32)).run()?;
        assert!(predictions.get(0)?.iter().all(|y| *y == 6.0));
        let written: Json = serde_json::from_str(&model.to_json()).expect("JSON");
        let written = &written["config"]["layers"][1]["config"]["arguments"];
        assert_eq!(*written, arguments);
    }
    Ok(())
}

#[test]
fn models_that_are_not_run_need_no_functions() -> Result<()> {
    use refrain::layers::{Dense, Lambda};

    // The function is in no file, and this one gives the shape that another might.
    let doubled = || Lambda::new(|x| refrain::ops::concatenate([x, x], -1)).name("doubled");
    let options = LoadOptions::new().described_lambdas(true);
    let x = refrain::Input::new([3]).name("x").tensor();
    let graph = Model::new(&x, &Dense::new(2).call(doubled().call(&x)?)?)?;
    let stack = refrain::Sequential::new([3]).add(doubled());
    let stack = stack.add(Dense::new(2)).build()?;
    for model in [graph, stack] {
        let text = model.to_json();
        let refused = refrain::model_from_json(&text).expect_err("no function");
        assert!(refused.to_string().contains("layer `doubled`"), "{refused}");
        let again = options.model_from_json(&text)?;
        assert_eq!(again.to_json(), text);
        assert_eq!(again.count_params(), 14);
        let error = again.predict(&Array2::<f32>::ones((1, 3))).run();
        let error = error.expect_err("no function").to_string();
        assert!(error.contains("layer `doubled`"), "{error}");
    }
    // Nothing takes the output, so that no shape of it is in the file, unless the configuration names one.
    let text = Model::new(&x, &doubled().call(&x)?)?.to_json();
    let error = options.model_from_json(&text).expect_err("no shape");
    assert!(error.to_string().contains("to tell the shape"), "{error}");
    let named = text.replace("\"arguments\"", "\"output_shape\":[6],\"arguments\"");
    let shape = options.model_from_json(&named)?.outputs()[0].shape();
    assert_eq!(shape.to_string(), "(None, 6)");
    Ok(())
}

/// A model of one Lambda layer whose function stands in a file of Keras 3 like this.
fn named(module: &str, name: &str, registered: Json, arguments: &Json) -> Result<Model> {
    let function = json!({
        "module": module, "class_name": "function", "config": name, "registered_name": registered,
    });
    let tensor = json!({"class_name": "__keras_tensor__", "config": {
        "shape": [null, 3], "dtype": "float32", "keras_history": ["in", 0, 0]}});
    let model = json!({"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
        "config": {"name": "model", "trainable": true, "layers": [
            {"module": "keras.layers", "class_name": "InputLayer", "name": "in", "inbound_nodes": [], "registered_name": null,
                "config": {"batch_shape": [null, 3], "dtype": "float32", "name": "in"}},
            {"module": "keras.layers", "class_name": "Lambda", "name": "lam", "registered_name": null,
                "inbound_nodes": [{"args": [tensor], "kwargs": {}}],
                "config": {"name": "lam", "trainable": true, "function": function, "arguments": arguments}}],
        "input_layers": [["in", 0, 0]], "output_layers": [["lam", 0, 0]]}});
    LoadOptions::new().model_from_json(&model.to_string())
}

/// Keras reads functions with a module of its own and writes them without, so that it does not find its operations again.
#[test]
fn operations_are_keras_own_where_the_file_says_so() -> Result<()> {
    let x = Array2::from_shape_vec((1, 3), vec![1.0f32, -2.0, 4.0]).expect("a row");
    for (module, name, arguments, expected) in [
        ("keras.ops", "square", json!({}), vec![1.0, 4.0, 16.0]),
        ("keras.ops", "sum", json!({"axis": 1}), vec![3.0]),
        (
            "keras.ops",
            "sum",
            json!({"axis": 1, "keepdims": true}),
            vec![3.0],
        ),
        (
            "keras.ops",
            "clip",
            json!({"x_min": 0, "x_max": 2.5}),
            vec![1.0, 0.0, 2.5],
        ),
        (
            "keras.activations",
            "relu",
            json!({"threshold": 2}),
            vec![0.0, 0.0, 4.0],
        ),
    ] {
        let model = named(module, name, json!("function"), &arguments)?;
        let written = LoadOptions::new().model_from_json(&model.to_json())?;
        assert!(
            model
                .to_json()
                .contains(&format!("\"module\":\"{module}\""))
        );
        for model in [model, written] {
            let y = model.predict(&x).run()?.into_array()?;
            assert_eq!(y.into_raw_vec_and_offset().0, expected, "{name}");
        }
    }
    // As Keras writes it, and as a user's function of the same name is written.
    for (module, registered) in [
        ("builtins", json!("function")),
        ("mine", json!("function")),
        ("keras.ops", json!("mine>square")),
    ] {
        let error = named(module, "square", registered, &json!({})).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("no function `square` is registered"),
            "{text}"
        );
    }
    let error = named("builtins", "sum", json!("function"), &json!({"axis": 1})).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("whether it is `keras.ops.sum`"), "{text}");
    assert!(
        text.contains("--lambda lam=\"sum(x, axis=arguments['axis'])\""),
        "{text}"
    );
    Ok(())
}
