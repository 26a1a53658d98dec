//! A recurrent layer in both directions.

use serde_json::Value as Json;

use super::masks;
use super::output::RnnOutput;
use super::recurrence::reverse;
use crate::config::{Config, ConfigValue, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::restoring::Restoring;
use crate::layers::{AnyLayer, Build, Call, Handle, Layer, Properties, Recurrence, serialized};
use crate::ops;
use crate::tensor::Tensor;

/// How a [`Bidirectional`] joins the outputs of its two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MergeMode {
    /// Side by side along the last axis.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
    /// Not at all: the backward output follows the forward one.
    None,
}

impl MergeMode {
    const NAMES: [(MergeMode, &str); 4] = [
        (MergeMode::Concat, "concat"),
        (MergeMode::Sum, "sum"),
        (MergeMode::Mul, "mul"),
        (MergeMode::Ave, "ave"),
    ];
}

impl ConfigValue for MergeMode {
    fn to_json(&self) -> Json {
        let named = MergeMode::NAMES.iter().find(|(mode, _)| mode == self);
        named.map_or(Json::Null, |&(_, name)| name.into())
    }

    fn from_json(json: &Json) -> Result<Self> {
        if json.is_null() {
            return Ok(MergeMode::None);
        }
        let named = MergeMode::NAMES
            .iter()
            .find(|(_, name)| json.as_str() == Some(name));
        named
            .map(|&(mode, _)| mode)
            .ok_or_else(|| unexpected("concat, sum, mul, ave or null as the merge mode", json))
    }
}

/// The options of a [`Bidirectional`].
#[doc(hidden)]
#[derive(Clone)]
pub struct BidirectionalOptions {
    merge_mode: MergeMode,
    /// Why the wrapped layer cannot be used shows when the layer is called.
    directions: Result<[AnyLayer; 2]>,
    /// Whether the backward layer was given instead of made from the forward one.
    own_backward: bool,
}

/// A recurrent layer that reads the sequence in both directions.
///
/// The wrapped layer is the pattern of two layers, `forward_<name>` and `backward_<name>`. Output as the wrapped layer's,
/// twice as wide with [`MergeMode::Concat`]. With `return_state` the forward states come first. With [`MergeMode::None`]
/// the backward output is the first of [`RnnOutput::state`].
///
/// ```
/// use refrain::input;
/// use refrain::layers::{Bidirectional, Lstm};
/// let layer = Bidirectional::new(Lstm::new(8).return_sequences(true));
/// assert_eq!(layer.call(&input([5, 3]))?.shape().to_string(), "(None, 5, 16)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/rnn/bidirectional.py`.
///
/// # Options
///
/// | method | takes | default | |
/// |---|---|---|---|
/// | `merge_mode` | `MergeMode` | `MergeMode::Concat` | How the outputs of the two directions are joined. |
/// | `backward_layer` | a layer | made from the wrapped one | A backward layer of its own, which must read backwards. |
pub type Bidirectional = Handle<BidirectionalOptions>;

impl Bidirectional {
    /// Both directions of a recurrent layer, their outputs side by side.
    pub fn new(layer: impl Into<AnyLayer>) -> Self {
        BidirectionalOptions {
            merge_mode: MergeMode::Concat,
            directions: both(&layer.into()),
            own_backward: false,
        }
        .into_layer()
    }

    /// How the outputs of the two directions are joined.
    pub fn merge_mode(self, mode: MergeMode) -> Self {
        self.edit(|options| options.merge_mode = mode)
    }

    /// A backward layer of its own, which must read backwards.
    pub fn backward_layer(self, layer: impl Into<AnyLayer>) -> Self {
        let layer = layer.into();
        self.edit(|options| {
            let zeroed = zeroing_masked_outputs(&layer, layer.full_config());
            options.own_backward = true;
            if let Ok([_, backward]) = &mut options.directions {
                match zeroed {
                    Ok(layer) => *backward = layer,
                    Err(e) => options.directions = Err(e),
                }
            }
        })
    }
}

/// The forward and the backward layer made from a pattern.
fn both(layer: &AnyLayer) -> Result<[AnyLayer; 2]> {
    let config = layer.full_config();
    let Some(Recurrence { go_backwards, .. }) = layer.properties().recurrence else {
        let error = Error::mismatch(
            ErrorKind::Config,
            "a recurrent layer (LSTM, GRU, SimpleRNN) to run in both directions",
            format!("`{}` ({})", layer.get_name(), layer.class_name()),
        );
        return Err(error);
    };
    let name = layer.get_name();
    let name = name.strip_prefix("forward_").unwrap_or(name);
    let direction = |prefix: &str, backwards: bool| {
        let mut config = config.clone();
        config.insert("name".to_owned(), format!("{prefix}_{name}").into());
        config.insert("go_backwards".to_owned(), backwards.into());
        zeroing_masked_outputs(layer, config)
    };
    Ok([
        direction("forward", go_backwards)?,
        direction("backward", !go_backwards)?,
    ])
}

/// As in Keras, sequences have zeros where they are masked, so that both directions agree there.
fn zeroing_masked_outputs(layer: &AnyLayer, mut config: Config) -> Result<AnyLayer> {
    let sequences = layer
        .properties()
        .recurrence
        .is_some_and(|r| r.return_sequences);
    config.insert("zero_output_for_mask".to_owned(), sequences.into());
    serialized::another(layer, &config)
}

impl BidirectionalOptions {
    fn directions(&self) -> Result<&[AnyLayer; 2]> {
        self.directions.as_ref().map_err(Clone::clone)
    }

    fn return_sequences(&self) -> bool {
        let forward = self.directions.as_ref().ok();
        let recurrence = forward.and_then(|[forward, _]| forward.properties().recurrence);
        recurrence.is_some_and(|r| r.return_sequences)
    }

    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let inner = |key: &str| config.get(key).filter(|json| !json.is_null());
        let layer = inner("layer").ok_or_else(|| unexpected("a layer", &Json::Null))?;
        let mut directions = both(&serialized::from_json(layer, context)?)?;
        let mut own_backward = false;
        if let Some(json) = inner("backward_layer") {
            let backward = serialized::from_json(json, context)?;
            own_backward = backward.get_name() != directions[1].get_name();
            directions[1] = zeroing_masked_outputs(&backward, backward.full_config())?;
        }
        let merge_mode = match config.get("merge_mode") {
            Some(json) => MergeMode::from_json(json)?,
            None => MergeMode::Concat,
        };
        Ok(BidirectionalOptions {
            merge_mode,
            directions: Ok(directions),
            own_backward,
        })
    }

    fn merge(&self, forward: &Tensor, backward: &Tensor) -> Option<Tensor> {
        Some(match self.merge_mode {
            MergeMode::Concat => ops::concatenate([forward, backward], -1),
            MergeMode::Sum => forward + backward,
            MergeMode::Mul => forward * backward,
            MergeMode::Ave => (forward + backward) / 2.0,
            MergeMode::None => return None,
        })
    }
}

impl Layer for BidirectionalOptions {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "Bidirectional"
    }

    fn properties(&self) -> Properties {
        Properties {
            arguments: masks::ARGUMENTS,
            ..Properties::default()
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.insert("merge_mode".to_owned(), self.merge_mode.to_json());
        if let Ok([forward, backward]) = &self.directions {
            config.insert("layer".to_owned(), serialized::to_json(forward));
            config.insert("backward_layer".to_owned(), serialized::to_json(backward));
        }
        config
    }

    fn build(&self, cx: &mut Build) -> Result<()> {
        self.directions()?;
        let x = cx.inputs().one()?.clone();
        let mut directions = self.directions()?.iter();
        directions.try_for_each(|layer| cx.build_sublayer(layer, &x))
    }

    fn call(&self, _cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
        let [forward, backward] = self.directions()?;
        let x = inputs.one()?;
        let given: Vec<Tensor> = match inputs.get(1, "initial_state") {
            Some(states) => states.flatten().into_iter().cloned().collect(),
            None => Vec::new(),
        };
        let half = given.len() / 2;
        let mask = masks::of_steps(inputs);
        let unmasked = x.with_mask(None);
        let run = |layer: &AnyLayer, states: &[Tensor]| -> Result<Vec<Tensor>> {
            let mut arguments = Inputs::new(&unmasked);
            if let Some(mask) = &mask {
                arguments = arguments.kwarg("mask", mask);
            }
            if !states.is_empty() {
                arguments = arguments.kwarg("initial_state", states);
            }
            Ok(layer.call_structure(&arguments)?.into_leaves())
        };
        let mut ahead = run(forward, &given[..half])?;
        let mut back = run(backward, &given[half..])?;
        let (y, mut y_back) = (ahead.remove(0), back.remove(0));
        if self.return_sequences() {
            y_back = reverse(&y_back, 1)?;
        }
        let mut state: Vec<Tensor> = Vec::new();
        let output = self.merge(&y, &y_back).unwrap_or_else(|| {
            state.push(y_back.clone());
            y.clone()
        });
        state.extend(ahead.into_iter().chain(back));
        Ok(RnnOutput { output, state })
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        Ok(masks::made_explicit(inputs))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn compute_mask(
        &self,
        _cx: &Call,
        inputs: &Inputs,
        outputs: &[Tensor],
    ) -> Result<Vec<Option<Tensor>>> {
        let mask = masks::carried(inputs).filter(|_| self.return_sequences());
        let sequences = if self.merge_mode == MergeMode::None {
            2
        } else {
            1
        };
        let masks = (0..outputs.len()).map(|i| mask.clone().filter(|_| i < sequences));
        Ok(masks.collect())
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        let Ok([forward, backward]) = &self.directions else {
            return Vec::new();
        };
        vec![
            ("forward_layer".to_owned(), forward.clone()),
            ("backward_layer".to_owned(), backward.clone()),
        ]
    }

    fn duplicate(&self) -> Option<Self> {
        let [forward, backward] = self.directions.as_ref().ok()?;
        let directions = [forward.fresh_copy().ok()?, backward.fresh_copy().ok()?];
        Some(BidirectionalOptions {
            directions: Ok(directions),
            ..self.clone()
        })
    }
}
