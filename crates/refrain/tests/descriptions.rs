//! Descriptions of models that must not be taken for what they are not.

use refrain::layers::{self, AnyLayer, Call, Dense, Layer, MultiHeadAttention};
use refrain::{ErrorKind, Inputs, Model, Result, Tensor, input, model_from_json, register};
use serde_json::{Value as Json, json};

/// A model of one layer behind an input of three features.
fn model_of(layer: Json) -> Json {
    json!({
        "module": "keras", "class_name": "Sequential", "registered_name": null,
        "config": { "name": "m", "layers": [
            { "module": "keras.layers", "class_name": "InputLayer", "registered_name": null,
              "config": { "name": "x", "batch_shape": [null, 3], "dtype": "float32" } },
            layer,
        ] },
    })
}

fn relu(module: &str, registered_name: Json, extra: Json) -> Json {
    let mut config = json!({ "name": "r", "trainable": true, "dtype": "float32" });
    for (key, value) in extra.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    json!({ "module": module, "class_name": "ReLU", "registered_name": registered_name, "config": config })
}

fn refused(json: &Json, words: &[&str]) {
    let error = model_from_json(&json.to_string()).err();
    let text = error
        .unwrap_or_else(|| panic!("loaded: {json}"))
        .to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

struct Hundred;

impl Layer for Hundred {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "ReLU"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(inputs.one()?.relu() + 100.0)
    }
}

#[test]
fn a_users_class_is_never_taken_for_keras_own() -> Result<()> {
    refused(
        &model_of(relu("my_package", json!("pkg>ReLU"), json!({}))),
        &["pkg>ReLU", "register"],
    );
    refused(
        &model_of(relu("__main__", json!(null), json!({}))),
        &["ReLU", "register"],
    );
    let own = json!({ "module": "__main__", "class_name": "L2", "config": { "l2": 0.1 }, "registered_name": "L2" });
    let dense = json!({ "module": "keras.layers", "class_name": "Dense", "registered_name": null,
        "config": { "name": "d", "units": 2, "kernel_regularizer": own } });
    refused(&model_of(dense), &["L2", "layer `d`"]);

    register::<AnyLayer, _>("pkg>ReLU", |_| Ok(Hundred));
    let own =
        model_from_json(&model_of(relu("my_package", json!("pkg>ReLU"), json!({}))).to_string())?;
    let keras =
        model_from_json(&model_of(relu("keras.layers", json!(null), json!({}))).to_string())?;
    let x = ndarray::Array2::from_elem((1, 3), 1f32);
    assert_eq!(own.predict(&x).run()?.get(0)?[[0, 0]], 101.0);
    assert_eq!(keras.predict(&x).run()?.get(0)?[[0, 0]], 1.0);
    Ok(())
}

#[test]
fn options_that_a_layer_does_not_have_are_refused() -> Result<()> {
    let with = |extra| model_of(relu("keras.layers", json!(null), extra));
    refused(
        &with(json!({ "some_new_option": true })),
        &["some_new_option", "layer `r`"],
    );
    let dense = json!({ "module": "keras.layers", "class_name": "Dense", "registered_name": null,
        "config": { "name": "d", "units": 2, "lora_rank": 4 } });
    refused(&model_of(dense), &["lora_rank"]);
    model_from_json(&with(json!({ "some_new_option": null, "other": false })).to_string())?;
    Ok(())
}

#[test]
fn every_layer_keeps_its_activity_penalty() -> Result<()> {
    let penalty = json!({ "module": "keras.regularizers", "class_name": "L2", "config": { "l2": 0.5 }, "registered_name": null });
    let json = model_of(relu(
        "keras.layers",
        json!(null),
        json!({ "activity_regularizer": penalty }),
    ));
    let model = model_from_json(&json.to_string())?;
    model.compile_from_config(&json!({ "optimizer": "sgd", "loss": "mse" }))?;
    let x = ndarray::Array2::from_elem((2, 3), 1f32);
    // 0.5 · Σ 1² over 2 · 3 elements, divided by 2 samples.
    assert_eq!(model.evaluate(&x, &x).run()?.loss(), 1.5);
    let written: Json = model.to_json().parse().expect("JSON");
    let l2 = &written["config"]["layers"][1]["config"]["activity_regularizer"]["config"]["l2"];
    assert_eq!(*l2, json!(0.5));
    Ok(())
}

#[test]
fn numbers_that_json_does_not_have_are_read() -> Result<()> {
    let json = model_of(relu(
        "keras.layers",
        json!(null),
        json!({ "max_value": "Infinity" }),
    ));
    model_from_json(&json.to_string())?;
    let python = json.to_string().replace("\"Infinity\"", "Infinity");
    model_from_json(&python)?;
    Ok(())
}

/// A model that calls the one inside it twice, so many levels deep.
fn doubled(levels: usize) -> Json {
    let input = json!({ "module": "keras.layers", "class_name": "InputLayer", "registered_name": null, "name": "x",
        "config": { "name": "x", "batch_shape": [null, 3], "dtype": "float32" }, "inbound_nodes": [] });
    let tensor = |layer: &str, node: usize| json!({ "class_name": "__keras_tensor__", "config": { "keras_history": [layer, node, 0] } });
    let call = |layer: &str, node| json!({ "args": [tensor(layer, node)], "kwargs": {} });
    let mut inner = relu("keras.layers", json!(null), json!({}));
    inner["name"] = json!("r");
    for level in 0..levels {
        let name = inner["config"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        inner["inbound_nodes"] = json!([call("x", 0), call(&name, 0)]);
        inner["name"] = json!(name);
        let last = if level == 0 { 1 } else { 2 };
        inner = json!({ "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
            "config": { "name": format!("m{level}"), "layers": [input.clone(), inner],
                "input_layers": ["x", 0, 0], "output_layers": [name, last, 0] } });
    }
    inner
}

#[test]
fn models_that_double_with_each_level_are_refused_in_time() -> Result<()> {
    model_from_json(&doubled(5).to_string())?;
    let start = std::time::Instant::now();
    let error = model_from_json(&doubled(40).to_string()).err();
    let error = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(error.contains("calls"), "{error}");
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    Ok(())
}

#[test]
fn parts_of_another_type_are_errors() {
    for json in [
        json!({ "class_name": "Sequential", "config": 5 }),
        json!({ "class_name": "Sequential", "config": [5] }),
        json!({ "class_name": "Functional", "config": { "name": "m", "layers": [5], "input_layers": [], "output_layers": [] } }),
        json!({ "class_name": "Functional", "config": null }),
        json!({ "class_name": 3 }),
        json!([]),
    ] {
        assert!(model_from_json(&json.to_string()).is_err(), "{json}");
    }
    let text = json!({ "module": "keras", "class_name": "Sequential", "config": { "name": "m", "layers": [] },
        "compile_config": { "optimizer": "adam", "loss": "mse" } });
    assert!(model_from_json(&text.to_string()).is_err());
}

#[test]
fn an_optimizer_by_its_name_is_compiled_with() -> Result<()> {
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let mut json: Json = model.to_json().parse().expect("JSON");
    json["compile_config"] = json!({ "optimizer": "adam", "loss": "mse" });
    let again = model_from_json(&json.to_string())?;
    assert_eq!(
        again
            .optimizer()
            .map(|o| o.class_name().to_owned())
            .as_deref(),
        Some("Adam")
    );
    json["compile_config"]["loss"] = json!(["mse", "mae"]);
    let unfollowed = model_from_json(&json.to_string())?;
    assert!(!unfollowed.is_compiled());
    let (x, y) = (
        ndarray::Array2::<f32>::ones((2, 3)),
        ndarray::Array2::<f32>::ones((2, 1)),
    );
    let error = unfollowed
        .evaluate(&x, &y)
        .run()
        .map(|_| ())
        .expect_err("not compiled");
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.to_string().contains("losses"), "{error}");
    Ok(())
}

#[test]
fn layers_of_one_name_in_two_models_stay_two_in_every_format() -> Result<()> {
    let dense = || Dense::new(3).name("d");
    let (a, b) = (input([3]), input([2, 3]));
    let first = Model::with_name("first", &a, &dense().call(&a)?)?;
    let wrapped = layers::TimeDistributed::new(dense()).call(&b)?;
    let second = Model::with_name("second", &b, &wrapped)?;
    let (x, y) = (input([3]), input([2, 3]));
    let model = Model::new([&x, &y], [&first.call(&x)?, &second.call(&y)?])?;
    for end in ["keras", "h5", "safetensors"] {
        let name = format!("refrain-two-{}.{end}", std::process::id());
        let path = std::env::temp_dir().join(name);
        model.save(&path)?;
        let again = refrain::load_model(&path);
        std::fs::remove_file(&path).ok();
        let weights = again?.weights();
        assert_eq!(weights.len(), 4, "{end}");
        for (got, expected) in weights.iter().zip(model.weights()) {
            assert_eq!(got.value()?, expected.value()?, "{end}");
        }
    }
    Ok(())
}

#[test]
fn truth_values_are_operands() -> Result<()> {
    let x = input([2]);
    let model = Model::new(&x, &(&x * 3.0))?;
    let json = model.to_json().replace("3.0]", "true]");
    assert!(json.contains("true]"), "{json}");
    let data = ndarray::Array2::<f32>::from_elem((1, 2), 2.5);
    let kept = model_from_json(&json)?.predict(&data).run()?;
    assert_eq!(kept.get(0)?[[0, 1]], 2.5);
    Ok(())
}

#[test]
fn an_attention_has_an_output_of_one_size_or_several() -> Result<()> {
    let x = input([5, 3]);
    let attention = MultiHeadAttention::new(2, 4).output_shape([7]).name("a");
    let mut model: Json = Model::new(&x, &attention.call(&x)?)?
        .to_json()
        .parse()
        .unwrap();
    let layer = model.pointer("/config/layers/1/config/output_shape");
    assert_eq!(layer, Some(&json!([7])));
    for (given, written, last) in [
        (json!(7), json!([7]), vec![7]),
        (json!([2, 7]), json!([2, 7]), vec![2, 7]),
        (json!(0), Json::Null, vec![3]),
        (json!([]), Json::Null, vec![3]),
        (Json::Null, Json::Null, vec![3]),
    ] {
        model["config"]["layers"][1]["config"]["output_shape"] = given;
        let read = model_from_json(&model.to_string())?;
        let sizes: Vec<usize> = read.outputs()[0].shape().dims()[2..]
            .iter()
            .flatten()
            .copied()
            .collect();
        assert_eq!(sizes, last);
        let again: Json = read.to_json().parse().unwrap();
        assert_eq!(
            again["config"]["layers"][1]["config"]["output_shape"],
            written
        );
    }
    Ok(())
}

#[test]
fn an_argument_that_cannot_be_read_names_its_layer() -> Result<()> {
    let x = input([3]);
    let mut model: Json = Model::new(&x, &Dense::new(2).name("mixed").call(&x)?)?
        .to_json()
        .parse()
        .unwrap();
    let argument = &mut model["config"]["layers"][1]["inbound_nodes"][0]["args"][0];
    *argument = json!([argument.take(), 1]);
    refused(&model, &["layer `mixed`", "plain values"]);
    Ok(())
}
