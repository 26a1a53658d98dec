//! Functions of TensorFlow that Keras 2 recorded as layers, as functions of `ops`.

mod call;
mod operations;
mod rules;
mod table;

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::OPS_MODULE;
use call::{Call, KerasCall};

/// Keras's module, a part of `ops` unless it has a dot, and its class.
type Class = (&'static str, &'static str);

/// The layers that Keras 2 made of functions.
const RECORDED: [&str; 5] = [
    "TFOpLambda",
    "SlicingOpLambda",
    "ClassMethod",
    "InstanceMethod",
    operations::LAYER,
];

/// Whether a layer is a function that Keras 2 recorded.
pub(super) fn is_function(json: &Json) -> bool {
    let class = json["class_name"].as_str();
    class.is_some_and(|class| RECORDED.contains(&class))
}

/// Rewrites a function that Keras 2 recorded as a layer. Gives the layers of functions that are computed before it.
pub(super) fn upgrade_function(json: &mut Json) -> Result<Vec<Json>> {
    if json["class_name"].as_str() == Some(operations::LAYER) {
        operations::as_function(json)?;
    }
    let name = json["config"]["name"].as_str().unwrap_or_default();
    let name = name.to_owned();
    let function = json["config"]["function"].as_str().unwrap_or_default();
    let Some((class, rule)) = table::find(function) else {
        let message = format!(
            "TensorFlow's function `tf.{}` has no counterpart in `ops`",
            short(function)
        );
        let kind = json["class_name"].as_str().unwrap_or_default();
        return Err(Error::new(ErrorKind::Unsupported, message).in_layer(&name, kind));
    };
    let mut layers = Layers::default();
    let calls = json["inbound_nodes"].as_array_mut().into_iter().flatten();
    for node in calls {
        let mut call = Call::new(&name, layers.calls(), class, node);
        let rewritten = rule.apply(&mut call).and_then(|()| call.finish());
        let own = rewritten.map_err(|e| e.in_layer(&name, class.1))?;
        let steps = call.before.into_iter().chain([own]);
        steps.into_iter().try_for_each(|step| layers.add(step))?;
    }
    let mut layers = layers.0;
    if let Some(own) = layers.iter().position(|layer| layer["name"] == *name) {
        *json = layers.remove(own);
    }
    Ok(layers)
}

/// The layers that the calls of one function become; the function's own is the last.
#[derive(Default)]
struct Layers(Vec<Json>);

impl Layers {
    /// How often each has been called.
    fn calls(&self) -> HashMap<String, usize> {
        let calls = |layer: &Json| layer["inbound_nodes"].as_array().map_or(0, Vec::len);
        let name = |layer: &Json| layer["name"].as_str().unwrap_or_default().to_owned();
        self.0
            .iter()
            .map(|layer| (name(layer), calls(layer)))
            .collect()
    }

    /// Adds a call to the layer of its name.
    fn add(&mut self, step: KerasCall) -> Result<()> {
        let made = self.0.iter_mut().find(|l| l["config"]["name"] == step.name);
        let layer = step.layer();
        let Some(made) = made else {
            self.0.push(layer);
            return Ok(());
        };
        if (&made["class_name"], &made["config"]) != (&layer["class_name"], &layer["config"]) {
            let message = "calls of one function with different options";
            return Err(
                Error::new(ErrorKind::Unsupported, message).in_layer(&step.name, step.class.1)
            );
        }
        let calls = made["inbound_nodes"].as_array_mut();
        calls.into_iter().for_each(|calls| calls.push(step.node()));
        Ok(())
    }
}

impl KerasCall {
    fn node(&self) -> Json {
        json!({ "args": self.args, "kwargs": self.kwargs })
    }

    /// The layer with this call.
    fn layer(&self) -> Json {
        let (module, class) = self.class;
        let (module, registered) = match module.contains('.') {
            true => (module.to_owned(), Json::Null),
            false => (format!("{OPS_MODULE}{module}"), class.into()),
        };
        let mut config: Map<String, Json> = self.config.clone();
        config.insert("name".to_owned(), self.name.clone().into());
        json!({
            "module": module,
            "class_name": class,
            "config": config,
            "registered_name": registered,
            "name": self.name,
            "inbound_nodes": [self.node()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_second_call_alone_is_its_layers_first_call() {
        let call = |transposed: bool| {
            let tensor = json!({ "class_name": "__keras_tensor__", "config": { "keras_history": ["x", 0, 0] } });
            json!({ "args": [tensor], "kwargs": { "b": tensor, "transpose_b": transposed } })
        };
        let mut function = json!({
            "class_name": "TFOpLambda",
            "config": { "name": "product", "function": "linalg.matmul" },
            "inbound_nodes": [call(false), call(true), call(true)],
        });
        let before = upgrade_function(&mut function).unwrap();
        assert_eq!(before.len(), 1);
        let calls = function["inbound_nodes"].as_array().unwrap();
        let made_by = |call: &Json| call["args"][1]["config"]["keras_history"].clone();
        let made_by: Vec<Json> = calls.iter().map(made_by).collect();
        let name = &before[0]["name"];
        assert_eq!(
            made_by,
            [json!(["x", 0, 0]), json!([name, 0, 0]), json!([name, 1, 0])]
        );
    }
}
