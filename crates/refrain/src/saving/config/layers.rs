//! Layers from Keras's JSON: which class a name leads to.

use serde_json::Value as Json;

use super::{is_model, model_from_json};
use crate::config::{Config, short, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::AnyLayer;
use crate::layers::registry::{self, Row, layer_name, no_class};
use crate::layers::restoring::Restoring;
use crate::objects::{self, own};
use crate::ops;

/// Whether a name is that of a class of Keras and of no registered one.
pub(crate) fn is_only_built_in(class: &str) -> bool {
    registry::built_in(class).is_some() && Class::own(class).is_none()
}

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

    /// A layer from Keras's configuration of it. An error names the layer by the configuration, or by its class.
    fn make(self, class: &str, config: &Config, context: &Restoring) -> Result<AnyLayer> {
        let made = match self {
            Class::Own(restore) => restore(config),
            Class::BuiltIn(row) => row.make(config, context),
        };
        made.map_err(|e| e.in_layer(layer_name(config, class), class))
    }
}

/// What makes the layers of a file's description.
pub(crate) fn reader() -> Restoring {
    let mut context = Restoring::default();
    context.make = Some(make);
    context
}

/// Makes a layer, a model, or a function of `ops` as a layer, from Keras's serialised form.
fn make(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    let class = json["class_name"].as_str();
    let class = class.ok_or_else(|| unexpected("a layer", json))?;
    let config = json["config"].as_object();
    let config = config.ok_or_else(|| unexpected("a layer", json))?;
    let module = json["module"].as_str().unwrap_or_default();
    let own = own::own_name(json);
    if own.is_none() && ops::is_module(module) {
        let operation = ops::operation(class, config).ok_or_else(|| {
            let message = format!("no function of class `{}` in `ops`", short(class));
            let name = json["name"].as_str().unwrap_or_default();
            Error::new(ErrorKind::Unsupported, message).in_layer(name, class)
        })?;
        let mut config = config.clone();
        // Some functions of older versions have their name beside the configuration alone.
        if let (false, Some(name)) = (config.contains_key("name"), json["name"].as_str()) {
            config.insert("name".to_owned(), name.into());
        }
        let refused = operation.def.refuse_unknown(&config);
        refused.map_err(|e| e.in_layer(layer_name(&config, class), class))?;
        return registry::restore(operation, &config);
    }
    let found = match own {
        Some(name) => Class::own(name),
        None => Class::unmarked(class, module),
    };
    let name = own.unwrap_or(class);
    let short = own::short(name);
    match found {
        Some(found) => found.make(short, config, context),
        None if own.is_none() && is_model(json) => {
            model_from_json(json, context).map(|model| model.any())
        }
        None => Err(no_class(name).in_layer(layer_name(config, short), short)),
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
        registry::from_json(&json, &reader())
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
        for (class, held) in registry::FOREIGN {
            let config = json!({ "name": "borrowed" });
            let json = json!({ "module": "keras.layers", "class_name": class, "config": config });
            let error = registry::from_json(&json, &reader()).expect_err("no such layer");
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
        let json = registry::to_json(&Dense::new(3).name("shared").any());
        let mut again = json.clone();
        again["config"]["shared_object_id"] = json!(7);
        let mut context = reader();
        context.equal = HashSet::from([description(&json)]);
        let first = registry::from_json(&json, &context).unwrap();
        assert_eq!(registry::from_json(&again, &context).unwrap(), first);
        let apart = reader();
        assert_ne!(
            registry::from_json(&json, &apart).unwrap(),
            registry::from_json(&json, &apart).unwrap()
        );
    }
}
