//! The classes of layers: which there are, and how a layer is made of its configuration.

use serde_json::Value as Json;

use super::handle::{AnyLayer, Handle};
use super::layer::Layer;
use super::restoring::Restoring;
use super::*;
use crate::config::{Config, dtype_from_json, in_option, short, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Holds, Kind};
use crate::regularizers::Regularizer;

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

/// The class of Keras that a layer is of.
pub(super) fn row_of(layer: &AnyLayer) -> Option<&'static Row> {
    all().find(|row| (row.is)(layer))
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
const QUANTIZATION: &str = "quantization_config";

/// The description of a layer that Keras could quantize, with the key that says it is not.
pub(crate) fn unquantized(mut config: Config) -> Config {
    config.insert(QUANTIZATION.to_owned(), Json::Null);
    config
}

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
