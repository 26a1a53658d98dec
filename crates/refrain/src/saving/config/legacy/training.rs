//! What `compile` recorded in old files.

use serde_json::{Map, Value as Json, json};

use crate::objects::own;

/// `training_config` of an HDF5 file, or `compile_config` of an old `.keras` file, as Keras 3 has it.
pub(crate) fn upgrade_training(json: &Json) -> Json {
    let mut json = json.clone();
    let Some(map) = json.as_object_mut() else {
        return json;
    };
    if let Some(optimizer) = map.shift_remove("optimizer_config") {
        map.insert("optimizer".to_owned(), optimizer);
    }
    if let Some(optimizer) = map.get_mut("optimizer").filter(|o| o.is_object()) {
        upgrade_class(optimizer);
    }
    if let Some(config) = map
        .get_mut("optimizer")
        .and_then(|o| o.get_mut("config")?.as_object_mut())
    {
        upgrade_decay(config);
        NOT_IN_KERAS_3.iter().for_each(|option| {
            config.shift_remove(*option);
        });
    }
    if let Some(loss) = map.get_mut("loss") {
        upgrade_losses(loss);
    }
    for metrics in ["metrics", "weighted_metrics"] {
        if let Some(json) = map.get_mut(metrics) {
            upgrade_metrics(json);
        }
    }
    json
}

/// Keras's optimizers, those included that refrain does not have.
const OPTIMIZERS: [&str; 14] = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
];

/// Names an optimizer of Keras as Keras 3 does: older versions leave the module out, or name another, and Keras 2.15 registers
/// its own optimizers as if they were a user's.
fn upgrade_class(optimizer: &mut Json) {
    let class = optimizer["class_name"].as_str();
    let class = class.map(|class| class.strip_prefix(OWN).unwrap_or(class));
    let Some(known) = OPTIMIZERS.into_iter().find(|known| class == Some(*known)) else {
        return;
    };
    if optimizer["registered_name"].is_null() {
        optimizer["class_name"] = known.into();
    }
    if own::own_name(optimizer).is_none() {
        optimizer["module"] = "keras.optimizers".into();
        optimizer["registered_name"] = Json::Null;
    }
}

/// The package of Keras 2.15's optimizers.
const OWN: &str = "Custom>";

/// Options of Keras 2's optimizers that change nothing of what is computed.
const NOT_IN_KERAS_3: [&str; 2] = ["jit_compile", "is_legacy_optimizer"];

/// The rate of old optimizers may fall as `rate / (1 + decay · step)`.
fn upgrade_decay(config: &mut Map<String, Json>) {
    let decay = config.shift_remove("decay").and_then(|d| d.as_f64());
    if let Some(decay) = decay.filter(|&d| d > 0.0) {
        let schedule = json!({
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": config.get("learning_rate"),
                "decay_steps": 1,
                "decay_rate": decay,
                "staircase": false,
                "name": "InverseTimeDecay",
            },
            "registered_name": null,
        });
        config.insert("learning_rate".to_owned(), schedule);
    }
}

/// What Keras 2 decides by itself is Keras 3's default.
fn upgrade_losses(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(upgrade_losses),
        Json::Object(map) if map.contains_key("class_name") => {
            let reduction = map.get_mut("config").and_then(|c| c.get_mut("reduction"));
            let auto = reduction.filter(|r| r.as_str() == Some("auto"));
            auto.into_iter()
                .for_each(|r| *r = "sum_over_batch_size".into());
        }
        Json::Object(map) => map.values_mut().for_each(upgrade_losses),
        _ => {}
    }
}

/// Metrics that wrap a function become the function under the metric's name.
fn upgrade_metrics(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(upgrade_metrics),
        Json::Object(map) => match map.get("class_name").and_then(Json::as_str) {
            Some("MeanMetricWrapper") => {
                let config = map.get("config").cloned().unwrap_or_default();
                *json = json!({
                    "class_name": own::bare(&config["fn"]),
                    "config": { "name": config["name"] },
                });
            }
            Some(_) => {}
            None => map.values_mut().for_each(upgrade_metrics),
        },
        _ => {}
    }
}
