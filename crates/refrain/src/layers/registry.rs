//! Layers by the name of their class: what files and wrapping layers make layers from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use refrain_graph::{DType, Spec};
use serde_json::{Value as Json, json};

use super::config::{Config, unexpected};
use super::handle::{AnyLayer, Handle};
use super::layer::Layer;
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::structure::Structure;

/// Makes a layer from its class's configuration.
type Restore = fn(&Config) -> Result<AnyLayer>;

macro_rules! rows {
    ($($class:literal => $options:ident,)*) => {
        /// Every built-in class.
        const ROWS: &[(&str, Restore)] = &[
            $( ($class, |config| restore($options::from_config(config)?, config)), )*
        ];
    };
}

rows! {
    "Activation" => ActivationOptions,
    "ActivityRegularization" => ActivityRegularizationOptions,
    "Add" => AddOptions,
    "AdditiveAttention" => AdditiveAttentionOptions,
    "AlphaDropout" => AlphaDropoutOptions,
    "Attention" => AttentionOptions,
    "Average" => AverageOptions,
    "AveragePooling1D" => AveragePooling1DOptions,
    "AveragePooling2D" => AveragePooling2DOptions,
    "BatchNormalization" => BatchNormalizationOptions,
    "Bidirectional" => BidirectionalOptions,
    "Concatenate" => ConcatenateOptions,
    "Conv1D" => Conv1DOptions,
    "Conv2D" => Conv2DOptions,
    "Cropping1D" => Cropping1DOptions,
    "Cropping2D" => Cropping2DOptions,
    "Dense" => DenseOptions,
    "DepthwiseConv1D" => DepthwiseConv1DOptions,
    "DepthwiseConv2D" => DepthwiseConv2DOptions,
    "Dot" => DotOptions,
    "Dropout" => DropoutOptions,
    "ELU" => EluOptions,
    "Embedding" => EmbeddingOptions,
    "Flatten" => FlattenOptions,
    "GaussianDropout" => GaussianDropoutOptions,
    "GaussianNoise" => GaussianNoiseOptions,
    "GlobalAveragePooling1D" => GlobalAveragePooling1DOptions,
    "GlobalAveragePooling2D" => GlobalAveragePooling2DOptions,
    "GlobalMaxPooling1D" => GlobalMaxPooling1DOptions,
    "GlobalMaxPooling2D" => GlobalMaxPooling2DOptions,
    "GroupNormalization" => GroupNormalizationOptions,
    "GRU" => GruOptions,
    "Identity" => IdentityOptions,
    "Lambda" => LambdaOptions,
    "LayerNormalization" => LayerNormalizationOptions,
    "LeakyReLU" => LeakyReluOptions,
    "LSTM" => LstmOptions,
    "Masking" => MaskingOptions,
    "Maximum" => MaximumOptions,
    "MaxPooling1D" => MaxPooling1DOptions,
    "MaxPooling2D" => MaxPooling2DOptions,
    "Minimum" => MinimumOptions,
    "MultiHeadAttention" => MultiHeadAttentionOptions,
    "Multiply" => MultiplyOptions,
    "Permute" => PermuteOptions,
    "PReLU" => PReluOptions,
    "ReLU" => ReluOptions,
    "RepeatVector" => RepeatVectorOptions,
    "Rescaling" => RescalingOptions,
    "Reshape" => ReshapeOptions,
    "RMSNormalization" => RmsNormalizationOptions,
    "SeparableConv1D" => SeparableConv1DOptions,
    "SeparableConv2D" => SeparableConv2DOptions,
    "SimpleRNN" => SimpleRnnOptions,
    "Softmax" => SoftmaxOptions,
    "SpatialDropout1D" => SpatialDropout1DOptions,
    "SpatialDropout2D" => SpatialDropout2DOptions,
    "Subtract" => SubtractOptions,
    "TimeDistributed" => TimeDistributedOptions,
    "UnitNormalization" => UnitNormalizationOptions,
    "UpSampling1D" => UpSampling1DOptions,
    "UpSampling2D" => UpSampling2DOptions,
    "ZeroPadding1D" => ZeroPadding1DOptions,
    "ZeroPadding2D" => ZeroPadding2DOptions,
}

/// The names of all built-in classes.
pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(class, _)| *class)
}

/// Gives a layer the name, type and trainability that its configuration names.
fn restore<L: Layer>(options: L, config: &Config) -> Result<AnyLayer> {
    let mut handle = match config.get("name").and_then(Json::as_str) {
        Some(name) => Handle::with_name(options, name),
        None => Handle::from_options(options),
    };
    if let Some(dtype) = config.get("dtype").filter(|json| !json.is_null()) {
        handle = handle.with_dtype(dtype_from_json(dtype)?);
    }
    if config.get("trainable").and_then(Json::as_bool) == Some(false) {
        handle.set_trainable(false);
    }
    Ok(handle.any())
}

/// A type's name, or Keras's `DTypePolicy` object.
pub(crate) fn dtype_from_json(json: &Json) -> Result<DType> {
    let name = json.as_str().or_else(|| json["config"]["name"].as_str());
    let dtype = name.and_then(DType::from_keras_name);
    dtype.ok_or_else(|| unexpected("an element type", json))
}

type Restored = Arc<dyn Fn(&Config) -> Result<AnyLayer> + Send + Sync>;

fn registered() -> MutexGuard<'static, HashMap<String, Restored>> {
    static REGISTERED: OnceLock<Mutex<HashMap<String, Restored>>> = OnceLock::new();
    let registered = REGISTERED.get_or_init(Mutex::default);
    registered.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a layer of your own known under its class name, so that models with it can be loaded and wrapped.
///
/// `from_config` gets what the layer's [`config`](Layer::config) gave; name, type and trainability are restored for it.
/// A registered class goes before a built-in one of the same name.
///
/// ```
/// use refrain::layers::{self, Call, Config, Layer};
/// use refrain::{Inputs, Result, Tensor};
///
/// struct Twice;
///
/// impl Layer for Twice {
///     type Output = Tensor;
///
///     fn class_name(&self) -> &str {
///         "Twice"
///     }
///
///     fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
///         Ok(inputs.one()? * 2.0)
///     }
/// }
///
/// layers::register("Twice", |_config: &Config| Ok(Twice));
/// ```
pub fn register<L: Layer>(class: &str, from_config: fn(&Config) -> Result<L>) {
    let restored: Restored = Arc::new(move |config| restore(from_config(config)?, config));
    registered().insert(class.to_owned(), restored);
}

/// Makes a layer from its class and Keras's configuration of it. Keys that are unknown are left alone.
pub(crate) fn from_config(class: &str, config: &Config) -> Result<AnyLayer> {
    let custom = registered().get(class).cloned();
    let built_in = ROWS.iter().find(|(name, _)| *name == class);
    let made = match (custom, built_in) {
        (Some(restore), _) => restore(config),
        (None, Some((_, restore))) => restore(config),
        (None, None) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("no layer class `{class}`"),
        )
        .hint("Make a layer of your own known with `layers::register`")),
    };
    made.map_err(|e| {
        let name = config.get("name").and_then(Json::as_str).unwrap_or(class);
        e.in_layer(name, class)
    })
}

/// Keras's modules of the functions of `ops` are this and a last part: `numpy`, `nn`, …
const OPS_MODULE: &str = "keras.src.ops.";

/// Makes a layer, or a function of `ops` as a layer, from Keras's serialised form.
pub(crate) fn from_json(json: &Json) -> Result<AnyLayer> {
    let class = json["class_name"].as_str();
    let class = class.ok_or_else(|| unexpected("a layer", json))?;
    let config = json["config"].as_object();
    let config = config.ok_or_else(|| unexpected("a layer", json))?;
    let module = json["module"].as_str().unwrap_or_default();
    if !module.starts_with(OPS_MODULE) {
        return from_config(class, config);
    }
    let operation = ops::operation(class, config).ok_or_else(|| {
        let message = format!("no function of class `{class}` in `ops`");
        Error::new(ErrorKind::Unsupported, message)
    })?;
    restore(operation, config)
}

/// Keras's serialised form of a layer.
pub(crate) fn to_json(layer: &AnyLayer) -> Json {
    let class = layer.class_name();
    let (module, registered_name) = match layer.options::<ops::Operation>() {
        Some(operation) => (
            format!("{OPS_MODULE}{}", operation.def.module),
            Json::from(class),
        ),
        None => ("keras.layers".to_owned(), Json::Null),
    };
    let mut json = json!({
        "module": module,
        "class_name": class,
        "config": layer.full_config(),
        "registered_name": registered_name,
    });
    if let Some(shape) = layer.build_specs().as_ref().map(shapes_json) {
        json["build_config"] = json!({ "input_shape": shape });
    }
    json
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
