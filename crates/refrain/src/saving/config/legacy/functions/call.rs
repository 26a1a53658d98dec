//! One call of a function on its way from TensorFlow's arguments to Keras's.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::super::nodes::array;
use super::Class;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::is_array;

/// A call of a function as Keras 3 has it.
pub(super) struct KerasCall {
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) args: Vec<Json>,
    pub(super) kwargs: Map<String, Json>,
    pub(super) config: Map<String, Json>,
}

/// A call that is being rewritten.
pub(super) struct Call {
    own: KerasCall,
    /// How often the functions that are computed before have been called so far.
    calls: HashMap<String, usize>,
    /// The arguments of TensorFlow's function by name, as far as no rule has taken them.
    given: Map<String, Json>,
    /// What is computed before.
    pub(super) before: Vec<KerasCall>,
}

impl Call {
    /// Of this layer, after so many calls of the layers that are made of it.
    pub(super) fn new(
        name: &str,
        calls: HashMap<String, usize>,
        class: Class,
        node: &Json,
    ) -> Self {
        let given = node["kwargs"].as_object().cloned().unwrap_or_default();
        Call {
            own: KerasCall {
                name: name.to_owned(),
                class,
                args: node["args"].as_array().cloned().unwrap_or_default(),
                kwargs: Map::new(),
                config: Map::new(),
            },
            calls,
            given,
            before: Vec::new(),
        }
    }

    /// Takes an argument, unless it is missing or `None`.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.given.shift_remove(name).filter(|json| !json.is_null())
    }

    /// Takes an argument that must be a constant; an array as nested lists.
    pub(super) fn plain(&mut self, name: &str) -> Result<Option<Json>> {
        let Some(json) = self.take(name) else {
            return Ok(None);
        };
        match json.to_string().contains("__keras_tensor__") {
            false => Ok(Some(listed(json))),
            true => Err(unsupported(name, "a tensor")),
        }
    }

    /// Takes an argument that has no counterpart and changes nothing at this value.
    pub(super) fn neutral(&mut self, name: &str, value: f64) {
        if self.given.get(name).and_then(Json::as_f64) == Some(value) {
            self.given.shift_remove(name);
        }
    }

    /// Takes an argument that has no counterpart and changes nothing.
    pub(super) fn ignore(&mut self, name: &str) {
        self.given.shift_remove(name);
    }

    /// The next argument by position. A list of numbers is an array, unless it is an index.
    pub(super) fn push(&mut self, json: Json) {
        let index = self.own.class == ("numpy", "GetItem");
        let slice = json["class_name"].as_str() == Some("__slice__");
        self.own.args.push(match index {
            // Keras 3 opens no file with a slice that stands alone.
            true if slice => json!([json]),
            true => json,
            false => array(&json),
        });
    }

    /// All arguments by position.
    pub(super) fn arguments(&mut self) -> &mut Vec<Json> {
        &mut self.own.args
    }

    /// An argument of Keras's function by name.
    pub(super) fn keyword(&mut self, name: &str, value: Json) {
        self.own.kwargs.insert(name.to_owned(), value);
    }

    /// A part of the function's configuration.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.own.config.insert(name.to_owned(), value.into());
    }

    /// Another function than the table's.
    pub(super) fn become_class(&mut self, class: Class) {
        self.own.class = class;
    }

    /// Computes a function before; gives its output.
    pub(super) fn first(
        &mut self,
        suffix: &str,
        class: Class,
        args: Vec<Json>,
        config: Json,
    ) -> Json {
        let name = format!("{}_{suffix}", self.own.name);
        let call = self.calls.entry(name.clone()).or_default();
        let output = json!({
            "class_name": "__keras_tensor__",
            "config": { "keras_history": [name, *call, 0] },
        });
        *call += 1;
        let config = config.as_object().cloned().unwrap_or_default();
        let (args, kwargs) = (args.iter().map(array).collect(), Map::new());
        self.before.push(KerasCall {
            name,
            class,
            args,
            kwargs,
            config,
        });
        output
    }

    /// The call, if no argument is left that would change what is computed.
    pub(super) fn finish(&mut self) -> Result<KerasCall> {
        let effective = |(name, value): &(&String, &Json)| {
            *name != "name" && !value.is_null() && **value != Json::Bool(false)
        };
        if let Some((name, value)) = self.given.iter().find(effective) {
            return Err(unsupported(name, &value.to_string()));
        }
        Ok(KerasCall {
            name: self.own.name.clone(),
            class: self.own.class,
            args: std::mem::take(&mut self.own.args),
            kwargs: std::mem::take(&mut self.own.kwargs),
            config: std::mem::take(&mut self.own.config),
        })
    }
}

/// An array of a file as nested lists.
pub(super) fn listed(json: Json) -> Json {
    match is_array(&json) {
        true => json["config"]["value"].clone(),
        false => json,
    }
}

/// An argument of TensorFlow's function that has no counterpart.
pub(super) fn unsupported(name: &str, value: &str) -> Error {
    let (name, value) = (short(name), short(value));
    let message = format!("argument `{name}` = {value} of TensorFlow's function");
    Error::new(ErrorKind::Unsupported, message)
}
