//! The classes of layers: which there are, and how a layer is made of its configuration and described by it.

use refrain_graph::Spec;
use serde_json::{Value as Json, json};

use super::handle::{AnyLayer, BuildSpecs, Handle};
use super::layer::Layer;
use super::restoring::Restoring;
use super::*;
use crate::config::{Config, dtype_from_json, dtype_policy, in_option, short, shown, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{self, Holds, Kind, own};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::structure::Structure;

/// Makes a layer from its class's configuration.
pub(super) type Restore = fn(&Config, &Restoring) -> Result<AnyLayer>;

/// A class of Keras.
pub(crate) struct Row {
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

/// Keras's class of a name.
pub(crate) fn built_in(class: &str) -> Option<&'static Row> {
    all().find(|row| row.class == class)
}

impl Row {
    /// A layer of the class from Keras's configuration of it, whose every option must be one of the layer's.
    pub(crate) fn make(&self, config: &Config, context: &Restoring) -> Result<AnyLayer> {
        let layer = (self.restore)(config, context)?;
        refuse_unknown(config, &layer)?;
        Ok(layer)
    }
}

/// The option of layers whose weights Keras can quantize; refrain's are never quantized.
pub(crate) const QUANTIZATION: &str = "quantization_config";

/// A layer with the name, type and trainability that its configuration names.
pub(crate) fn restore<L: Layer>(options: L, config: &Config) -> Result<AnyLayer> {
    let handle = match config.get("name").and_then(Json::as_str) {
        Some(name) => Handle::with_name(options, name),
        None => Handle::from_options(options),
    };
    restore_attributes(handle.into_any(), config)
}

/// Gives a fresh layer the attributes that its configuration names.
fn restore_attributes(mut layer: AnyLayer, config: &Config) -> Result<AnyLayer> {
    let given = |key: &str| config.get(key).filter(|json| !json.is_null());
    if let Some(json) = given(QUANTIZATION) {
        let expected = "weights that are not quantized";
        return Err(Error::mismatch(
            ErrorKind::Unsupported,
            expected,
            shown(json),
        ));
    }
    if let Some(dtype) = given("dtype") {
        layer.set_dtype(dtype_from_json(dtype)?);
    }
    if let Some(json) = given(ACTIVITY)
        && layer.activity_regularizer().is_none()
        && layer.properties().penalties != Penalized::Projections
        && !layer.config().contains_key(ACTIVITY)
    {
        let regularizer = Regularizer::from_json(json).map_err(|e| in_option(e, ACTIVITY))?;
        layer.set_activity_regularizer(regularizer);
    }
    if config.get("trainable").and_then(Json::as_bool) == Some(false) {
        layer.set_trainable(false);
    }
    Ok(layer)
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
    let (key, value) = (short(key), shown(json));
    let message = format!("option `{key}` = {value}, which the layer does not have");
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Options that do nothing at these values.
const NEUTRAL: [(&str, i64); 1] = [("groups", 1)];

/// Options that the reader itself takes.
const STANDARD: [&str; 4] = ["name", "trainable", "dtype", ACTIVITY];

impl Kind for AnyLayer {
    const WHAT: &'static str = "a layer";
}

impl<L: Layer> Holds<L> for AnyLayer {
    /// Name, type and trainability are restored for the layer.
    fn hold(layer: L, config: &Config) -> Result<Self> {
        restore(layer, config)
    }
}

/// Another layer of a layer's class.
pub(crate) fn another(layer: &AnyLayer, config: &Config) -> Result<AnyLayer> {
    let class = layer.class_name();
    let made = match row_of(layer) {
        Some(row) => {
            let mut context = Restoring::default();
            context.make = Some(make_inner);
            row.make(config, &context)
        }
        None => objects::custom(class)
            .ok_or_else(|| no_class(class))
            .and_then(|restore| restore(config)),
    };
    made.map_err(|e| e.in_layer(layer_name(config, class), class))
}

/// Makes a layer inside another as [`to_json`] describes it.
fn make_inner(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    let (class, config) = (json["class_name"].as_str(), json["config"].as_object());
    let (Some(class), Some(config)) = (class, config) else {
        return Err(unexpected("a layer", json));
    };
    match own::own_name(json) {
        Some(name) => objects::custom(name).map(|restore| restore(config)),
        None => built_in(class).map(|row| row.make(config, context)),
    }
    .unwrap_or_else(|| Err(no_class(class)))
}

/// The name that a configuration gives a layer, or its class.
pub(crate) fn layer_name<'c>(config: &'c Config, class: &'c str) -> &'c str {
    config.get("name").and_then(Json::as_str).unwrap_or(class)
}

/// The class of Keras that a layer is of.
fn row_of(layer: &AnyLayer) -> Option<&'static Row> {
    all().find(|row| (row.is)(layer))
}

/// Makes a layer of a description, by the reader that the context comes from.
///
/// A layer that a file stores once and describes several times is made once.
pub(crate) fn from_json(json: &Json, context: &Restoring) -> Result<AnyLayer> {
    let make = context.make.ok_or_else(|| {
        let message = "a layer inside another is described, and nothing reads it";
        Error::new(ErrorKind::Internal, message)
    })?;
    context.once(json, || make(json, context))
}

/// Classes of Keras whose layers hold what only another program can run.
pub(crate) const FOREIGN: [(&str, &str); 4] = [
    ("FlaxLayer", "a module of Flax"),
    ("JaxLayer", "a function of JAX"),
    ("TFSMLayer", "a SavedModel of TensorFlow"),
    ("TorchModuleWrapper", "a module of PyTorch"),
];

pub(crate) fn no_class(class: &str) -> Error {
    let foreign = FOREIGN.iter().find(|(name, _)| *name == class);
    let message = match foreign {
        Some((_, held)) => format!("a `{class}` computes with {held}, which only Python can run"),
        None => format!("no layer class `{}`", short(class)),
    };
    Error::new(ErrorKind::Unsupported, message)
        .hint("Make a layer of your own known with `refrain::register`")
}

/// Keras's serialised form of a layer or a model.
pub(crate) fn to_json(layer: &AnyLayer) -> Json {
    if let Some(graph) = layer.graph() {
        return graph.to_json(layer);
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
    let mut specs = layer.build_specs();
    // Weights of cells do not depend on states, and where there are none Keras takes no shapes of further arguments.
    if properties.states.is_some() || layer.weights().is_empty() {
        specs = specs.of_first();
    }
    if let Some(build) = build_config(properties.arguments, &specs).filter(|_| !function) {
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
