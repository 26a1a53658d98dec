//! Element types of layers in Keras's JSON.

use refrain_graph::DType;
use serde_json::{Value as Json, json};

use super::{ConfigValue, short, unexpected};
use crate::error::{Error, ErrorKind, Result};

/// A type's name, or Keras's `DTypePolicy` object of one type.
///
/// # Errors
/// Anything else, by name: a type that there is none of, a policy of two types such as `mixed_float16`, or a quantized one.
pub(crate) fn dtype_from_json(json: &Json) -> Result<DType> {
    let name = json.as_str().or_else(|| json["config"]["name"].as_str());
    let name = name.ok_or_else(|| unexpected("an element type", json))?;
    DType::from_keras_name(name).ok_or_else(|| refused(name))
}

fn refused(name: &str) -> Error {
    let policy = format!("the policy `{}`", short(name));
    if name.starts_with("mixed_") {
        return Error::mismatch(ErrorKind::Unsupported, "one element type", policy)
            .hint("Weights of one type and computation in another are not supported: set the layer's dtype to one type");
    }
    if name.contains("_from_") {
        let expected = "weights that are not quantized";
        return Error::mismatch(ErrorKind::Unsupported, expected, policy);
    }
    let names = DType::ALL.map(DType::keras_name).join(", ");
    let expected = format!("an element type ({names})");
    Error::mismatch(
        ErrorKind::Unsupported,
        expected,
        format!("`{}`", short(name)),
    )
}

impl ConfigValue for DType {
    fn to_json(&self) -> Json {
        self.keras_name().into()
    }

    fn from_json(json: &Json) -> Result<Self> {
        dtype_from_json(json)
    }
}

/// Keras's object for an element type of weights and computation.
pub(crate) fn dtype_policy(dtype: DType) -> Json {
    json!({
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": { "name": dtype.keras_name() },
        "registered_name": null,
    })
}
