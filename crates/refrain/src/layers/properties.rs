//! What layers say of themselves that their options and calls do not show.

use crate::inputs::MaskRule;
use crate::structure::Structure;

/// What a layer says of itself beside what it computes: to whoever calls it, writes it to a file or warns of it.
///
/// The defaults are right for most layers.
///
/// ```
/// use refrain::layers::{Call, Layer, Properties};
/// use refrain::{Inputs, Result, Tensor};
///
/// /// Zeros where a mask says so, which a call may also be given: `Inputs::new(&x).kwarg("mask", &mask)`.
/// struct Zeroed;
///
/// impl Layer for Zeroed {
///     type Output = Tensor;
///
///     fn class_name(&self) -> &str {
///         "Zeroed"
///     }
///
///     fn properties(&self) -> Properties {
///         Properties { arguments: &["inputs", "mask"], ..Properties::default() }
///     }
///
///     fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<Tensor> {
///         let x = inputs.one()?;
///         let mask = inputs.tensor(1, "mask").cloned().or(inputs.mask());
///         Ok(mask.map_or(x.clone(), |mask| x * mask))
///     }
/// }
///
/// assert_eq!(Zeroed.properties().position("mask"), Some(1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// The names of the call's arguments by position, for layers that take several. One of the name `mask` is the mask of the
    /// first argument; one of the name `initial_state` are states that the layer starts from.
    pub arguments: &'static [&'static str],
    /// The rules of the loop over the steps of a sequence, if the layer is one.
    pub recurrence: Option<Recurrence>,
    /// The shapes of the states of one sample, if the layer is a cell that [`Rnn`](super::Rnn) can run.
    pub states: Option<Structure<Vec<usize>>>,
    /// Inner parts of the layer, as the names of its weights begin (`lstm_cell/kernel`), and the attributes that Keras stores
    /// them under.
    pub parts: &'static [(&'static str, &'static str)],
    /// By which rule the masks of several inputs become one.
    pub merging: MaskMerging,
    /// Whether a call that changes nothing gives its input itself where arrays are JAX's, and something new where they are
    /// TensorFlow's. The input keeps its mask.
    pub may_return_input: bool,
    /// What a call of Keras 2 does with masks, where it is not what one of Keras 3 does.
    #[doc(hidden)]
    pub keras2_masks: MaskRule,
    /// Whether a call takes the masks off its inputs in Keras 3.8 and later.
    pub takes_masks_off: bool,
    /// Whether it uses a mask of whole samples.
    pub uses_sample_masks: bool,
    /// Which outputs have penalties.
    pub penalties: Penalized,
    /// Keys of the configuration that Keras does not have and that files for Keras leave out.
    pub own_options: &'static [&'static str],
    /// Whether Keras writes the configuration of its class by hand: without `trainable`, the type by its name.
    pub plain_config: bool,
}

/// The argument of a cell after its input.
pub(crate) const STATES: &str = "states";

impl Properties {
    /// Those of a cell, which [`Rnn`](super::Rnn) can run: its states have these shapes in each sample. It is called with an input
    /// and the states, and gives an [`RnnOutput`](super::RnnOutput) of its output and the next states.
    pub fn cell<S: Into<Vec<usize>>>(states: impl IntoIterator<Item = S>) -> Self {
        Properties {
            arguments: &["inputs", STATES],
            states: Some(Structure::list(states.into_iter().map(Into::into))),
            ..Properties::default()
        }
    }

    /// Those of a layer that only moves values, and whose call may give the input itself.
    pub(crate) fn reshaping() -> Self {
        Properties {
            may_return_input: true,
            keras2_masks: MaskRule::Lost,
            ..Properties::default()
        }
    }

    /// The position of an argument of a call.
    pub fn position(&self, argument: &str) -> Option<usize> {
        self.arguments.iter().position(|name| *name == argument)
    }

    /// Whether a call takes the mask of its first argument as an argument.
    pub fn takes_mask(&self) -> bool {
        self.position("mask").is_some()
    }

    /// Whether a call takes states to start from.
    pub fn takes_states(&self) -> bool {
        self.position("initial_state").is_some()
    }
}

/// The rules of a loop over the steps of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recurrence {
    /// Whether it returns every step's output.
    pub return_sequences: bool,
    /// Whether it returns the last states too.
    pub return_state: bool,
    /// Whether it reads the sequence from its end.
    pub go_backwards: bool,
    /// Whether each batch goes on from the states in which the one before ended.
    pub stateful: bool,
    /// Whether the steps are written out one by one.
    pub unroll: bool,
    /// Whether the output of a masked step is zero.
    pub zero_output_for_mask: bool,
    /// Whether masked steps before the first that counts give zeros, as in Keras 2.
    pub zero_before_first: bool,
}

/// By which rule the masks of several inputs become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskMerging {
    /// Keras 3's.
    #[default]
    Keras3,
    /// Keras 3's, by functions whose names Keras gives to functions of its own when it reads a file.
    Joined,
    /// Keras 2's.
    Keras2,
    /// Keras 2's, where masked values count that Keras 3 leaves out.
    Keras2WithValues,
}

impl MaskMerging {
    /// Whether masks combine as in Keras 2.
    pub(crate) fn is_keras2(self) -> bool {
        matches!(self, MaskMerging::Keras2 | MaskMerging::Keras2WithValues)
    }
}

/// Which outputs have penalties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Penalized {
    /// The layer's own, if it has a regularizer for them, and those of the layers inside.
    #[default]
    Outputs,
    /// Those of projections within; in Keras 2 the layer's own instead.
    Projections,
    /// Those inside the layer that it wraps, once for each step, and not that layer's own; Keras 2 counts in another way.
    Steps,
}
