//! Whether Keras 3 can run the Python code that a file of Keras 2 holds.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::config::objects;
use super::marshal::{Layout, Objects};
use crate::error::{Error, Result};

/// Names that code has in Keras 3 as well: Python's own functions, and attributes of every tensor.
const KNOWN: &str = "abs all any bool callable dict divmod dtype enumerate filter float frozenset getattr hasattr int isinstance \
                     issubclass iter len list map max min ndim next pow print range reversed round set shape slice sorted str \
                     sum tuple type zip";

/// Why Keras 3 may not be able to run a function that stands in a configuration as code. It gives the code the names of a
/// module of its own, and no others.
pub(crate) fn obstacle(function: &Json) -> Option<String> {
    if function["class_name"].as_str() != Some("__lambda__") {
        return None;
    }
    let config = &function["config"];
    let objects = match objects(&config["code"]) {
        Ok(objects) => objects,
        Err(e) => return Some(unreadable(&e)),
    };
    match (objects.code(), foreign(&objects)) {
        (Err(e), _) | (_, Err(e)) => Some(unreadable(&e)),
        // No Python that Keras 3 runs on reads it.
        (Ok(code), _) if code.layout == Layout::Separate => {
            Some("it is bytecode of Python 3.10 or before".to_owned())
        }
        (_, Ok(names)) if !names.is_empty() => Some(format!("it uses {}", names.join(", "))),
        // Keras 3 gives them as a list, where Python takes nothing but a tuple.
        _ if !config["defaults"].is_null() => Some("its parameters have default values".to_owned()),
        _ => None,
    }
}

fn unreadable(e: &Error) -> String {
    e.to_string().trim_end_matches('.').to_owned()
}

/// The names that code and the functions in it use beside those that are known.
fn foreign(objects: &Objects) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for code in objects.codes() {
        found.extend(objects.texts(code.names)?);
    }
    let is_known = |name: &str| KNOWN.split(' ').any(|known| known == name);
    let foreign = found.iter().filter(|name| !is_known(name));
    Ok(foreign.map(|name| format!("`{name}`")).collect())
}
