//! Warnings, in Keras's words, as events of `tracing`.

use tracing::warn;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::layers::AnyLayer;
use crate::ops::Operation;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// Warns where the first argument carries a mask that the layer neither uses nor passes on. Functions of `ops` drop masks
/// in silence, as in Keras.
pub(crate) fn mask_destroyed(layer: &AnyLayer, inputs: &Inputs, kept: bool) {
    let has_mask = |t: &&Tensor| t.as_symbolic().is_some_and(|s| s.mask.is_some());
    let given = inputs.first().map(Structure::flatten).unwrap_or_default();
    let silent = kept || layer.supports_masking() || layer.options::<Operation>().is_some();
    if !silent && given.iter().any(has_mask) {
        warn!(
            "Layer '{}' (of type {}) was passed an input with a mask attached to it. However, this layer does not support \
             masking and will therefore destroy the mask information. Downstream layers will not see the mask.",
            layer.get_name(),
            layer.class_name()
        );
    }
}

/// Warns of a Lambda layer whose file gives it a mask, which the function that the reader was given does not make.
pub(crate) fn lambda_mask_left(layer: &str) {
    warn!(
        "The file gives layer '{layer}' (of type Lambda) a mask, which only Python can compute. Downstream layers will not \
         see the mask."
    );
}

/// Warns of a model's inputs whose key in the dict is not their name.
pub(crate) fn keys_are_no_names(inputs: &Structure<Tensor>) {
    let Structure::Dict(entries) = inputs else {
        return;
    };
    for (key, entry) in entries {
        if let Structure::Leaf(tensor) = entry
            && tensor.name() != key
        {
            warn!(
                "When providing `inputs` as a dict, all keys in the dict must match the names of the corresponding tensors. \
                 Received key '{key}' mapping to value {tensor:?} which has name '{}'. Change the tensor name to '{key}' \
                 (via `Input::name`)",
                tensor.name()
            );
        }
    }
}

/// Warns of arrays in another structure than that of the model's inputs: keys that the model does not have, a list where
/// it has a dict. The arrays are used all the same.
pub(crate) fn other_structure<A>(declared: &Structure<Tensor>, given: &Structure<Option<A>>) {
    let fits = match (declared, given) {
        (Structure::Dict(declared), Structure::Dict(given)) => declared.keys().eq(given.keys()),
        (declared, given) => {
            !matches!(declared, Structure::Dict(_)) || matches!(given, Structure::Dict(_))
        }
    };
    if !fits {
        let expected = declared.map(|t| t.name().to_owned());
        let received = given.map(|a| if a.is_some() { "an array" } else { "None" });
        warn!(
            "The structure of `inputs` doesn't match the expected structure.\nExpected: {expected:?}\nReceived: \
             inputs={received:?}"
        );
    }
}

/// Warns that fewer steps were made than asked for.
pub(crate) fn out_of_data(wanted: Option<usize>, available: usize) {
    if let Some(wanted) = wanted.filter(|&wanted| wanted > available) {
        warn!("Your input ran out of data after {available} of {wanted} steps; interrupting");
    }
}

/// Warns where a file says how a model is compiled and has no state of the optimizer: training begins anew.
pub(crate) fn no_optimizer_state(model: &str) {
    warn!("The file of model '{model}' holds no state of its optimizer, which starts anew.");
}

/// Warns where a file holds the state of an optimizer and does not say which: Keras loses it when a model is saved a second
/// time after it was saved as HDF5.
pub(crate) fn no_optimizer(model: &str) {
    warn!(
        "The file of model '{model}' holds the state of an optimizer but not which one: the model is not compiled."
    );
}

/// Warns where weights were read and the optimizer's state beside them does not fit.
pub(crate) fn optimizer_state_left(model: &str, error: &Error) {
    warn!(
        "The state of the optimizer in the file does not fit that of model '{model}' and was not loaded: {error}"
    );
}

/// Warns where layers of a legacy file with one name, one configuration and equal weights were made one layer.
pub(crate) fn layers_taken_for_one(count: usize) {
    warn!(
        "{count} layers stand in several models of the file with the same name, configuration and weights. Such files do not \
         say whether they are one; they are taken for one, and train together."
    );
}
