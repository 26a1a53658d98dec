//! Lambda layers of Keras 2, which say beside each function what it is and where it comes from.

use serde_json::{Map, Value as Json, json};

use crate::objects::own::function_to_json;

/// Options that hold a function, with the options that say what it is and which module it is of.
const FUNCTIONS: [(&str, &str, &str); 3] = [
    ("function", "function_type", "module"),
    ("output_shape", "output_shape_type", "output_shape_module"),
    ("mask", "mask_type", "mask_module"),
];

/// Rewrites the configuration of a Lambda layer as Keras 3 has it.
pub(super) fn upgrade(config: &mut Map<String, Json>) {
    for (option, kind, module) in FUNCTIONS {
        let kind = config.shift_remove(kind);
        let kind = kind.as_ref().and_then(Json::as_str);
        config.shift_remove(module);
        match config.get_mut(option) {
            Some(value) => upgrade_function(value, kind),
            None => continue,
        }
        if config.get(option) == Some(&Json::Null) {
            config.shift_remove(option);
        }
    }
    let arguments = config.get_mut("arguments").and_then(Json::as_object_mut);
    arguments
        .into_iter()
        .flat_map(|arguments| arguments.values_mut())
        .for_each(upgrade_array);
}

/// `["code", defaults, closure]` as Keras 3's object, and a name as that of a function.
fn upgrade_function(function: &mut Json, kind: Option<&str>) {
    let parts = match function["class_name"].as_str() {
        Some("__tuple__") => &function["items"],
        _ => &*function,
    };
    let upgraded = match (parts.as_array().map(Vec::as_slice), parts.as_str(), kind) {
        (Some([code, defaults, closure]), ..) if code.is_string() => json!({
            "class_name": "__lambda__",
            "config": { "code": code, "defaults": defaults, "closure": closure },
        }),
        (_, Some(name), Some("function")) => function_to_json(name),
        _ => return,
    };
    *function = upgraded;
}

/// Early versions of Keras 2 describe an array by its type.
fn upgrade_array(argument: &mut Json) {
    if argument["type"].as_str() != Some("ndarray") {
        return;
    }
    let value = argument["value"].take();
    *argument = json!({
        "class_name": "__numpy__",
        "config": { "value": value, "dtype": "float32" },
    });
}
