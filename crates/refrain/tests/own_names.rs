//! Names of functions and classes in files: Keras's own are Keras's, all others are the user's or unknown.

use refrain::activations::Activation;
use refrain::layers::{self, AnyLayer, Call, Dense, Lambda, LambdaFunction, Layer};
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::objects::CustomObjects;
use refrain::optimizers::Sgd;
use refrain::saving::LoadOptions;
use refrain::{Inputs, Model, Result, Tensor, input, model_from_json, register};
use serde_json::{Value as Json, json};

/// A model of one layer over three features.
fn model_of(layer: Json) -> String {
    let model = json!({
        "module": "keras", "class_name": "Sequential", "registered_name": null,
        "config": { "name": "m", "layers": [
            { "module": "keras.layers", "class_name": "InputLayer", "registered_name": null,
              "config": { "name": "x", "batch_shape": [null, 3], "dtype": "float32" } },
            layer,
        ] },
    });
    model.to_string()
}

fn layer(class: &str, option: &str, value: Json) -> Json {
    let mut config = json!({ "name": "l", option: value });
    if class == "Dense" {
        config["units"] = json!(3);
    }
    json!({ "module": "keras.layers", "class_name": class, "config": config, "registered_name": null })
}

/// A function as Keras 3 writes it.
fn function(name: &str) -> Json {
    json!({ "module": "builtins", "class_name": "function", "config": name, "registered_name": "function" })
}

fn class(module: Json, class: &str, registered: Json) -> Json {
    json!({ "module": module, "class_name": class, "config": {}, "registered_name": registered })
}

fn first(model: &Model) -> Result<f32> {
    let x = ndarray::Array2::from_elem((1, 3), -1f32);
    Ok(model.predict(&x).run()?.get(0)?[[0, 0]])
}

fn refused(text: &str, words: &[&str]) {
    let error = model_from_json(text).err();
    let error = error
        .unwrap_or_else(|| panic!("loaded: {text}"))
        .to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

/// A model that is not compiled, because its file names what is not Keras's own.
fn unfollowed(model: &Model, words: &[&str]) {
    assert!(!model.is_compiled());
    let x = ndarray::Array2::<f32>::ones((2, 3));
    let error = model.evaluate(&x, &x).run().map(|_| ());
    let error = error.expect_err("not compiled").to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn functions_of_a_package_are_never_keras_own() {
    for name in ["mine>gelu", "Custom>silu", "keras>relu"] {
        for json in [function(name), json!(name)] {
            refused(
                &model_of(layer("Activation", "activation", json.clone())),
                &[name, "layer `l`"],
            );
            refused(
                &model_of(layer("Dense", "activation", json.clone())),
                &[name, "layer `l`"],
            );
            refused(
                &model_of(layer("Lambda", "function", json)),
                &[name, "layer `l`"],
            );
        }
    }
    let foreign = json!({ "module": "mine", "class_name": "function", "config": "elu", "registered_name": "function" });
    refused(
        &model_of(layer("Activation", "activation", foreign)),
        &["elu", "layer `l`"],
    );
}

#[test]
fn parts_of_layers_of_other_packages_are_refused_by_name() {
    for (option, name, classes) in [
        ("kernel_initializer", "Zeros", "initializers"),
        ("kernel_regularizer", "L2", "regularizers"),
        ("kernel_constraint", "NonNeg", "constraints"),
    ] {
        let dense = |value| model_of(layer("Dense", option, value));
        let registered = format!("mine>{name}");
        refused(
            &dense(class(Json::Null, name, json!(registered))),
            &[&registered, option],
        );
        refused(
            &dense(class(json!("mine.parts"), name, Json::Null)),
            &[name, option],
        );
        // A class of the program that wrote the file has no module there.
        refused(
            &dense(class(Json::Null, name, json!(name))),
            &[name, option],
        );
        refused(&dense(function("mine>ones")), &["mine>ones", option]);
        let own = class(json!(format!("keras.{classes}")), name, Json::Null);
        model_from_json(&dense(own)).expect("Keras's own");
    }
}

#[test]
fn parts_of_compiling_of_other_packages_are_refused_by_name() -> Result<()> {
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    let schedule = |module: Json, registered: Json| {
        json!({ "module": "keras.optimizers", "class_name": "SGD", "registered_name": null, "config": {
            "learning_rate": { "module": module, "class_name": "CosineDecay", "registered_name": registered,
                "config": { "initial_learning_rate": 0.1, "decay_steps": 10 } } } })
    };
    let compile = |optimizer: Json, loss: &Json, metric: Json| {
        model.compile_from_config(
            &json!({ "optimizer": optimizer, "loss": loss, "metrics": [metric] }),
        )
    };
    let (sgd, mse, mae) = (json!("sgd"), json!("mse"), json!("mae"));
    for (optimizer, loss, metric, word) in [
        (
            schedule(Json::Null, json!("mine>CosineDecay")),
            &mse,
            mae.clone(),
            "mine>CosineDecay",
        ),
        (
            schedule(json!("mine"), Json::Null),
            &mse,
            mae.clone(),
            "CosineDecay",
        ),
        (
            class(Json::Null, "SGD", json!("SGD")),
            &mse,
            mae.clone(),
            "`SGD`",
        ),
        (
            json!({ "class_name": "mine>SGD", "config": {} }),
            &mse,
            mae.clone(),
            "mine>SGD",
        ),
        (sgd.clone(), &function("mine>mse"), mae.clone(), "mine>mse"),
        (
            sgd.clone(),
            &class(Json::Null, "Huber", json!("Huber")),
            mae.clone(),
            "`Huber`",
        ),
        (sgd.clone(), &mse, function("mine>mae"), "mine>mae"),
        (
            sgd.clone(),
            &mse,
            class(json!("mine"), "BinaryAccuracy", Json::Null),
            "BinaryAccuracy",
        ),
    ] {
        let error = compile(optimizer, loss, metric)
            .expect_err(word)
            .to_string();
        assert!(error.contains(word), "{error}");
    }
    compile(
        schedule(json!("keras.optimizers.schedules"), Json::Null),
        &mse,
        mae,
    )
}

#[test]
fn registered_functions_are_found_with_their_package_or_without() -> Result<()> {
    for (name, factor) in [("a>gelu", 2.0), ("softplus", 5.0)] {
        let times = move |x: &Tensor| x * factor;
        register::<Activation, _>(name, move |_| Ok(Activation::custom(name, times)));
    }
    register::<LambdaFunction, _>("c>softsign", |_| Ok(LambdaFunction::new(|x| x * 7.0)));
    let activation = |json| model_from_json(&model_of(layer("Activation", "activation", json)));
    let lambda = |json| model_from_json(&model_of(layer("Lambda", "function", json)));
    assert_eq!(first(&activation(function("a>gelu"))?)?, -2.0);
    assert_eq!(first(&activation(function("Custom>softplus"))?)?, -5.0);
    assert_eq!(first(&lambda(function("c>softsign"))?)?, -7.0);
    // Keras's names stay Keras's: a file that names them bare means Keras's functions.
    assert!((first(&activation(json!("gelu"))?)? + 0.158_655_25).abs() < 1e-6);
    assert!((first(&activation(json!("softplus"))?)? - 0.313_261_7).abs() < 1e-6);
    assert_eq!(first(&lambda(function("softsign"))?)?, -0.5);
    Ok(())
}

#[test]
fn what_is_written_is_not_taken_for_keras_own() -> Result<()> {
    let relu6 = || Activation::custom("relu6", |x| x * 11.0);
    register::<Activation, _>("relu6", move |_| Ok(relu6()));
    let x = input([3]);
    let own = layers::Activation::new(relu6()).call(&x)?;
    let own = Lambda::named("mish", |x| x * 2.0).call(&own)?;
    let model = Model::new(&x, &own)?;
    let compiled = model.compile(Sgd::new(0.1), Loss::custom("mse", |y, p| (y - p).abs()));
    compiled
        .metrics([Metric::custom("mae", |y, _| y.square())])
        .run()?;
    let json: Json = model.to_json().parse().expect("JSON");
    let config = |i: usize| &json["config"]["layers"][i]["config"];
    assert_eq!(config(1)["activation"], function("Custom>relu6"));
    assert_eq!(config(2)["function"], function("Custom>mish"));
    unfollowed(
        &model_from_json(&model.to_json())?,
        &["`Custom>mse`", "refrain::register::<Loss, _>"],
    );
    let options = LoadOptions::new().compile(false);
    assert_eq!(first(&options.model_from_json(&model.to_json())?)?, -22.0);
    let compile = model.get_compile_config();
    assert_eq!(compile["loss"], function("Custom>mse"));
    assert_eq!(compile["metrics"], json!([function("Custom>mae")]));
    Ok(())
}

#[test]
fn given_losses_are_found_by_what_files_call_them() -> Result<()> {
    let path = std::env::temp_dir().join(format!("refrain-own-{}.keras", std::process::id()));
    let x = input([3]);
    let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
    model
        .compile(
            Sgd::new(0.1),
            Loss::custom("mine>hinge", |y, p| (y - p).abs()),
        )
        .run()?;
    model.save(&path)?;
    let loaded = |name: &str| {
        let loss = Loss::custom(name, |y, p| (y - p).square());
        let mut objects = CustomObjects::new();
        objects.add::<Loss, _>(name, move |_| Ok(loss.clone()));
        LoadOptions::new().custom_objects(objects).load(&path)
    };
    assert!(loaded("mine>hinge")?.is_compiled());
    assert!(loaded("hinge")?.is_compiled());
    unfollowed(&loaded("yours>hinge")?, &["mine>hinge"]);
    std::fs::remove_file(path).ok();
    Ok(())
}

/// A layer of a user's under the name of one of Keras's.
struct Permute;

impl Layer for Permute {
    type Output = Tensor;

    fn class_name(&self) -> &str {
        "Permute"
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
        Ok(inputs.one()? + 100.0)
    }
}

#[test]
fn a_users_layer_with_a_name_of_keras_is_written_as_the_users() -> Result<()> {
    let x = input([3]);
    let model = Model::new(&x, &Permute.into_layer().call(&x)?)?;
    let written: Json = model.to_json().parse().expect("JSON");
    assert_eq!(
        written["config"]["layers"][1]["registered_name"],
        "Custom>Permute"
    );
    refused(&model.to_json(), &["Custom>Permute", "register"]);
    register::<AnyLayer, _>("Permute", |_| Ok(Permute));
    assert_eq!(first(&model_from_json(&model.to_json())?)?, 99.0);
    let keras = layer("Permute", "dims", json!([1]));
    let mut keras: Json = model_of(keras).parse().expect("JSON");
    assert_eq!(first(&model_from_json(&keras.to_string())?)?, -1.0);
    // Without a module, as in HDF5, the name does not tell, and the registered class goes first.
    let bare = &mut keras["config"]["layers"][1];
    bare["module"] = Json::Null;
    assert_eq!(first(&model_from_json(&keras.to_string())?)?, 99.0);
    // Nor is a class without a module but with a registered name one of Keras's.
    let unregistered = class(Json::Null, "ReLU", json!("ReLU"));
    refused(&model_of(unregistered), &["ReLU", "register"]);
    Ok(())
}
