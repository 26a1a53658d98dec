//! Orders of layers, calls and weights.

use refrain::{Model, Result, Variable, testing};
use serde_json::{Value as Json, json};

use super::{golden, items, steps, text};

fn paths(weights: Vec<Variable>) -> Vec<String> {
    weights.iter().map(|w| w.path().to_owned()).collect()
}

/// A model as the golden file describes it, with the keys that the file has for it.
fn describe(model: &Model, keras: &Json) -> Json {
    let sources = |tensors: Vec<refrain::Tensor>| -> Vec<Json> {
        tensors.iter().map(testing::source).collect()
    };
    let layers = model.layers();
    let mut all = json!({
        "name": model.get_name(),
        "layers": layers.iter().map(|l| l.get_name()).collect::<Vec<_>>(),
        "weights": paths(model.weights()),
        "trainable_weights": paths(model.trainable_weights()),
        "non_trainable_weights": paths(model.non_trainable_weights()),
        "parameters": model.count_params(),
    });
    if keras.get("operations").is_some() {
        all["operations"] = testing::operations(model);
        all["inputs"] = sources(model.inputs()).into();
        all["outputs"] = sources(model.outputs()).into();
        all["output_names"] = model.output_names().into();
    }
    all
}

/// The first difference of two models, key by key.
fn difference(got: &Json, keras: &Json) -> Option<String> {
    let keys = keras.as_object().expect("a model").keys();
    let mut lines = keys
        .filter(|key| got[*key] != keras[*key])
        .map(|key| format!("{key}:\n  refrain {}\n  Keras   {}", got[key], keras[key]));
    lines.next()
}

#[test]
fn layers_calls_and_weights_are_in_keras_order() -> Result<()> {
    let mut tested = 0;
    for case in golden("graphs") {
        let name = text(&case, "name");
        let made = steps::run(items(&case, "steps"))?;
        for (id, keras) in case["models"].as_object().expect("models") {
            let got = describe(&made.models[id], keras);
            if let Some(difference) = difference(&got, keras) {
                panic!("{name}, model {id}: {difference}");
            }
            assert_eq!(
                got.as_object().map(|o| o.len()),
                keras.as_object().map(|o| o.len())
            );
            tested += 1;
        }
    }
    assert!(tested > 90, "only {tested} models");
    Ok(())
}
