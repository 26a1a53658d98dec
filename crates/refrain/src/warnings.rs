//! Warnings, in Keras's words, as events of `tracing`.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use tracing::{dispatcher, warn};

use crate::engine::Engine;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::layers::AnyLayer;
use crate::layers::core::LambdaOptions;
use crate::ops::Operation;
use crate::structure::Structure;
use crate::tensor::Tensor;

/// Gives an engine's warning once in a process. Who has no subscriber is the one who does not know: for them it is printed.
pub(crate) fn of_engine(engine: &dyn Engine) {
    static GIVEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(warning) = engine.warning() else {
        return;
    };
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if given.insert(warning.to_owned()) {
        match dispatcher::has_been_set() {
            true => warn!("{warning}"),
            false => eprintln!("warning: {warning}"),
        }
    }
}

/// Warns of a call that gives what it was given, whose mask Keras keeps or loses, depending on the backend.
pub(crate) fn mask_of_same_tensor(layer: &AnyLayer) {
    warn!(
        "Layer '{}' (of type {}) gives the tensor that it was given, and its mask with it, as in Keras on JAX. Keras on \
         TensorFlow loses the mask here: layers that use it compute other numbers there.",
        layer.get_name(),
        layer.class_name()
    );
}

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
        let expected = shown(&declared.map(|t| t.name().to_owned()));
        let received = shown(&given.map(|a| if a.is_some() { "an array" } else { "None" }));
        warn!(
            "The structure of `inputs` doesn't match the expected structure.\nExpected: {expected}\nReceived: \
             inputs={received}"
        );
    }
}

/// A structure as Python writes it: `{'a': x, 'b': [y, z]}`.
fn shown<T: Display>(structure: &Structure<T>) -> String {
    let list = |items: &[Structure<T>]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match structure {
        Structure::Leaf(leaf) => leaf.to_string(),
        Structure::List(items) => format!("[{}]", list(items)),
        Structure::Tuple(items) => format!("({})", list(items)),
        Structure::Dict(items) => {
            let items = items.iter();
            let items = items.map(|(key, item)| format!("'{key}': {}", shown(item)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Warns that fewer steps or epochs were made than asked for.
pub(crate) fn out_of_data(wanted: Option<usize>, available: usize, what: &str) {
    if let Some(wanted) = wanted.filter(|&wanted| wanted > available) {
        warn!("Your input ran out of data after {available} of {wanted} {what}; interrupting");
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

/// Warns of a file that Keras cannot read: layers that stand in several models at once.
pub(crate) fn keras_cannot_open(model: &AnyLayer, shared: &[&str]) {
    if !shared.is_empty() {
        warn!(
            "Model '{}' shares layers {shared:?} between nested models or wrappers. Keras does not open a file of it, or opens \
             it with layers that are shared no longer. Save `model.for_keras()?` for Keras (`refrain convert --for-keras`).",
            model.get_name()
        );
    }
}

/// Warns of a layer that a wrapper shares with others, and that becomes several in the form for Keras.
pub(crate) fn copied_for_keras(layer: &AnyLayer) {
    warn!(
        "Layer '{}' (of type {}) is shared by a wrapper, which Keras's files cannot say. It becomes a layer of its own with \
         the same weights in each place, and these train apart.",
        layer.get_name(),
        layer.class_name()
    );
}

/// Warns where layers of a legacy file with one name, one configuration and equal weights may have been one layer.
pub(crate) fn layers_kept_apart(count: usize) {
    let (layers, stand, have, are) = match count {
        1 => ("layer", "stands", "has", "it is"),
        _ => ("layers", "stand", "have", "they are"),
    };
    warn!(
        "{count} {layers} of the file {stand} in several of its models and {have} the same options and weights in each. Such \
         files do not say whether that is one layer; {are} kept apart, as in Keras, and will train apart. \
         `LoadOptions::share_equal_layers(true)`, on the command line `--share-equal-layers`, makes one of them."
    );
}

/// Warns of a recurrent call whose mask Keras 3 does not use beside initial states, and for which a file cannot give it.
pub(crate) fn mask_ignored_by_keras(call: &str) {
    warn!(
        "{call}: the mask that comes through a nested model is used here beside initial states. Keras 3 does not use it: what \
         it computes from the file differs at masked steps. Give the call its mask as the argument `mask`."
    );
}

/// Warns of a recurrent call whose masked steps cannot be written as they are computed.
pub(crate) fn zeros_unknown_to_keras(call: &str) {
    warn!(
        "{call}: masked steps before the first that counts give zeros here, as in Keras 2. Keras 3 has that only for \
         sequences of fixed length: in what it computes from the file these steps give the initial state."
    );
}

/// Warns of a merging layer of Keras 2 whose masked values Keras 3 leaves out.
pub(crate) fn values_left_out_by_keras(call: &str) {
    warn!(
        "{call} takes masked values of its inputs as they are, as in Keras 2. Keras 3 leaves them out, also in what it computes \
         from the file. Save `model.for_keras()?` for Keras (`refrain convert --for-keras`)."
    );
}

/// Warns of a call whose mask Keras 3 puts together of others by another rule.
pub(crate) fn mask_merged_by_keras(call: &str) {
    warn!(
        "{call} uses a mask that is made as in Keras 2: of merged tensors, a step counts where it counts in all that have a mask; \
         that of TimeDistributed is the one of the layer in it. Keras 3 has other rules, by which it computes what is in the file."
    );
}

/// Warns of a call that loses a mask which Keras 3 keeps on some backends.
pub(crate) fn mask_kept_by_keras(call: &str) {
    warn!(
        "{call} gives what it was given, without its mask, as in Keras 2. Keras 3 keeps the mask, also in what it computes from \
         the file; on TensorFlow only an Identity layer does."
    );
}

/// Warns of a call that has no mask in Keras, whose attention took it off before.
pub(crate) fn mask_taken_by_keras(call: &str) {
    warn!(
        "{call} uses a mask here that Keras 3.8 and later do not use: their attention takes the masks off the tensors that it is \
         called on, and does not use `query_mask`. By that they compute other numbers from a file. \
         Save `model.for_keras()?` for Keras (`refrain convert --for-keras`), or give `attention_mask` instead."
    );
}

/// Warns of a wrapper whose layer has batch statistics, which Keras 3 computes for each step.
pub(crate) fn statistics_of_steps(call: &str) {
    warn!(
        "{call} is fitted with the statistics of all steps together, as in Keras 2. Keras 3 takes those of each step, and so does \
         whoever reads the file."
    );
}

/// Warns of a call that says itself whether it is for fitting, which Keras 3 overrides.
pub(crate) fn training_overridden_by_keras(call: &str) {
    warn!(
        "{call} has an argument `training`, which counts here, as in Keras 2. Keras 3 overrides it in `fit`, `evaluate` and \
         `predict`, and so does whoever reads the file."
    );
}

/// Warns of a layer with an activity regularizer that is called more than once.
pub(crate) fn penalty_of_last_call(layer: &AnyLayer) {
    warn!(
        "Layer '{}' has an activity regularizer and is called more than once, by itself or within models. Its penalty counts for \
         each call, as in Keras on TensorFlow and PyTorch. Keras on JAX counts the last call alone.",
        layer.get_name()
    );
}

/// Warns of an activity regularizer in a file of a version that does not divide its penalty.
pub(crate) fn penalty_of_batch(layer: &AnyLayer) {
    warn!(
        "Layer '{}' has an activity regularizer. Its penalty is divided by the batch size, as in Keras 3.14 and later. The version \
         of Keras 3 that wrote the file does not divide it, so that it weighs more there by that factor.",
        layer.get_name()
    );
}

/// Warns of a penalty that Keras 2 counts in another way.
pub(crate) fn penalty_of_keras3(layer: &AnyLayer) {
    warn!(
        "Layer '{}' (of type {}) has an activity regularizer, or a layer inside it has. Its penalty counts as in Keras 3. Keras 2, \
         which wrote the file, counts it in another way.",
        layer.get_name(),
        layer.class_name()
    );
}

/// Warns of a model in a legacy file whose weights Keras 3 takes to be in another order.
pub(crate) fn weights_reordered_by_keras(model: &str) {
    warn!(
        "Model '{model}' is frozen, but not all layers in it are. Keras 3 forgets the first when it opens a legacy .h5, where the \
         order of weights depends on it: it gives them to the wrong layers, or does not open the file. Save as `.keras`."
    );
}

/// Warns of Lambda layers whose Python code is written as a file of Keras 2 has it.
pub(crate) fn code_of_keras2(model: &AnyLayer) {
    let mut seen = HashSet::new();
    model.visit_layers(&mut |layer| {
        let lambda = layer.options::<LambdaOptions>();
        if let Some(why) = lambda.and_then(LambdaOptions::obstacle)
            && seen.insert(layer.id())
        {
            warn!(
                "Layer '{}' (of type Lambda) is written with its Python code of Keras 2, which Keras 3 may not be able to run: \
                 {why}. In Keras 3, make the layer anew with functions of `keras.ops`.",
                layer.get_name()
            );
        }
    });
}

/// Warns where a file says how a model is compiled and that cannot be followed.
pub(crate) fn not_compiled(model: &str, error: &Error) {
    warn!(
        "Model '{model}' is not compiled: {error} What the file says of it is written back when the model is saved."
    );
}

/// Warns where a model is written some of whose layers have names that Keras 3 refuses.
pub(crate) fn names_with_slashes(model: &AnyLayer) {
    if let Some(name) = slashed(model) {
        warn!(
            "Keras 3 takes no names with slashes: in the file, '{name}' and all such names have `_` in place of each slash."
        );
    }
}

/// The first name with a slash of a layer inside another.
fn slashed(layer: &AnyLayer) -> Option<String> {
    layer.sublayers().into_iter().find_map(|(_, inside)| {
        let name = inside.get_name();
        match name.contains('/') {
            true => Some(name.to_owned()),
            false => slashed(&inside),
        }
    })
}
