//! What a reader of files knows beyond each layer's own configuration.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::core::Function;
use super::{AnyLayer, Config};
use crate::error::Result;

/// Turns the code of a Python lambda and the layer's further arguments into a function.
pub(crate) type Decode = fn(&Json, &Config) -> Result<Function>;

/// Makes a model of its description; none if it describes something else.
pub(crate) type MakeModel = fn(&Json, &Restoring) -> Result<Option<AnyLayer>>;

/// What a reader of files knows beyond each layer's own configuration.
#[derive(Default)]
pub(crate) struct Restoring {
    /// How models among the layers are made; none where there is no file.
    pub(crate) model: Option<MakeModel>,
    /// How the code of a Python lambda is read, if it is to be read.
    pub(crate) decode: Option<Decode>,
    /// Whether calls of `Lambda` layers are taken as the file describes them, where it tells the shape of what they give.
    pub(crate) described_lambdas: bool,
    /// Whether Keras 2 wrote the file, which makes some calls in another way.
    pub(crate) keras2: bool,
    /// Whether attention takes the masks off its inputs, as in Keras 3.8 and later.
    pub(crate) takes_masks: bool,
    /// Descriptions of layers that are one wherever they stand, as text.
    pub(crate) equal: HashSet<String>,
    /// Identities of layers that stand in several places, as `shared_object_id` gives them.
    pub(crate) identities: HashSet<u64>,
    /// Those layers, as far as they have been made.
    made: RefCell<HashMap<String, AnyLayer>>,
}

impl Restoring {
    /// Makes a layer, or gives the one that was made from an equal description if the file stores only one of them.
    pub(crate) fn once(
        &self,
        json: &Json,
        make: impl FnOnce() -> Result<AnyLayer>,
    ) -> Result<AnyLayer> {
        let Some(key) = self.key(json) else {
            return make();
        };
        if let Some(layer) = self.made.borrow().get(&key) {
            return Ok(layer.clone());
        }
        let layer = make()?;
        self.made.borrow_mut().insert(key, layer.clone());
        Ok(layer)
    }

    /// What a layer that stands in several places is known by.
    fn key(&self, json: &Json) -> Option<String> {
        if let Some(id) = identity(json).filter(|id| self.identities.contains(id)) {
            return Some(format!("{id} {}", description(json)));
        }
        if self.equal.is_empty() {
            return None;
        }
        Some(description(json)).filter(|key| self.equal.contains(key))
    }
}

/// What an older Keras says of a layer that it describes several times.
pub(crate) fn identity(json: &Json) -> Option<u64> {
    json["shared_object_id"].as_u64()
}

/// What two descriptions of one layer have in common: class and configuration, without the identities of Python
/// objects, which differ from one description to the next.
pub(crate) fn description(json: &Json) -> String {
    fn write(json: &Json, out: &mut String) {
        match json {
            Json::Object(map) => {
                out.push('{');
                for (key, value) in map.iter().filter(|(k, _)| *k != "shared_object_id") {
                    out.push_str(key);
                    out.push(':');
                    write(value, out);
                    out.push(',');
                }
                out.push('}');
            }
            Json::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            leaf => out.push_str(&leaf.to_string()),
        }
    }
    let mut out = json["class_name"].to_string();
    write(&json["config"], &mut out);
    out
}
