//! Where versions and backends of Keras compute other numbers, a warning says which call it is.

#[path = "common/warned.rs"]
mod warned;

use refrain::layers::*;
use refrain::losses::Loss;
use refrain::optimizers::Sgd;
use refrain::regularizers::Regularizer;
use refrain::saving::LoadOptions;
use refrain::{Input, Model, Result, Tensor, input, model_from_json};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use warned::warnings;

fn words() -> Result<Tensor> {
    let embedding = Embedding::new(10, 4).mask_zero(true);
    embedding.call(Input::new([6]).dtype(refrain::DType::I32).tensor())
}

fn path(name: &str) -> PathBuf {
    let name = format!("refrain-other-{}-{name}", std::process::id());
    std::env::temp_dir().join(name)
}

/// Exactly one warning, with these words.
fn one(texts: &[String], words: &[&str]) {
    assert_eq!(texts.len(), 1, "{texts:?}");
    for word in words {
        assert!(texts[0].contains(word), "`{word}` is not in {texts:?}");
    }
}

fn penalized(units: usize) -> Dense {
    Dense::new(units)
        .activity_regularizer(Regularizer::l2(0.1))
        .name("penalized")
}

fn compile(model: &Model) -> Result<()> {
    model.compile(Sgd::new(0.1), Loss::MeanSquaredError).run()
}

#[test]
fn a_call_that_gives_its_input_keeps_the_mask_as_on_jax() -> Result<()> {
    let x = words()?;
    let same = Reshape::new([6, 4]).name("same");
    one(
        &warnings(|| same.call(&x).map(drop))?,
        &["'same'", "TensorFlow"],
    );
    let silent = warnings(|| {
        Reshape::new([6, 4]).call(input([6, 4]))?;
        Identity::new().call(&x)?;
        Lambda::new(|t| t.clone()).call(&x).map(drop)
    })?;
    assert!(silent.is_empty(), "{silent:?}");
    Ok(())
}

#[test]
fn penalties_of_repeated_calls_are_told() -> Result<()> {
    let x = input([2]);
    let layer = penalized(2);
    let twice = Model::new(&x, &layer.call(&layer.call(&x)?)?)?;
    one(
        &warnings(|| compile(&twice))?,
        &["'penalized'", "JAX", "last call"],
    );

    let y = input([2]);
    let inner = Model::new(&y, &layer.call(&y)?)?;
    let shared = Model::new(&x, &layer.call(&inner.call(&x)?)?)?;
    one(&warnings(|| compile(&shared))?, &["'penalized'"]);

    let steps = input([3, 2]);
    let each = TimeDistributed::new(penalized(2));
    let silent = Model::new(&steps, &each.call(&each.call(&steps)?)?)?;
    let once = Model::new(&x, &penalized(2).call(&x)?)?;
    assert!(warnings(|| compile(&silent).and(compile(&once)))?.is_empty());
    Ok(())
}

/// A description as Keras 2 writes one, of a masked sequence and two layers.
fn of_keras2(layer: Json, name: &str) -> String {
    let described = |class: &str, config: Json, name: &str, before: Json| {
        let mut config = config;
        config["name"] = name.into();
        config["dtype"] = "float32".into();
        json!({ "class_name": class, "name": name, "config": config, "inbound_nodes": before })
    };
    let after = |name: &str| json!([[[name, 0, 0, {}]]]);
    let class = layer["class_name"].as_str().expect("a class").to_owned();
    let layers = json!([
        described(
            "InputLayer",
            json!({ "batch_input_shape": [null, null, 4] }),
            "x",
            json!([])
        ),
        described("Masking", json!({ "mask_value": 0.0 }), "mask", after("x")),
        described(&class, layer["config"].clone(), name, after("mask")),
        described("LSTM", json!({ "units": 2 }), "lstm", after(name)),
    ]);
    let config = json!({
        "name": "model", "layers": layers,
        "input_layers": [["x", 0, 0]], "output_layers": [["lstm", 0, 0]],
    });
    json!({ "class_name": "Functional", "config": config, "keras_version": "2.15.0" }).to_string()
}

#[test]
fn masks_that_keras_2_loses_are_told_also_where_sizes_are_open() -> Result<()> {
    for (class, config) in [
        ("Reshape", json!({ "target_shape": [5, 4] })),
        ("Rescaling", json!({ "scale": 2.0, "offset": 0.0 })),
        ("Cropping1D", json!({ "cropping": [0, 0] })),
    ] {
        let text = of_keras2(json!({ "class_name": class, "config": config }), "loses");
        let model = model_from_json(&text)?;
        let file = path("loses.keras");
        one(
            &warnings(|| model.save(&file))?,
            &["`loses`", "without its mask"],
        );
        std::fs::remove_file(file).ok();
        let json = model.to_json();
        assert!(json.contains("\"loses_masks\""), "{json}");
        assert_eq!(model_from_json(&json)?.to_json(), json);
    }
    Ok(())
}

#[test]
fn penalties_of_older_versions_are_told() -> Result<()> {
    let x = input([2]);
    let model = Model::new(&x, &penalized(2).call(&x)?)?;
    compile(&model)?;
    let file = path("older.h5");
    model.save(&file)?;
    let load = || LoadOptions::new().load(&file).map(drop);
    assert!(warnings(load)?.is_empty());

    let mut bytes = std::fs::read(&file).expect("the file");
    let version = b"3.15.";
    let places = bytes.windows(version.len());
    let place = places.into_iter().position(|w| w == version);
    let place = place.expect("the version is stored as text");
    bytes[place..place + version.len()].copy_from_slice(b"3.10.");
    std::fs::write(&file, bytes).expect("the file");
    one(&warnings(load)?, &["'penalized'", "3.14", "batch size"]);
    std::fs::remove_file(file).ok();
    Ok(())
}
