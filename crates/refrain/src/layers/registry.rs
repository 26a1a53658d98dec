//! Layers by the name of their class: what files and wrapping layers make layers from.

use refrain_graph::{DType, Spec};
use serde_json::{Value as Json, json};

use super::handle::{AnyLayer, BuildSpecs, Handle};
use super::layer::Layer;
use super::restoring::Restoring;
use super::*;
use crate::config::{Config, ConfigValue, in_option, shown, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::models::Functional;
use crate::objects::{self, Holds, Kind, own};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::saving::config::{is_model, model_from_json, model_to_json};
use crate::structure::Structure;

/// Makes a layer from its class's configuration.
pub(super) type Restore = fn(&Config, &Restoring) -> Result<AnyLayer>;

/// A class of Keras.
pub(super) struct Row {
    /// Its name in files.
    pub(super) class: &'static str,
    pub(super) restore: Restore,
    /// Whether a layer is of this class, and not of a user's that has its name.
    pub(super) is: fn(&AnyLayer) -> bool,
}

/// A class's row: its configuration is enough, or (`with context`) layers inside it or functions are looked up too.
macro_rules! row {
    ($class:literal, $options:ident $(with $context:ident)?) => {
        $crate::layers::registry::Row {
            class: $class,
            restore: $crate::layers::registry::row!($options $(with $context)?),
            is: |layer| layer.options::<$options>().is_some(),
        }
    };
    ($options:ident) => {
        |config, _| $crate::layers::registry::restore($options::from_config(config)?, config)
    };
    ($options:ident with context) => {
        |config, context| $crate::layers::registry::restore($options::from_config(config, context)?, config)
    };
}

/// Declares the classes of a family of layers.
macro_rules! rows {
    ($($class:literal => $options:ident $(with $context:ident)?,)*) => {
        /// The classes of Keras that these layers are.
        pub(super) const ROWS: &[$crate::layers::registry::Row] = &[
            $( $crate::layers::registry::row!($class, $options $(with $context)?), )*
        ];
    };
}

pub(super) use {row, rows};

/// Every built-in class but those of models.
fn all() -> impl Iterator<Item = &'static Row> {
    let families = [
        super::activations::ROWS,
        super::attention::ROWS,
        super::convolutional::ROWS,
        super::core::ROWS,
        super::merging::ROWS,
        super::normalization::ROWS,
        super::pooling::ROWS,
        super::preprocessing::ROWS,
        super::regularization::ROWS,
        super::reshaping::ROWS,
        super::rnn::ROWS,
    ];
    families.into_iter().flatten()
}

/// The names of all built-in classes.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    all().map(|row| row.class)
}

fn built_in(class: &str) -> Option<&'static Row> {
    all().find(|row| row.class == class)
}

/// The option of layers whose weights Keras can quantize; refrain's are never quantized.
pub(crate) const QUANTIZATION: &str = "quantization_config";

/// Gives a layer the name, type and trainability that its configuration names.
pub(super) fn restore<L: Layer>(options: L, config: &Config) -> Result<AnyLayer> {
    if let Some(json) = config.get(QUANTIZATION).filter(|json| !json.is_null()) {
        let received = shown(json);
        let expected = "weights that are not quantized";
        return Err(Error::mismatch(ErrorKind::Unsupported, expected, received));
    }
    let mut handle = match config.get("name").and_then(Json::as_str) {
        Some(name) => Handle::with_name(options, name),
        None => Handle::from_options(options),
    };
    if let Some(dtype) = config.get("dtype").filter(|json| !json.is_null()) {
        handle = handle.with_dtype(dtype_from_json(dtype)?);
    }
    if let Some(json) = config.get(ACTIVITY).filter(|json| !json.is_null())
        && handle.options().activity_regularizer().is_none()
        && handle.options().properties().penalties != Penalized::Projections
        && !handle.options().config().contains_key(ACTIVITY)
    {
        let regularizer = Regularizer::from_json(json).map_err(|e| in_option(e, ACTIVITY))?;
        handle = handle.with_activity_regularizer(regularizer);
    }
    if config.get("trainable").and_then(Json::as_bool) == Some(false) {
        handle.set_trainable(false);
    }
    Ok(handle.any())
}

/// The option that every layer has.
pub(crate) const ACTIVITY: &str = "activity_regularizer";

/// Options of old versions that change nothing that is computed.
const WITHOUT_EFFECT: [&str; 12] = [
    "autocast",
    "batch_input_shape",
    "batch_shape",
    "fused",
    "function_type",
    "implementation",
    "input_dtype",
    "input_length",
    "key_shape",
    "query_shape",
    "renorm_momentum",
    "value_shape",
];

/// Refuses options that the layer does not have, unless they are off: they may change what is computed.
fn refuse_unknown(config: &Config, layer: &AnyLayer) -> Result<()> {
    let own = layer.full_config();
    let off = |json: &Json| json.is_null() || *json == Json::Bool(false);
    let neutral =
        |key: &str, json: &Json| NEUTRAL.contains(&(key, json.as_i64().unwrap_or_default()));
    let unknown = config.iter().find(|(key, json)| {
        let off = |json: &Json| off(json) || neutral(key, json);
        let known = own.contains_key(*key) || WITHOUT_EFFECT.contains(&key.as_str());
        // Keras 2 gives separable convolutions an initializer of a kernel that they do not have.
        let harmless = STANDARD.contains(&key.as_str()) || key.ends_with("_initializer");
        !known && !off(json) && !harmless
    });
    let Some((key, json)) = unknown else {
        return Ok(());
    };
    let value = shown(json);
    let message = format!("option `{key}` = {value}, which the layer does not have");
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Options that do nothing at these values.
const NEUTRAL: [(&str, i64); 1] = [("groups", 1)];

/// Options that the reader itself takes.
const STANDARD: [&str; 4] = ["name", "trainable", "dtype", ACTIVITY];

/// A type's name, or Keras's `DTypePolicy` object of one type.
///
/// # Errors
/// Anything else: a policy of two types such as `mixed_float16`, or a quantized one.
pub(crate) fn dtype_from_json(json: &Json) -> Result<DType> {
    let name = json.as_str().or_else(|| json["config"]["name"].as_str());
    match name {
        Some(name) => DType::from_keras_name(name).ok_or_else(|| {
            let received = format!("the policy `{name}`");
            Error::mismatch(ErrorKind::Unsupported, "one element type", received)
                .hint("Weights of one type and computation in another are not supported: set the layer's dtype to one type")
        }),
        None => Err(unexpected("an element type", json)),
    }
}

impl ConfigValue for DType {
    fn to_json(&self) -> Json {
        self.keras_name().into()
    }

    fn from_json(json: &Json) -> Result<Self> {
        dtype_from_json(json)
    }
}

impl Kind for AnyLayer {
    const WHAT: &'static str = "a layer";
}

impl<L: Layer> Holds<L> for AnyLayer {
    /// Name, type and trainability are restored for the layer.
    fn hold(layer: L, config: &Config) -> Result<Self> {
        restore(layer, config)
    }
}

/// Whether a name is that of a class of Keras and of no registered one.
pub(crate) fn is_only_built_in(class: &str) -> bool {
    built_in(class).is_some() && Class::own(class).is_none()
}

/// A class that layers can be made of.
enum Class {
    Own(objects::Restore<AnyLayer>),
    BuiltIn(Restore),
}

impl Class {
    /// A user's.
    fn own(name: &str) -> Option<Self> {
        objects::custom(name).map(Class::Own)
    }

    /// Keras's.
    fn built_in(class: &str) -> Option<Self> {
        built_in(class).map(|row| Class::BuiltIn(row.restore))
    }

    /// The class of a name that is not marked as a user's.
    fn unmarked(class: &str, module: &str) -> Option<Self> {
        if let Some(scoped) = objects::scoped(class) {
            return Some(Class::Own(scoped));
        }
        match module.is_empty() {
            true => Class::own(class).or_else(|| Class::built_in(class)),
            false => Class::built_in(class).or_else(|| Class::own(class)),
        }
    }

    /// A layer from Keras's configuration of it. An error names the layer by the configuration, or by its class.
    fn make(self, class: &str, config: &Config, context: &Restoring) -> Result<AnyLayer> {
        let made = match self {
            Class::Own(restore) => restore(config),
            Class::BuiltIn(restore) => restore(config, context).and_then(|layer| {
                refuse_unknown(config, &layer)?;
                Ok(layer)
            }),
        };
        made.map_err(|e| e.in_layer(layer_name(config, class), class))
    }
}

fn layer_name<'c>(config: &'c Config, class: &'c str) -> &'c str {
    config.get("name").and_then(Json::as_str).unwrap_or(class)
}

/// Another layer of a layer's class.
pub(crate) fn another(layer: &AnyLayer, config: &Config) -> Result<AnyLayer> {
    let class = layer.class_name();
    let found = match row_of(layer) {
        Some(row) => Some(Class::BuiltIn(row.restore)),
        None => Class::own(class),
    };
    let found = found.ok_or_else(|| no_class(class))?;
    found.make(class, config, &Restoring::default())
}

/// The class of Keras that a layer is of.
fn row_of(layer: &AnyLayer) -> Option<&'static Row> {
    all().find(|row| (row.is)(layer))
}

/// Makes a layer, a model, or a function of `ops` as a layer, from Keras's serialised form.
///
/// A layer that a file stores once and describes several times is made once.
pub(crate) fn from_json(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    context.once(json, || make(json, context))
}

fn make(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    let class = json["class_name"].as_str();
    let class = class.ok_or_else(|| unexpected("a layer", json))?;
    let config = json["config"].as_object();
    let config = config.ok_or_else(|| unexpected("a layer", json))?;
    let module = json["module"].as_str().unwrap_or_default();
    let own = own::own_name(json);
    if own.is_none() && ops::is_module(module) {
        let operation = ops::operation(class, config).ok_or_else(|| {
            let message = format!("no function of class `{class}` in `ops`");
            let name = json["name"].as_str().unwrap_or_default();
            Error::new(ErrorKind::Unsupported, message).in_layer(name, class)
        })?;
        let mut config = config.clone();
        // Some functions of older versions have their name beside the configuration alone.
        if let (false, Some(name)) = (config.contains_key("name"), json["name"].as_str()) {
            config.insert("name".to_owned(), name.into());
        }
        let refused = operation.def.refuse_unknown(&config);
        refused.map_err(|e| e.in_layer(layer_name(&config, class), class))?;
        return restore(operation, &config);
    }
    let found = match own {
        Some(name) => Class::own(name),
        None => Class::unmarked(class, module),
    };
    let name = own.unwrap_or(class);
    let short = own::short(name);
    match found {
        Some(found) => found.make(short, config, context),
        None if own.is_none() && is_model(json) => {
            model_from_json(json, context).map(|model| model.any())
        }
        None => Err(no_class(name).in_layer(layer_name(config, short), short)),
    }
}

/// Classes of Keras whose layers hold what only another program can run.
const FOREIGN: [(&str, &str); 4] = [
    ("FlaxLayer", "a module of Flax"),
    ("JaxLayer", "a function of JAX"),
    ("TFSMLayer", "a SavedModel of TensorFlow"),
    ("TorchModuleWrapper", "a module of PyTorch"),
];

fn no_class(class: &str) -> Error {
    let foreign = FOREIGN.iter().find(|(name, _)| *name == class);
    let message = match foreign {
        Some((_, held)) => format!("a `{class}` computes with {held}, which only Python can run"),
        None => format!("no layer class `{class}`"),
    };
    Error::new(ErrorKind::Unsupported, message)
        .hint("Make a layer of your own known with `refrain::register`")
}

/// Keras's serialised form of a layer or a model.
pub(crate) fn to_json(layer: &AnyLayer) -> Json {
    if let Some(functional) = layer.options::<Functional>() {
        return model_to_json(layer, functional);
    }
    let row = row_of(layer);
    let class = row.map_or(layer.class_name(), |row| row.class);
    let (mut config, properties) = (layer.full_config(), layer.properties());
    config.retain(|key, _| !properties.own_options.contains(&key.as_str()));
    config.insert("name".to_owned(), layer.get_name().replace('/', "_").into());
    let (module, registered_name) = if let Some(operation) = layer.options::<ops::Operation>() {
        config.retain(|key, _| key == "name" || operation.config.contains_key(key));
        (operation.def.module(), class.into())
    } else {
        if !properties.plain_config {
            config.insert("dtype".to_owned(), dtype_policy(layer.dtype()));
        }
        match row.is_some() || layer.is_input() {
            true => ("keras.layers".to_owned(), Json::Null),
            false => ("builtins".to_owned(), own::packaged(class).into()),
        }
    };
    let mut json = json!({
        "module": module,
        "class_name": own::short(class),
        "config": config,
        "registered_name": registered_name,
    });
    let function = layer.options::<ops::Operation>().is_some();
    if let Some(build) =
        build_config(properties.arguments, &layer.build_specs()).filter(|_| !function)
    {
        json["build_config"] = build;
    }
    json
}

/// Arguments that files say no shapes of, or no other than `input_shape`.
const WITHOUT_SHAPES: [&str; 3] = ["inputs", "training", "mask"];

/// The shapes that a layer was built for: alone, or by the names of the arguments if there are several.
fn build_config(arguments: &[&str], specs: &BuildSpecs) -> Option<Json> {
    let all = specs.args.iter().chain(specs.kwargs.iter().map(|(_, s)| s));
    let all: Vec<&Structure<Spec>> = all.collect();
    if let [only] = all[..] {
        return Some(json!({ "input_shape": shapes_json(only) }));
    }
    let names = arguments.iter().map(|name| (*name).to_owned());
    let by_position = names.zip(&specs.args);
    let by_position = by_position.filter(|(name, _)| !WITHOUT_SHAPES.contains(&name.as_str()));
    let by_name = specs.kwargs.iter().map(|(n, s)| (n.clone(), s));
    let shapes: serde_json::Map<String, Json> = by_position
        .chain(by_name)
        .map(|(name, specs)| (format!("{name}_shape"), shapes_json(specs)))
        .collect();
    (!shapes.is_empty()).then(|| json!({ "shapes_dict": shapes }))
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

/// The shapes of a structure of tensors, unknown dimensions as null.
fn shapes_json(specs: &Structure<Spec>) -> Json {
    match specs {
        Structure::Leaf(spec) => json!(spec.shape.dims()),
        Structure::List(items) | Structure::Tuple(items) => items.iter().map(shapes_json).collect(),
        Structure::Dict(items) => items
            .iter()
            .map(|(k, s)| (k.clone(), shapes_json(s)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(dtype: Json) -> Result<AnyLayer> {
        let config = json!({ "name": "wide", "units": 2, "dtype": dtype });
        from_json(
            &json!({ "class_name": "Dense", "config": config }),
            &Restoring::default(),
        )
    }

    fn policy(name: &str) -> Json {
        json!({ "class_name": "DTypePolicy", "config": { "name": name } })
    }

    #[test]
    fn policies_of_one_type_are_that_type() -> Result<()> {
        assert_eq!(dense(json!("bfloat16"))?.dtype(), DType::BF16);
        assert_eq!(dense(policy("float16"))?.dtype(), DType::F16);
        assert_eq!(dense(Json::Null)?.dtype(), DType::F32);
        Ok(())
    }

    #[test]
    fn layers_of_other_programs_are_refused_by_name() {
        for (class, held) in FOREIGN {
            let config = json!({ "name": "borrowed" });
            let json = json!({ "module": "keras.layers", "class_name": class, "config": config });
            let error = from_json(&json, &Restoring::default()).expect_err("no such layer");
            assert_eq!(error.layer(), Some("borrowed"));
            let text = error.to_string();
            assert!(text.contains(class) && text.contains(held), "{text}");
        }
    }

    #[test]
    fn policies_of_two_types_are_refused_by_name() {
        let quantized =
            json!({ "class_name": "QuantizedDTypePolicy", "config": { "mode": "int8" } });
        for (dtype, named) in [
            (json!("mixed_float16"), "`mixed_float16`"),
            (policy("mixed_bfloat16"), "`mixed_bfloat16`"),
            (quantized, "QuantizedDTypePolicy"),
        ] {
            let error = dense(dtype).expect_err("a policy of two types");
            assert_eq!(error.layer(), Some("wide"));
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
