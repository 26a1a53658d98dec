//! Layers in Keras's serialised form: which class a description leads to, and how a layer is described.

use refrain_graph::Spec;
use serde_json::{Value as Json, json};

use super::handle::{AnyLayer, BuildSpecs};
use super::registry::{self, Row, row_of};
use super::restoring::Restoring;
use crate::config::{Config, dtype_policy, short, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{self, own};
use crate::ops;
use crate::structure::Structure;

/// A class that layers can be made of.
enum Class {
    Own(objects::Restore<AnyLayer>),
    BuiltIn(&'static Row),
}

impl Class {
    /// A user's.
    fn own(name: &str) -> Option<Self> {
        objects::custom(name).map(Class::Own)
    }

    /// Keras's.
    fn built_in(class: &str) -> Option<Self> {
        registry::built_in(class).map(Class::BuiltIn)
    }

    /// The class of a name that is not marked as a user's.
    fn unmarked(class: &str, module: &str) -> Option<Self> {
        if let Some(scoped) = objects::scoped(class) {
            return Some(Class::Own(scoped));
        }
        match module.is_empty() {
            true => Class::own(class).or_else(|| Class::built_in(class)),
            false => Class::built_in(class).or_else(|| Class::own(class)),
        }
    }
}

/// Whether a name is that of a class of Keras and of no registered one.
pub(crate) fn is_only_built_in(class: &str) -> bool {
    registry::built_in(class).is_some() && Class::own(class).is_none()
}

/// Makes a layer, a model, or a function of `ops` as a layer, from Keras's serialised form.
///
/// A layer that a file stores once and describes several times is made once.
pub(crate) fn from_json(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    context.once(json, || make(json, context))
}

fn make(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    let (class, config) = (json["class_name"].as_str(), json["config"].as_object());
    let (Some(class), Some(config)) = (class, config) else {
        return Err(unexpected("a layer", json));
    };
    let module = json["module"].as_str().unwrap_or_default();
    let own = own::own_name(json);
    if own.is_none() && ops::is_module(module) {
        return operation(json, class, config);
    }
    let found = match own {
        Some(name) => Class::own(name),
        None => Class::unmarked(class, module),
    };
    if let (None, None, Some(model)) = (&found, own, context.model)
        && let Some(model) = model(json, context)?
    {
        return Ok(model);
    }
    of_class(found, own.unwrap_or(class), config, context)
}

/// A function of `ops` as a layer.
fn operation(json: &Json, class: &str, config: &Config) -> Result<AnyLayer> {
    let name = json["name"].as_str();
    let operation = ops::operation(class, config).ok_or_else(|| {
        let message = format!("no function of class `{}` in `ops`", short(class));
        Error::new(ErrorKind::Unsupported, message).in_layer(name.unwrap_or_default(), class)
    })?;
    let mut config = config.clone();
    // Some functions of older versions have their name beside the configuration alone.
    if let (false, Some(name)) = (config.contains_key("name"), name) {
        config.insert("name".to_owned(), name.into());
    }
    let refused = operation.def.refuse_unknown(&config);
    refused.map_err(|e| e.in_layer(layer_name(&config, class), class))?;
    registry::restore(operation, &config)
}

/// A layer from Keras's configuration of it. An error names the layer by the configuration, or by its class.
fn of_class(
    found: Option<Class>,
    name: &str,
    config: &Config,
    context: &Restoring,
) -> Result<AnyLayer> {
    let made = match found {
        Some(Class::Own(restore)) => restore(config),
        Some(Class::BuiltIn(row)) => row.make(config, context),
        None => Err(no_class(name)),
    };
    let class = own::short(name);
    made.map_err(|e| e.in_layer(layer_name(config, class), class))
}

/// Another layer of a layer's class.
pub(crate) fn another(layer: &AnyLayer, config: &Config) -> Result<AnyLayer> {
    let class = layer.class_name();
    let found = row_of(layer).map(Class::BuiltIn);
    let found = found.or_else(|| Class::own(class));
    of_class(found, class, config, &Restoring::default())
}

/// The name that a configuration gives a layer, or its class.
fn layer_name<'c>(config: &'c Config, class: &'c str) -> &'c str {
    config.get("name").and_then(Json::as_str).unwrap_or(class)
}

/// Classes of Keras whose layers hold what only another program can run.
const FOREIGN: [(&str, &str); 4] = [
    ("FlaxLayer", "a module of Flax"),
    ("JaxLayer", "a function of JAX"),
    ("TFSMLayer", "a SavedModel of TensorFlow"),
    ("TorchModuleWrapper", "a module of PyTorch"),
];

fn no_class(class: &str) -> Error {
    let foreign = FOREIGN.iter().find(|(name, _)| *name == class);
    let message = match foreign {
        Some((_, held)) => format!("a `{class}` computes with {held}, which only Python can run"),
        None => format!("no layer class `{}`", short(class)),
    };
    Error::new(ErrorKind::Unsupported, message)
        .hint("Make a layer of your own known with `refrain::register`")
}

/// Keras's serialised form of a layer or a model.
pub(crate) fn to_json(layer: &AnyLayer) -> Json {
    if let Some(graph) = layer.graph() {
        return graph.to_json(layer);
    }
    let row = row_of(layer);
    let class = row.map_or(layer.class_name(), |row| row.class);
    let (mut config, properties) = (layer.full_config(), layer.properties());
    config.retain(|key, _| !properties.own_options.contains(&key.as_str()));
    config.insert("name".to_owned(), layer.get_name().replace('/', "_").into());
    let (module, registered_name) = if let Some(operation) = layer.options::<ops::Operation>() {
        config.retain(|key, _| key == "name" || operation.config.contains_key(key));
        (operation.def.module(), class.into())
    } else {
        if !properties.plain_config {
            config.insert("dtype".to_owned(), dtype_policy(layer.dtype()));
        }
        match row.is_some() || layer.is_input() {
            true => ("keras.layers".to_owned(), Json::Null),
            false => ("builtins".to_owned(), own::packaged(class).into()),
        }
    };
    let mut json = json!({
        "module": module,
        "class_name": own::short(class),
        "config": config,
        "registered_name": registered_name,
    });
    let function = layer.options::<ops::Operation>().is_some();
    let mut specs = layer.build_specs();
    // Weights of cells do not depend on states, and where there are none Keras takes no shapes of further arguments.
    if properties.states.is_some() || layer.weights().is_empty() {
        specs = specs.of_first();
    }
    if let Some(build) = build_config(properties.arguments, &specs).filter(|_| !function) {
        json["build_config"] = build;
    }
    json
}

/// Arguments that files say no shapes of, or no other than `input_shape`.
const WITHOUT_SHAPES: [&str; 3] = ["inputs", "training", "mask"];

/// The shapes that a layer was built for: alone, or by the names of the arguments if there are several.
fn build_config(arguments: &[&str], specs: &BuildSpecs) -> Option<Json> {
    let all = specs.args.iter().chain(specs.kwargs.iter().map(|(_, s)| s));
    let all: Vec<&Structure<Spec>> = all.collect();
    if let [only] = all[..] {
        return Some(json!({ "input_shape": shapes_json(only) }));
    }
    let names = arguments.iter().map(|name| (*name).to_owned());
    let by_position = names.zip(&specs.args);
    let by_position = by_position.filter(|(name, _)| !WITHOUT_SHAPES.contains(&name.as_str()));
    let by_name = specs.kwargs.iter().map(|(n, s)| (n.clone(), s));
    let shapes: serde_json::Map<String, Json> = by_position
        .chain(by_name)
        .map(|(name, specs)| (format!("{name}_shape"), shapes_json(specs)))
        .collect();
    (!shapes.is_empty()).then(|| json!({ "shapes_dict": shapes }))
}

/// The shapes of a structure of tensors, unknown dimensions as null.
fn shapes_json(specs: &Structure<Spec>) -> Json {
    match specs {
        Structure::Leaf(spec) => json!(spec.shape.dims()),
        Structure::List(items) | Structure::Tuple(items) => items.iter().map(shapes_json).collect(),
        Structure::Dict(items) => items
            .iter()
            .map(|(k, s)| (k.clone(), shapes_json(s)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;
    use crate::DType;
    use crate::layers::Dense;
    use crate::layers::restoring::description;

    fn dense(dtype: Json) -> Result<AnyLayer> {
        let config = json!({ "name": "wide", "units": 2, "dtype": dtype });
        let json = json!({ "class_name": "Dense", "config": config });
        from_json(&json, &Restoring::default())
    }

    fn policy(name: &str) -> Json {
        json!({ "class_name": "DTypePolicy", "config": { "name": name } })
    }

    #[test]
    fn policies_of_one_type_are_that_type() -> Result<()> {
        assert_eq!(dense(json!("bfloat16"))?.dtype(), DType::BF16);
        assert_eq!(dense(policy("float16"))?.dtype(), DType::F16);
        assert_eq!(dense(Json::Null)?.dtype(), DType::F32);
        Ok(())
    }

    #[test]
    fn layers_of_other_programs_are_refused_by_name() {
        for (class, held) in FOREIGN {
            let config = json!({ "name": "borrowed" });
            let json = json!({ "module": "keras.layers", "class_name": class, "config": config });
            let error = from_json(&json, &Restoring::default()).expect_err("no such layer");
            assert_eq!(error.layer(), Some("borrowed"));
            let text = error.to_string();
            assert!(text.contains(class) && text.contains(held), "{text}");
        }
    }

    #[test]
    fn policies_of_two_types_are_refused_by_name() {
        let quantized =
            json!({ "class_name": "QuantizedDTypePolicy", "config": { "mode": "int8" } });
        let cut = format!("got `{}…`", "x".repeat(60));
        for (dtype, named) in [
            (json!("mixed_float16"), "`mixed_float16`"),
            (policy("mixed_bfloat16"), "`mixed_bfloat16`"),
            (quantized, "QuantizedDTypePolicy"),
            (json!("int8_from_float32"), "not quantized, got the policy"),
            (json!("int8"), "an element type (float32, "),
            (policy("int8"), "uint8, uint32, bool), got `int8`"),
            (json!("x".repeat(200)), cut.as_str()),
        ] {
            let error = dense(dtype).expect_err("no single element type");
            assert_eq!(error.layer(), Some("wide"));
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn equal_layers_are_made_once() {
        let json = to_json(&Dense::new(3).name("shared").any());
        let mut again = json.clone();
        again["config"]["shared_object_id"] = json!(7);
        let mut context = Restoring::default();
        context.equal = HashSet::from([description(&json)]);
        let first = from_json(&json, &context).unwrap();
        assert_eq!(from_json(&again, &context).unwrap(), first);
        let apart = Restoring::default();
        assert_ne!(
            from_json(&json, &apart).unwrap(),
            from_json(&json, &apart).unwrap()
        );
    }
}
