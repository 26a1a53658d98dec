//! Layers by the name of their class: what files and wrapping layers make layers from.

use refrain_graph::DType;
use serde_json::{Value as Json, json};

use super::config::{Config, unexpected};
use super::handle::{AnyLayer, Handle};
use super::layer::Layer;
use super::*;
use crate::error::{Error, ErrorKind, Result};

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
    "ActivityRegularization" => ActivityRegularizationOptions,
    "AdditiveAttention" => AdditiveAttentionOptions,
    "AlphaDropout" => AlphaDropoutOptions,
    "Attention" => AttentionOptions,
    "AveragePooling1D" => AveragePooling1DOptions,
    "AveragePooling2D" => AveragePooling2DOptions,
    "BatchNormalization" => BatchNormalizationOptions,
    "Conv1D" => Conv1DOptions,
    "Conv2D" => Conv2DOptions,
    "Dense" => DenseOptions,
    "DepthwiseConv1D" => DepthwiseConv1DOptions,
    "DepthwiseConv2D" => DepthwiseConv2DOptions,
    "Dropout" => DropoutOptions,
    "GaussianDropout" => GaussianDropoutOptions,
    "GaussianNoise" => GaussianNoiseOptions,
    "GlobalAveragePooling1D" => GlobalAveragePooling1DOptions,
    "GlobalAveragePooling2D" => GlobalAveragePooling2DOptions,
    "GlobalMaxPooling1D" => GlobalMaxPooling1DOptions,
    "GlobalMaxPooling2D" => GlobalMaxPooling2DOptions,
    "GroupNormalization" => GroupNormalizationOptions,
    "LayerNormalization" => LayerNormalizationOptions,
    "MaxPooling1D" => MaxPooling1DOptions,
    "MaxPooling2D" => MaxPooling2DOptions,
    "MultiHeadAttention" => MultiHeadAttentionOptions,
    "RMSNormalization" => RMSNormalizationOptions,
    "SeparableConv1D" => SeparableConv1DOptions,
    "SeparableConv2D" => SeparableConv2DOptions,
    "SpatialDropout1D" => SpatialDropout1DOptions,
    "SpatialDropout2D" => SpatialDropout2DOptions,
    "UnitNormalization" => UnitNormalizationOptions,
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

/// Makes a layer from its class and Keras's configuration of it. Keys that are unknown are left alone.
pub(crate) fn from_config(class: &str, config: &Config) -> Result<AnyLayer> {
    let row = ROWS.iter().find(|(name, _)| *name == class);
    let (_, restore) =
        row.ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("no layer class `{class}`")))?;
    restore(config).map_err(|e| {
        let name = config.get("name").and_then(Json::as_str).unwrap_or(class);
        e.in_layer(name, class)
    })
}

/// Makes a layer from Keras's serialised form.
pub(crate) fn from_json(json: &Json) -> Result<AnyLayer> {
    let class = json["class_name"]
        .as_str()
        .ok_or_else(|| unexpected("a layer", json))?;
    let config = json["config"]
        .as_object()
        .ok_or_else(|| unexpected("a layer", json))?;
    from_config(class, config)
}

/// Keras's serialised form of a layer.
pub(crate) fn to_json(layer: &AnyLayer) -> Json {
    json!({
        "module": "keras.layers",
        "class_name": layer.class_name(),
        "config": layer.full_config(),
        "registered_name": null,
    })
}
