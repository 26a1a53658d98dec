//! Functions of TensorFlow that Keras 2 recorded as layers, as functions of `ops`.

use serde_json::{Map, Value as Json, json};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::registry::OPS_MODULE;

/// How the arguments of TensorFlow's function become those of Keras's.
#[derive(Clone, Copy)]
enum Form {
    /// `f(x)`.
    Unary,
    /// `f(x, y)`: the second argument may be a tensor or a number, under one of these names.
    Binary(&'static [&'static str]),
    /// `f(x, option=…)`: TensorFlow's names of options, Keras's, and whether they are part of the function's configuration.
    Options(&'static [(&'static str, &'static str)]),
    /// `x[…]`.
    Slice,
}

const Y: Form = Form::Binary(&["y"]);
const REDUCE: Form = Form::Options(&[("axis", "axis"), ("keepdims", "keepdims")]);
const AXIS: Form = Form::Options(&[("axis", "axis")]);

/// TensorFlow's function, Keras's module and class, and the form of its arguments.
const FUNCTIONS: &[(&str, &str, &str, Form)] = &[
    ("__operators__.add", "numpy", "Add", Y),
    ("__operators__.getitem", "numpy", "GetItem", Form::Slice),
    ("math.add", "numpy", "Add", Y),
    ("math.subtract", "numpy", "Subtract", Y),
    ("math.multiply", "numpy", "Multiply", Y),
    ("math.truediv", "numpy", "TrueDivide", Y),
    ("math.divide", "numpy", "TrueDivide", Y),
    ("math.floordiv", "numpy", "FloorDivide", Y),
    ("math.pow", "numpy", "Power", Y),
    ("math.maximum", "numpy", "Maximum", Y),
    ("math.minimum", "numpy", "Minimum", Y),
    ("math.greater", "numpy", "Greater", Y),
    ("math.greater_equal", "numpy", "GreaterEqual", Y),
    ("math.less", "numpy", "Less", Y),
    ("math.less_equal", "numpy", "LessEqual", Y),
    ("math.equal", "numpy", "Equal", Y),
    ("math.not_equal", "numpy", "NotEqual", Y),
    ("linalg.matmul", "numpy", "Matmul", Form::Binary(&["b"])),
    ("math.abs", "numpy", "Absolute", Form::Unary),
    ("math.negative", "numpy", "Negative", Form::Unary),
    ("math.square", "numpy", "Square", Form::Unary),
    ("math.sqrt", "numpy", "Sqrt", Form::Unary),
    ("math.exp", "numpy", "Exp", Form::Unary),
    ("math.log", "numpy", "Log", Form::Unary),
    ("math.sin", "numpy", "Sin", Form::Unary),
    ("math.cos", "numpy", "Cos", Form::Unary),
    ("math.tanh", "numpy", "Tanh", Form::Unary),
    ("math.sign", "numpy", "Sign", Form::Unary),
    ("math.floor", "numpy", "Floor", Form::Unary),
    ("math.ceil", "numpy", "Ceil", Form::Unary),
    ("math.sigmoid", "nn", "Sigmoid", Form::Unary),
    ("math.softplus", "nn", "Softplus", Form::Unary),
    ("nn.sigmoid", "nn", "Sigmoid", Form::Unary),
    ("nn.tanh", "numpy", "Tanh", Form::Unary),
    ("nn.relu", "nn", "Relu", Form::Unary),
    ("nn.relu6", "nn", "Relu6", Form::Unary),
    ("nn.softplus", "nn", "Softplus", Form::Unary),
    ("nn.softmax", "nn", "Softmax", AXIS),
    ("math.reduce_mean", "numpy", "Mean", REDUCE),
    ("math.reduce_sum", "numpy", "Sum", REDUCE),
    ("math.reduce_max", "numpy", "Max", REDUCE),
    ("math.reduce_min", "numpy", "Min", REDUCE),
    ("math.reduce_prod", "numpy", "Prod", REDUCE),
    ("concat", "numpy", "Concatenate", AXIS),
    ("stack", "numpy", "Stack", AXIS),
    ("expand_dims", "numpy", "ExpandDims", AXIS),
    ("squeeze", "numpy", "Squeeze", AXIS),
    ("compat.v1.squeeze", "numpy", "Squeeze", AXIS),
    ("compat.v1.floor_div", "numpy", "FloorDivide", Y),
    ("math.floormod", "numpy", "Mod", Y),
    (
        "reshape",
        "numpy",
        "Reshape",
        Form::Options(&[("shape", "newshape")]),
    ),
    (
        "transpose",
        "numpy",
        "Transpose",
        Form::Options(&[("perm", "axes")]),
    ),
    (
        "compat.v1.transpose",
        "numpy",
        "Transpose",
        Form::Options(&[("perm", "axes")]),
    ),
    ("cast", "core", "Cast", Form::Options(&[("dtype", "dtype")])),
];

/// Options that change nothing.
const WITHOUT_EFFECT: [&str; 1] = ["name"];

/// Rewrites a function that Keras 2 recorded as a layer.
pub(super) fn upgrade_function(json: &mut Json) -> Result<()> {
    let name = json["config"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let function = json["config"]["function"].as_str().unwrap_or_default();
    let found = FUNCTIONS.iter().find(|(f, ..)| *f == function);
    let Some(&(_, module, class, form)) = found else {
        let message = format!("TensorFlow's function `tf.{function}` has no counterpart in `ops`");
        let kind = json["class_name"].as_str().unwrap_or_default();
        return Err(Error::new(ErrorKind::Unsupported, message).in_layer(&name, kind));
    };
    let mut config = Map::new();
    config.insert("name".to_owned(), name.clone().into());
    for call in json["inbound_nodes"].as_array_mut().into_iter().flatten() {
        let rewritten = rewrite(call, form, &mut config);
        rewritten.map_err(|e| e.in_layer(&name, class))?;
    }
    json["module"] = format!("{OPS_MODULE}{module}").into();
    json["class_name"] = class.into();
    json["config"] = config.into();
    json["registered_name"] = class.into();
    Ok(())
}

/// Rewrites one call; what Keras keeps in the function's configuration goes there.
fn rewrite(call: &mut Json, form: Form, config: &mut Map<String, Json>) -> Result<()> {
    let mut kwargs = call["kwargs"].as_object().cloned().unwrap_or_default();
    let mut args = call["args"].as_array().cloned().unwrap_or_default();
    match form {
        Form::Unary => {}
        Form::Binary(names) => {
            let second = names.iter().find_map(|name| kwargs.shift_remove(*name));
            args.extend(second);
        }
        Form::Options(options) => {
            for (old, new) in options {
                if let Some(value) = kwargs.shift_remove(*old) {
                    config.insert((*new).to_owned(), value);
                }
            }
        }
        Form::Slice => args.extend(kwargs.shift_remove("slice_spec").map(|spec| slices(&spec))),
    }
    let effective = |(k, v): &(&String, &Json)| {
        !WITHOUT_EFFECT.contains(&k.as_str()) && !v.is_null() && **v != Json::Bool(false)
    };
    if let Some((name, value)) = kwargs.iter().find(effective) {
        let message = format!("argument `{name}` = {value} of TensorFlow's function");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    *call = json!({ "args": args, "kwargs": {} });
    Ok(())
}

/// TensorFlow's slices are objects with `start`, `stop` and `step`, its ellipsis a word.
fn slices(spec: &Json) -> Json {
    match spec {
        Json::Array(items) => items.iter().map(slices).collect(),
        Json::Object(slice) => json!({ "class_name": "__slice__", "config": slice }),
        Json::String(word) if word == "..." || word == "Ellipsis" => {
            json!({ "class_name": "__ellipsis__", "config": {} })
        }
        other => other.clone(),
    }
}
