//! Operations of TensorFlow's graphs, which TensorFlow 2.3 and before recorded as layers, as calls of its functions.

use serde_json::{Map, Value as Json, json};

use super::call::{listed, unsupported};
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};

/// The layer that TensorFlow 2.3 and before made of an operation.
pub(super) const LAYER: &str = "TensorFlowOpLayer";

/// An operation: the function, the names of the arguments after the first, and attributes under the names of options.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// `NHWC` as descriptions of operations hold texts: in base64.
const CHANNELS_LAST: &str = "TkhXQw==";

const KEEPDIMS: &[(&str, &str)] = &[("keep_dims", "keepdims")];
const AXIS: &[(&str, &str)] = &[("axis", "axis")];
const ADJOINTS: &[(&str, &str)] = &[("adj_x", "transpose_a"), ("adj_y", "transpose_b")];
const TRANSPOSED: &[(&str, &str)] = &[
    ("transpose_a", "transpose_a"),
    ("transpose_b", "transpose_b"),
];

const OPERATIONS: &[Row] = &[
    ("Abs", "math.abs", &[], &[]),
    ("Add", "math.add", &["y"], &[]),
    ("AddV2", "math.add", &["y"], &[]),
    ("All", "math.reduce_all", &["axis"], KEEPDIMS),
    ("Any", "math.reduce_any", &["axis"], KEEPDIMS),
    ("ArgMax", "math.argmax", &["axis"], &[]),
    ("ArgMin", "math.argmin", &["axis"], &[]),
    ("BatchMatMul", "linalg.matmul", &["b"], ADJOINTS),
    ("BatchMatMulV2", "linalg.matmul", &["b"], ADJOINTS),
    ("BiasAdd", "nn.bias_add", &["bias"], &[]),
    ("Cast", "cast", &[], &[("DstT", "dtype")]),
    ("Ceil", "math.ceil", &[], &[]),
    (
        "ClipByValue",
        "clip_by_value",
        &["clip_value_min", "clip_value_max"],
        &[],
    ),
    ("Cos", "math.cos", &[], &[]),
    (
        "Cumsum",
        "math.cumsum",
        &["axis"],
        &[("exclusive", "exclusive"), ("reverse", "reverse")],
    ),
    ("DivNoNan", "math.divide_no_nan", &["y"], &[]),
    ("Elu", "nn.elu", &[], &[]),
    ("Equal", "math.equal", &["y"], &[]),
    ("Erf", "math.erf", &[], &[]),
    ("Exp", "math.exp", &[], &[]),
    ("ExpandDims", "expand_dims", &["axis"], &[]),
    ("Floor", "math.floor", &[], &[]),
    ("FloorDiv", "math.floordiv", &["y"], &[]),
    ("FloorMod", "math.floormod", &["y"], &[]),
    (
        "GatherV2",
        "gather",
        &["indices", "axis"],
        &[("batch_dims", "batch_dims")],
    ),
    ("Greater", "math.greater", &["y"], &[]),
    ("GreaterEqual", "math.greater_equal", &["y"], &[]),
    ("Identity", "identity", &[], &[]),
    ("LeakyRelu", "nn.leaky_relu", &[], &[("alpha", "alpha")]),
    ("Less", "math.less", &["y"], &[]),
    ("LessEqual", "math.less_equal", &["y"], &[]),
    ("Log", "math.log", &[], &[]),
    ("Log1p", "math.log1p", &[], &[]),
    ("LogSoftmax", "nn.log_softmax", &[], &[]),
    ("LogicalAnd", "math.logical_and", &["y"], &[]),
    ("LogicalNot", "math.logical_not", &[], &[]),
    ("LogicalOr", "math.logical_or", &["y"], &[]),
    ("MatMul", "linalg.matmul", &["b"], TRANSPOSED),
    ("Max", "math.reduce_max", &["axis"], KEEPDIMS),
    ("Maximum", "math.maximum", &["y"], &[]),
    ("Mean", "math.reduce_mean", &["axis"], KEEPDIMS),
    ("Min", "math.reduce_min", &["axis"], KEEPDIMS),
    ("Minimum", "math.minimum", &["y"], &[]),
    ("Mul", "math.multiply", &["y"], &[]),
    ("Neg", "math.negative", &[], &[]),
    ("NotEqual", "math.not_equal", &["y"], &[]),
    (
        "OneHot",
        "one_hot",
        &["depth", "on_value", "off_value"],
        AXIS,
    ),
    ("Pad", "pad", &["paddings"], &[]),
    ("PadV2", "pad", &["paddings", "constant_values"], &[]),
    ("Pow", "math.pow", &["y"], &[]),
    ("Prod", "math.reduce_prod", &["axis"], KEEPDIMS),
    ("RealDiv", "math.truediv", &["y"], &[]),
    ("Relu", "nn.relu", &[], &[]),
    ("Relu6", "nn.relu6", &[], &[]),
    ("Reshape", "reshape", &["shape"], &[]),
    ("ReverseV2", "reverse", &["axis"], &[]),
    ("Round", "math.round", &[], &[]),
    ("Rsqrt", "math.rsqrt", &[], &[]),
    ("SelectV2", "where", &["x", "y"], &[]),
    ("Selu", "nn.selu", &[], &[]),
    ("Sigmoid", "math.sigmoid", &[], &[]),
    ("Sign", "math.sign", &[], &[]),
    ("Sin", "math.sin", &[], &[]),
    ("Softmax", "nn.softmax", &[], &[]),
    ("Softplus", "math.softplus", &[], &[]),
    ("Softsign", "nn.softsign", &[], &[]),
    ("Sqrt", "math.sqrt", &[], &[]),
    ("Square", "math.square", &[], &[]),
    ("SquaredDifference", "math.squared_difference", &["y"], &[]),
    ("Squeeze", "squeeze", &[], &[("squeeze_dims", "axis")]),
    ("StopGradient", "stop_gradient", &[], &[]),
    ("Sub", "math.subtract", &["y"], &[]),
    ("Sum", "math.reduce_sum", &["axis"], KEEPDIMS),
    ("Tan", "math.tan", &[], &[]),
    ("Tanh", "math.tanh", &[], &[]),
    ("Tile", "tile", &["multiples"], &[]),
    ("Transpose", "transpose", &["perm"], &[]),
];

/// Operations whose arguments change in ways of their own.
const SPECIAL: [(&str, &str); 3] = [
    ("ConcatV2", "concat"),
    ("Pack", "stack"),
    ("StridedSlice", "__operators__.getitem"),
];

/// Rewrites the layer of an operation as that of a function.
pub(super) fn as_function(json: &mut Json) -> Result<()> {
    let definition = &json["config"]["node_def"];
    let operation = definition["op"].as_str().unwrap_or_default();
    let special = SPECIAL.iter().find(|(op, _)| *op == operation);
    let row = OPERATIONS.iter().find(|(op, ..)| *op == operation);
    let function = special
        .map(|(_, function)| function)
        .or(row.map(|(_, function, ..)| function));
    let Some(function) = function else {
        let message = format!(
            "TensorFlow's operation `{}` has no counterpart in `ops`",
            short(operation)
        );
        let name = json["name"].as_str().unwrap_or_default();
        return Err(Error::new(ErrorKind::Unsupported, message).in_layer(name, LAYER));
    };
    let format = definition["attr"]["data_format"]["s"].as_str();
    if let Some(format) = format.filter(|format| *format != CHANNELS_LAST) {
        let name = json["name"].as_str().unwrap_or_default();
        return Err(unsupported("data_format", format).in_layer(name, LAYER));
    }
    let calls = json["inbound_nodes"].as_array().into_iter().flatten();
    let nodes = calls.map(|call| {
        let inputs = with_constants(call, &json["config"]["constants"]);
        match row {
            Some(row) => Ok(node(row, inputs, &definition["attr"])),
            None => special_node(operation, inputs, &definition["attr"]),
        }
    });
    let nodes = nodes.collect::<Result<Json>>()?;
    json["config"] = json!({ "name": json["name"], "function": function });
    json["inbound_nodes"] = nodes;
    Ok(())
}

/// The tensors of a call with the constants between them, at the positions that they have among all inputs.
fn with_constants(call: &Json, constants: &Json) -> Vec<Json> {
    let mut inputs: Vec<Json> = Vec::new();
    for argument in call["args"].as_array().into_iter().flatten() {
        match argument {
            Json::Array(tensors) => inputs.extend(tensors.clone()),
            tensor => inputs.push(tensor.clone()),
        }
    }
    let constants = constants.as_object().into_iter().flatten();
    let mut constants: Vec<(usize, Json)> = constants
        .filter_map(|(index, value)| Some((index.parse().ok()?, value.clone())))
        .collect();
    constants.sort_by_key(|(index, _)| *index);
    for (index, value) in constants {
        inputs.insert(index.min(inputs.len()), value);
    }
    inputs
}

/// A call of the function with these inputs.
fn node((_, _, names, attributes): &Row, inputs: Vec<Json>, held: &Json) -> Json {
    let mut inputs = inputs.into_iter();
    let first: Json = inputs.next().into_iter().collect();
    let options = attributes.iter();
    let options = options.map(|(name, option)| ((*option).to_owned(), value(&held[*name])));
    let mut kwargs: Map<String, Json> = options.collect();
    kwargs.extend(names.iter().map(|name| (*name).to_owned()).zip(inputs));
    json!({ "args": first, "kwargs": kwargs })
}

/// A call of the function for one of the special operations.
fn special_node(operation: &str, mut inputs: Vec<Json>, held: &Json) -> Result<Json> {
    if operation == "StridedSlice" {
        let key = slice_spec(&inputs, held)?;
        inputs.truncate(1);
        return Ok(json!({ "args": inputs, "kwargs": { "slice_spec": key } }));
    }
    let axis = match operation {
        "ConcatV2" => inputs.pop().map(listed).unwrap_or_default(),
        _ => value(&held["axis"]),
    };
    Ok(json!({ "args": [inputs], "kwargs": { "axis": axis } }))
}

/// What an attribute holds, in Python's words.
fn value(attribute: &Json) -> Json {
    let number = |json: &Json| match json.as_str() {
        Some(text) => text.parse::<i64>().map_or(Json::Null, Json::from),
        None => json.clone(),
    };
    let Some((kind, held)) = attribute.as_object().and_then(|map| map.iter().next()) else {
        return Json::Null;
    };
    match kind.as_str() {
        "i" => number(held),
        "list" => held["i"]
            .as_array()
            .map_or(Json::Null, |items| items.iter().map(number).collect()),
        "type" => dtype(held.as_str().unwrap_or_default()).into(),
        _ => held.clone(),
    }
}

/// `DT_FLOAT` as Keras says it.
fn dtype(name: &str) -> String {
    match name {
        "DT_FLOAT" => "float32".to_owned(),
        "DT_DOUBLE" => "float64".to_owned(),
        "DT_HALF" => "float16".to_owned(),
        other => other.trim_start_matches("DT_").to_lowercase(),
    }
}

/// The key of `x[…]` from begins, ends and steps, with a bit for each position where they do not count.
fn slice_spec(inputs: &[Json], attributes: &Json) -> Result<Json> {
    let bounds: Vec<Json> = inputs.iter().skip(1).cloned().map(listed).collect();
    let [begin, end, strides] = &bounds[..] else {
        return Err(unsupported("begin", "a tensor"));
    };
    let mask = |name: &str| value(&attributes[name]).as_i64().unwrap_or(0);
    let set = |name: &str, i: usize| mask(name) >> i.min(63) & 1 == 1;
    let count = begin.as_array().map_or(0, Vec::len);
    let item = |i: usize| {
        let bound = |bounds: &Json, mask: &str| match set(mask, i) {
            true => Json::Null,
            false => bounds[i].clone(),
        };
        if set("ellipsis_mask", i) {
            "...".into()
        } else if set("new_axis_mask", i) {
            Json::Null
        } else if set("shrink_axis_mask", i) {
            begin[i].clone()
        } else {
            json!({
                "start": bound(begin, "begin_mask"),
                "stop": bound(end, "end_mask"),
                "step": strides[i],
            })
        }
    };
    match begin.is_array() && end.is_array() && strides.is_array() {
        true => Ok((0..count).map(item).collect()),
        false => Err(unsupported("begin", &begin.to_string())),
    }
}
