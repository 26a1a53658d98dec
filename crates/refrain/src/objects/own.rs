//! Whose a name in a file is: Keras's own, or a user's.

use serde_json::{Value as Json, json};

use crate::names::PACKAGE;

/// The package that Keras's `register_keras_serializable()` assumes.
const DEFAULT_PACKAGE: &str = "Custom";

/// The packages of Python whose classes and functions are Keras's own.
const KERAS: [&str; 3] = ["keras", "tf_keras", "tensorflow"];

/// Keras's class of a function, and the module that it gives for every function.
const FUNCTION: &str = "function";
pub(crate) const BUILTINS: &str = "builtins";

/// Functions of Keras by the names that its files call them: what a user's function must not be written as.
const KERAS_FUNCTIONS: [&str; 74] = [
    "acc",
    "accuracy",
    "bce",
    "bfce",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "celu",
    "circle",
    "concordance_correlation",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "hinge",
    "huber",
    "kl_divergence",
    "kld",
    "leaky_relu",
    "linear",
    "log_cosh",
    "log_sigmoid",
    "log_softmax",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mish",
    "mse",
    "msle",
    "pearson_correlation",
    "poisson",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparse_top_k_categorical_accuracy",
    "sparsemax",
    "squared_hinge",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
    "top_k_categorical_accuracy",
    "tversky",
];

/// The name of a class or function that is not Keras's own: it was registered under a package (`my_package>Scale`), its
/// module is another's, or it has no module but a name of its own (a class of the program that wrote the file).
pub(crate) fn own_name(json: &Json) -> Option<&str> {
    let (function, class) = (function_name(json).or(json.as_str()), &json["class_name"]);
    let registered = json["registered_name"].as_str();
    let names = [registered, function, class.as_str()];
    let packaged = names.into_iter().flatten().find(|n| n.contains(PACKAGE));
    if packaged.is_some() {
        return packaged;
    }
    let module = json["module"].as_str().filter(|module| !module.is_empty());
    let foreign = match module {
        Some(module) => {
            let package = module.split('.').next().unwrap_or_default();
            !KERAS.contains(&package) && package != BUILTINS
        }
        None => function.is_none() && registered.is_some(),
    };
    let name = function.or(registered).or(class.as_str());
    name.filter(|_| foreign)
}

/// The name of a function, where an object stands for one.
pub(crate) fn function_name(json: &Json) -> Option<&str> {
    let is_function = json["class_name"].as_str() == Some(FUNCTION);
    is_function.then(|| json["config"].as_str()).flatten()
}

/// A function of Keras by its bare name, where an object stands for one.
pub(crate) fn bare(json: &Json) -> Json {
    function_name(json).map_or_else(|| json.clone(), Json::from)
}

/// A user's function as Keras writes one. A name that Keras has too is qualified, or Keras would take it for its own.
pub(crate) fn function_to_json(name: &str) -> Json {
    let name = match KERAS_FUNCTIONS.contains(&name) {
        true => packaged(name),
        false => name.to_owned(),
    };
    json!({ "module": BUILTINS, "class_name": FUNCTION, "config": name, "registered_name": FUNCTION })
}

/// A user's name in the package that Keras assumes; a name with a package as it is.
pub(crate) fn packaged(name: &str) -> String {
    match name.contains(PACKAGE) {
        true => name.to_owned(),
        false => format!("{DEFAULT_PACKAGE}{PACKAGE}{name}"),
    }
}

/// A name without its package.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit(PACKAGE).next().unwrap_or(name)
}

/// What a user registered under a name: under exactly this one, else under the only one that differs by a package that
/// one of the two lacks.
pub(crate) fn find<'r, V>(
    registered: impl Iterator<Item = (&'r str, V)> + Clone,
    name: &str,
) -> Option<V> {
    let exact = registered.clone().find(|(known, _)| *known == name);
    if let Some((_, value)) = exact {
        return Some(value);
    }
    let lacks = |known: &str| known.contains(PACKAGE) != name.contains(PACKAGE);
    let mut fitting = registered.filter(|(known, _)| lacks(known) && short(known) == short(name));
    let found = fitting.next();
    found.filter(|_| fitting.next().is_none()).map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users_are_told_from_keras_own() {
        for (json, own) in [
            (json!("gelu"), None),
            (json!("mine>gelu"), Some("mine>gelu")),
            (function_to_json("mine>gelu"), Some("mine>gelu")),
            (function_to_json("gelu"), Some("Custom>gelu")),
            (function_to_json("triple"), None),
            (json!({ "class_name": "mine>Dense" }), Some("mine>Dense")),
            (
                json!({ "module": null, "class_name": "Dense", "registered_name": "Dense" }),
                Some("Dense"),
            ),
            (
                json!({ "module": "keras_hub.layers", "class_name": "Dense", "registered_name": null }),
                Some("Dense"),
            ),
            (
                json!({ "module": "mine", "class_name": "function", "config": "relu", "registered_name": "function" }),
                Some("relu"),
            ),
            (
                json!({ "module": "keras.layers", "class_name": "Dense", "registered_name": null }),
                None,
            ),
            (
                json!({ "module": "keras.src.ops.numpy", "class_name": "Add", "registered_name": "Add" }),
                None,
            ),
            (json!({ "class_name": "Dense", "config": {} }), None),
        ] {
            assert_eq!(own_name(&json), own, "{json}");
        }
    }

    #[test]
    fn a_missing_package_is_no_difference_if_one_entry_fits() {
        let registered = [("a>f", 1), ("b>f", 2), ("c>g", 3), ("h", 4)];
        let look = |name| find(registered.iter().copied(), name);
        assert_eq!(look("a>f"), Some(1));
        assert_eq!(look("f"), None);
        assert_eq!(look("g"), Some(3));
        assert_eq!(look("d>g"), None);
        assert_eq!(look("x>h"), Some(4));
    }
}
