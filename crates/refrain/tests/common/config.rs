//! Comparison of a layer's configuration with Keras's.

use serde_json::Value as Json;

/// `Err` says at which key the configurations differ. A key that Keras has as null may be missing.
pub fn same(path: &str, got: &Json, keras: &Json) -> Result<(), String> {
    match (got, keras) {
        (Json::Object(got), Json::Object(keras)) => {
            // What a layer was built for is a matter of the call: here the batch is unknown, in Keras it was known.
            for (key, expected) in keras.iter().filter(|(k, _)| *k != "build_config") {
                let path = format!("{path}.{key}");
                match got.get(key) {
                    // Keras writes the Python module of a user's class, if there is one.
                    Some(module) if key == "module" && module == "builtins" => {
                        let is_own = got.get("registered_name").is_some_and(Json::is_string);
                        let of_keras = expected.as_str().is_some_and(|m| m.starts_with("keras"));
                        if !is_own || of_keras {
                            return Err(format!("{path}: expected {expected}, got {module}"));
                        }
                    }
                    Some(value) => same(&path, value, expected)?,
                    None if expected.is_null() => {}
                    None => return Err(format!("{path}: missing, Keras has {expected}")),
                }
            }
            match got.keys().find(|key| !keras.contains_key(*key)) {
                Some(key) => Err(format!("{path}.{key}: Keras has no such key")),
                None => Ok(()),
            }
        }
        (Json::Array(got), Json::Array(keras)) if got.len() == keras.len() => {
            let mut pairs = got.iter().zip(keras).enumerate();
            pairs.try_for_each(|(i, (g, k))| same(&format!("{path}[{i}]"), g, k))
        }
        (Json::Number(got), Json::Number(keras)) if got.as_f64() == keras.as_f64() => Ok(()),
        (got, keras) if got == keras => Ok(()),
        // Keras writes the type's policy; both forms are read.
        (Json::String(name), policy) if policy["config"]["name"] == name.as_str() => Ok(()),
        _ => Err(format!("{path}: expected {keras}, got {got}")),
    }
}
