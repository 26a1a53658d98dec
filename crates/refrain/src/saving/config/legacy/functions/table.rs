//! The functions of TensorFlow that have a counterpart.

use super::Class;
use super::rules::{self, Rule};

/// What a function of TensorFlow becomes.
pub(super) fn find(function: &str) -> Option<(Class, Rule)> {
    let function = ALIASES
        .iter()
        .find(|(alias, _)| *alias == function)
        .map_or(function, |(_, name)| *name);
    let row = FUNCTIONS.iter().find(|(name, ..)| *name == function);
    row.map(|&(_, module, class, rule)| ((module, class), rule))
}

/// Other names of the same functions with the same arguments.
const ALIASES: &[(&str, &str)] = &[
    ("__operators__.add", "math.add"),
    ("compat.v1.floor_div", "math.floordiv"),
    ("compat.v1.gather", "gather"),
    ("compat.v1.norm", "norm"),
    ("compat.v1.pad", "pad"),
    ("compat.v1.squeeze", "squeeze"),
    ("compat.v1.transpose", "transpose"),
    ("linalg.l2_normalize", "math.l2_normalize"),
    ("linalg.norm", "norm"),
    ("linalg.tensordot", "tensordot"),
    ("math.divide", "math.truediv"),
    ("math.mod", "math.floormod"),
    ("math.rint", "math.round"),
    ("math.softsign", "nn.softsign"),
    ("nn.l2_normalize", "math.l2_normalize"),
    ("nn.sigmoid", "math.sigmoid"),
    ("nn.softplus", "math.softplus"),
    ("nn.swish", "nn.silu"),
    ("nn.tanh", "math.tanh"),
    ("nn.top_k", "math.top_k"),
];

const UNARY: Rule = Rule::Arguments(&[]);
const Y: Rule = Rule::Arguments(&["y"]);
const REDUCE: Rule = Rule::Options(&[("axis", "axis"), ("keepdims", "keepdims")]);
const AXIS: Rule = Rule::Options(&[("axis", "axis")]);

/// TensorFlow's function, Keras's module and class, and how the arguments change.
const FUNCTIONS: &[(&str, &str, &str, Rule)] = &[
    (
        "__operators__.getitem",
        "numpy",
        "GetItem",
        Rule::Special(rules::get_item),
    ),
    ("argsort", "numpy", "Argsort", Rule::Special(rules::argsort)),
    (
        "broadcast_to",
        "numpy",
        "BroadcastTo",
        Rule::Options(&[("shape", "shape")]),
    ),
    ("cast", "core", "Cast", Rule::Options(&[("dtype", "dtype")])),
    ("clip_by_value", "numpy", "Clip", Rule::Special(rules::clip)),
    ("concat", "numpy", "Concatenate", AXIS),
    ("expand_dims", "numpy", "ExpandDims", AXIS),
    ("gather", "numpy", "Take", Rule::Special(rules::gather)),
    ("identity", "keras.layers", "Identity", UNARY),
    (
        "keras.backend.batch_flatten",
        "keras.layers",
        "Flatten",
        UNARY,
    ),
    (
        "linalg.band_part",
        "numpy",
        "Tril",
        Rule::Special(rules::band_part),
    ),
    (
        "linalg.matmul",
        "numpy",
        "Matmul",
        Rule::Special(rules::matmul),
    ),
    ("math.abs", "numpy", "Absolute", UNARY),
    ("math.acos", "numpy", "Arccos", UNARY),
    ("math.acosh", "numpy", "Arccosh", UNARY),
    ("math.add", "numpy", "Add", Y),
    ("math.add_n", "keras.layers", "Add", UNARY),
    (
        "math.argmax",
        "numpy",
        "Argmax",
        Rule::Special(rules::position),
    ),
    (
        "math.argmin",
        "numpy",
        "Argmin",
        Rule::Special(rules::position),
    ),
    ("math.asin", "numpy", "Arcsin", UNARY),
    ("math.asinh", "numpy", "Arcsinh", UNARY),
    ("math.atan", "numpy", "Arctan", UNARY),
    ("math.atan2", "numpy", "Arctan2", Rule::Arguments(&["x"])),
    ("math.atanh", "numpy", "Arctanh", UNARY),
    ("math.ceil", "numpy", "Ceil", UNARY),
    ("math.cos", "numpy", "Cos", UNARY),
    ("math.cosh", "numpy", "Cosh", UNARY),
    (
        "math.count_nonzero",
        "numpy",
        "CountNonzero",
        Rule::Special(rules::count_nonzero),
    ),
    (
        "math.cumprod",
        "numpy",
        "Cumprod",
        Rule::Special(rules::cumulative),
    ),
    (
        "math.cumsum",
        "numpy",
        "Cumsum",
        Rule::Special(rules::cumulative),
    ),
    ("math.divide_no_nan", "numpy", "DivideNoNan", Y),
    ("math.equal", "numpy", "Equal", Y),
    ("math.erf", "math", "Erf", UNARY),
    ("math.exp", "numpy", "Exp", UNARY),
    ("math.expm1", "numpy", "Expm1", UNARY),
    ("math.floor", "numpy", "Floor", UNARY),
    ("math.floordiv", "numpy", "FloorDivide", Y),
    ("math.floormod", "numpy", "Mod", Y),
    ("math.greater", "numpy", "Greater", Y),
    ("math.greater_equal", "numpy", "GreaterEqual", Y),
    ("math.is_finite", "numpy", "Isfinite", UNARY),
    ("math.is_inf", "numpy", "Isinf", UNARY),
    ("math.is_nan", "numpy", "Isnan", UNARY),
    (
        "math.l2_normalize",
        "nn",
        "Normalize",
        Rule::Special(rules::l2_normalize),
    ),
    ("math.less", "numpy", "Less", Y),
    ("math.less_equal", "numpy", "LessEqual", Y),
    ("math.log", "numpy", "Log", UNARY),
    ("math.log1p", "numpy", "Log1p", UNARY),
    ("math.log_sigmoid", "nn", "LogSigmoid", UNARY),
    ("math.logical_and", "numpy", "LogicalAnd", Y),
    ("math.logical_not", "numpy", "LogicalNot", UNARY),
    ("math.logical_or", "numpy", "LogicalOr", Y),
    ("math.maximum", "numpy", "Maximum", Y),
    ("math.minimum", "numpy", "Minimum", Y),
    ("math.multiply", "numpy", "Multiply", Y),
    ("math.negative", "numpy", "Negative", UNARY),
    ("math.not_equal", "numpy", "NotEqual", Y),
    ("math.pow", "numpy", "Power", Y),
    ("math.reciprocal", "numpy", "Reciprocal", UNARY),
    ("math.reduce_all", "numpy", "All", REDUCE),
    ("math.reduce_any", "numpy", "Any", REDUCE),
    (
        "math.reduce_euclidean_norm",
        "numpy",
        "Sqrt",
        Rule::Special(rules::norm),
    ),
    ("math.reduce_logsumexp", "math", "Logsumexp", REDUCE),
    ("math.reduce_max", "numpy", "Max", REDUCE),
    ("math.reduce_mean", "numpy", "Mean", REDUCE),
    ("math.reduce_min", "numpy", "Min", REDUCE),
    ("math.reduce_prod", "numpy", "Prod", REDUCE),
    ("math.reduce_std", "numpy", "Std", REDUCE),
    ("math.reduce_sum", "numpy", "Sum", REDUCE),
    ("math.reduce_variance", "numpy", "Var", REDUCE),
    ("math.round", "numpy", "Round", UNARY),
    ("math.rsqrt", "math", "Rsqrt", UNARY),
    ("math.sigmoid", "nn", "Sigmoid", UNARY),
    ("math.sign", "numpy", "Sign", UNARY),
    ("math.sin", "numpy", "Sin", UNARY),
    ("math.sinh", "numpy", "Sinh", UNARY),
    ("math.softplus", "nn", "Softplus", UNARY),
    ("math.sqrt", "numpy", "Sqrt", UNARY),
    ("math.square", "numpy", "Square", UNARY),
    (
        "math.squared_difference",
        "numpy",
        "Square",
        Rule::Special(rules::squared_difference),
    ),
    ("math.subtract", "numpy", "Subtract", Y),
    ("math.tan", "numpy", "Tan", UNARY),
    ("math.tanh", "numpy", "Tanh", UNARY),
    ("math.top_k", "math", "TopK", Rule::Special(rules::top_k)),
    ("math.truediv", "numpy", "TrueDivide", Y),
    (
        "nn.bias_add",
        "numpy",
        "Add",
        Rule::Special(rules::bias_add),
    ),
    ("nn.elu", "nn", "Elu", UNARY),
    ("nn.gelu", "nn", "Gelu", Rule::Special(rules::gelu)),
    (
        "nn.leaky_relu",
        "nn",
        "LeakyRelu",
        Rule::Options(&[("alpha", "negative_slope")]),
    ),
    ("nn.log_softmax", "nn", "LogSoftmax", AXIS),
    ("nn.relu", "nn", "Relu", UNARY),
    ("nn.relu6", "nn", "Relu6", UNARY),
    ("nn.selu", "nn", "Selu", UNARY),
    ("nn.silu", "nn", "Silu", Rule::Special(rules::silu)),
    ("nn.softmax", "nn", "Softmax", AXIS),
    ("nn.softsign", "nn", "Softsign", UNARY),
    ("norm", "numpy", "Sqrt", Rule::Special(rules::norm)),
    ("one_hot", "nn", "OneHot", Rule::Special(rules::one_hot)),
    (
        "ones_like",
        "numpy",
        "OnesLike",
        Rule::Options(&[("dtype", "dtype")]),
    ),
    ("pad", "numpy", "Pad", Rule::Special(rules::pad)),
    (
        "repeat",
        "numpy",
        "Repeat",
        Rule::Options(&[("repeats", "repeats"), ("axis", "axis")]),
    ),
    (
        "reshape",
        "numpy",
        "Reshape",
        Rule::Options(&[("shape", "newshape")]),
    ),
    ("reverse", "numpy", "Flip", AXIS),
    (
        "roll",
        "numpy",
        "Roll",
        Rule::Options(&[("shift", "shift"), ("axis", "axis")]),
    ),
    ("slice", "numpy", "GetItem", Rule::Special(rules::slice)),
    ("sort", "numpy", "Sort", Rule::Special(rules::sort)),
    ("split", "numpy", "Split", Rule::Special(rules::split)),
    ("squeeze", "numpy", "Squeeze", AXIS),
    ("stack", "numpy", "Stack", AXIS),
    ("stop_gradient", "core", "StopGradient", UNARY),
    (
        "tensordot",
        "numpy",
        "Tensordot",
        Rule::Special(rules::tensordot),
    ),
    (
        "tile",
        "numpy",
        "Tile",
        Rule::Options(&[("multiples", "repeats")]),
    ),
    (
        "transpose",
        "numpy",
        "Transpose",
        Rule::Options(&[("perm", "axes")]),
    ),
    (
        "unstack",
        "core",
        "Unstack",
        Rule::Options(&[("axis", "axis"), ("num", "num")]),
    ),
    ("where", "numpy", "Where", Rule::Special(rules::choose)),
    (
        "zeros_like",
        "numpy",
        "ZerosLike",
        Rule::Options(&[("dtype", "dtype")]),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::serialized::is_only_built_in;
    use crate::ops;

    #[test]
    fn every_counterpart_exists_in_its_module() {
        for (function, module, class, _) in FUNCTIONS {
            let found = ops::operation(class, &Default::default());
            let found = found.map(|operation| operation.def.module());
            match *module {
                "keras.layers" => assert!(is_only_built_in(class), "{function}"),
                module => {
                    let module = format!("{}{module}", ops::OPS_MODULE);
                    assert_eq!(found, Some(module), "{function}");
                }
            }
        }
        for (alias, function) in ALIASES {
            assert!(
                FUNCTIONS.iter().all(|(name, ..)| name != alias),
                "{alias} twice"
            );
            assert!(find(function).is_some(), "{alias}");
        }
    }
}
