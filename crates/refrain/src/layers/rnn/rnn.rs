//! Any cell, run over the steps of a sequence.

use serde_json::Value as Json;

use super::options::{calls_from_states, loop_methods};
use super::output::RnnOutput;
use super::recurrence::{self, Cell, Recurrent, time_first, zero_states};
use super::stacked_rnn_cells::StackedRnnCells;
use super::{ZERO_BEFORE_FIRST, masks};
use crate::config::{Config, ConfigValue, in_option};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::restoring::Restoring;
use crate::layers::states::state_specs;
use crate::layers::{
    AnyLayer, Build, Call, Handle, InputSpec, Layer, Outputs, Properties, Recurrence, serialized,
};
use crate::ops::prim;
use crate::structure::Structure;
use crate::tensor::Tensor;
use crate::trace::Trace;

/// The options of an [`Rnn`].
#[doc(hidden)]
#[derive(Clone)]
pub struct RnnOptions {
    cell: AnyLayer,
    rules: Recurrence,
}

/// A cell, run over the steps of a sequence: [`LstmCell`](super::LstmCell), [`GruCell`](super::GruCell),
/// [`SimpleRnnCell`](super::SimpleRnnCell), [`StackedRnnCells`], or a layer of your own.
///
/// Input `(batch, time, …)`; the output is that of the cell's last step, or with `return_sequences` of each, `(batch, time, …)`; with
/// `return_state` also the last states.
///
/// A cell is a layer whose [`Properties`] say the shapes of its states. It is called with the input of a step, `(batch, …)`, and
/// the states before, and gives its output and the next states. A state that [`Layer::initial_state`] does not make begins at
/// zero. Where a step is masked the states stay what they are, and the output is the first state (of the last cell, if there are
/// several), as Keras has it.
///
/// ```
/// use refrain::layers::{Build, Call, Layer, Properties, Rnn, RnnOutput, Weight};
/// use refrain::{Inputs, Result, input, ops};
///
/// struct MinimalRnnCell {
///     units: usize,
/// }
///
/// impl Layer for MinimalRnnCell {
///     type Output = RnnOutput;
///
///     fn class_name(&self) -> &str {
///         "MinimalRNNCell"
///     }
///
///     fn properties(&self) -> Properties {
///         Properties::cell([[self.units]])
///     }
///
///     fn build(&self, cx: &mut Build) -> Result<()> {
///         cx.add_weight(Weight::new("kernel", [cx.last_dim()?, self.units]))?;
///         cx.add_weight(Weight::new("recurrent_kernel", [self.units, self.units]))
///     }
///
///     fn call(&self, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
///         let (x, states) = (inputs.one()?, cx.states(inputs)?);
///         let h = ops::matmul(x, &cx.weight("kernel")?);
///         let output = h + ops::matmul(&states[0], &cx.weight("recurrent_kernel")?);
///         Ok(RnnOutput { output: output.clone(), state: vec![output] })
///     }
/// }
///
/// let x = input([None, Some(5)]);
/// let y = Rnn::new(MinimalRnnCell { units: 32 }.into_layer()).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 32)");
///
/// let cells = [MinimalRnnCell { units: 32 }, MinimalRnnCell { units: 64 }];
/// let y = Rnn::stacked(cells.map(Layer::into_layer)).return_sequences(true).call(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, None, 64)");
/// # Ok::<(), refrain::Error>(())
/// ```
///
/// Source: `keras/src/layers/rnn/rnn.py`.
///
/// # Options
///
/// Each is a method that takes the value and gives the layer; all are `false` by default.
///
/// | method | |
/// |---|---|
/// | `return_sequences` | Whether to return every step's output instead of the last one's. |
/// | `return_state` | Whether to return the last states too. |
/// | `go_backwards` | Whether to read the sequence from its end. Outputs come in the order in which they are made. |
/// | `stateful` | Whether each batch goes on from the states in which the one before ended (needs a fixed batch size). |
/// | `unroll` | Whether to write the steps out one by one instead of as a loop (needs a fixed length). |
/// | `zero_output_for_mask` | Whether the output of a masked step is zero instead of the state before. |
/// | `zero_before_first` | Whether a masked step repeats the output before, which is zero at the start, as in Keras 2. |
pub type Rnn = Handle<RnnOptions>;

impl Rnn {
    /// This cell, run over sequences. What is no cell is an error of the first call.
    pub fn new(cell: impl Into<AnyLayer>) -> Self {
        RnnOptions {
            cell: cell.into(),
            rules: Recurrence::default(),
        }
        .into_layer()
    }

    /// Cells in a row as one, each of which gets the output of the one before: Keras's `RNN` of a list.
    pub fn stacked<C: Into<AnyLayer>>(cells: impl IntoIterator<Item = C>) -> Self {
        Rnn::new(StackedRnnCells::new(cells))
    }
}

calls_from_states!(Rnn);

/// Declares the rules of the loop as options.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident),* $(,)?) => {
        impl Rnn {
            $(
                $(#[$doc])*
                pub fn $rule(self, $rule: bool) -> Self {
                    self.edit(|options| options.rules.$rule = $rule)
                }
            )*
        }

        impl Recurrence {
            fn to_config(self) -> Config {
                let rules = [$( (stringify!($rule), self.$rule) ),*];
                rules.map(|(key, rule)| (key.to_owned(), rule.into())).into_iter().collect()
            }

            fn from_config(config: &Config) -> Result<Self> {
                let rule = |key: &str| match config.get(key) {
                    Some(json) => bool::from_json(json).map_err(|e| in_option(e, key)),
                    None => Ok(false),
                };
                Ok(Recurrence { $( $rule: rule(stringify!($rule))? ),* })
            }
        }
    };
}

rules! {
    /// Whether to return every step's output instead of the last one's.
    return_sequences,
    /// Whether to return the last states too.
    return_state,
    /// Whether to read the sequence from its end. Outputs come in the order in which they are made.
    go_backwards,
    /// Whether each batch goes on from the states in which the one before ended (needs a fixed batch size).
    stateful,
    /// Whether to write the steps out one by one instead of as a loop (needs a fixed length).
    unroll,
    /// Whether the output of a masked step is zero instead of the state before.
    zero_output_for_mask,
    /// Whether a masked step repeats the output before, which is zero at the start, as in Keras 2.
    zero_before_first,
}

/// The shapes of a cell's states; those of a cell in a stack are a list each.
pub(super) fn shapes_of(cell: &AnyLayer) -> Result<Structure<Vec<usize>>> {
    let states = cell.properties().states;
    states.filter(|s| !s.flatten().is_empty()).ok_or_else(|| {
        let received = format!("`{}` ({})", cell.get_name(), cell.class_name());
        let expected = "a cell, a layer that has states";
        Error::mismatch(ErrorKind::Config, expected, received).hint(
            "Use LSTMCell, GRUCell, SimpleRNNCell or StackedRNNCells, or give your layer `Properties::cell`",
        )
    })
}

/// A call of a cell for one step.
pub(super) fn step(
    cell: &AnyLayer,
    shapes: &Structure<Vec<usize>>,
    x: &Tensor,
    states: &[Tensor],
) -> Result<RnnOutput> {
    let states = shapes.with_leaves(states.iter().cloned());
    let states =
        states.ok_or_else(|| Error::new(ErrorKind::Internal, "fewer states than shapes"))?;
    RnnOutput::from_structure(cell.call_structure(&Inputs::new(x).arg(states))?)
}

impl RnnOptions {
    pub(crate) fn from_config(config: &Config, context: &Restoring) -> Result<Self> {
        let cell = config.get("cell").unwrap_or(&Json::Null);
        let cell = serialized::from_json(cell, context).map_err(|e| in_option(e, "cell"))?;
        let rules = Recurrence::from_config(config)?;
        Ok(RnnOptions { cell, rules })
    }

    /// States that are given flat, in lists for the cells of a stack that have several, as Keras takes them.
    fn nested(&self, inputs: &Inputs) -> Option<Structure<Tensor>> {
        let Structure::List(cells) = self.cell.properties().states? else {
            return None;
        };
        let Structure::List(given) = inputs.get(1, "initial_state")? else {
            return None;
        };
        let all = given.iter().map(|s| match s {
            Structure::Leaf(state) => Some(state.clone()),
            _ => None,
        });
        let all = all.collect::<Option<Vec<_>>>()?;
        let count = |cell: &Structure<Vec<usize>>| cell.flatten().len();
        if all.len() != cells.iter().map(count).sum::<usize>() {
            return None;
        }
        let mut all = all.into_iter().map(Structure::Leaf);
        let of_cell = |cell: &Structure<Vec<usize>>| match count(cell) {
            1 => all.next(),
            n => Some(Structure::List(all.by_ref().take(n).collect())),
        };
        let nested = cells.iter().map(of_cell).collect::<Option<_>>();
        nested.map(Structure::List)
    }
}

impl Layer for RnnOptions {
    type Output = RnnOutput;

    fn class_name(&self) -> &str {
        "RNN"
    }

    fn properties(&self) -> Properties {
        recurrence::properties(self.rules, &[])
    }

    fn config(&self) -> Config {
        let mut config = self.rules.to_config();
        if !self.rules.zero_before_first {
            config.shift_remove(ZERO_BEFORE_FIRST);
        }
        config.insert("cell".to_owned(), serialized::to_json(&self.cell));
        config
    }

    fn arguments(&self, inputs: &Inputs) -> Result<Inputs> {
        let inputs = match self.nested(inputs) {
            Some(states) => inputs.clone().with(1, "initial_state", states),
            None => inputs.clone(),
        };
        Ok(masks::made_explicit(&inputs))
    }

    fn sublayers(&self) -> Vec<(String, AnyLayer)> {
        vec![("cell".to_owned(), self.cell.clone())]
    }

    fn duplicate(&self) -> Option<Self> {
        Some(RnnOptions {
            cell: self.cell.fresh_copy().ok()?,
            rules: self.rules,
        })
    }

    loop_methods!();
}

impl Recurrent for RnnOptions {
    fn rules(&self) -> Recurrence {
        self.rules
    }

    fn check(&self) -> Result<()> {
        self.cell.validate()?;
        shapes_of(&self.cell).map(drop)
    }

    fn build_cell(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
        let spec = InputSpec::new().min_ndim(3);
        spec.check("layer", &cx.spec()?)?;
        cx.set_input_spec(spec);
        let x = cx.inputs().one()?;
        let mut shape = x.shape();
        shape.dims_mut().remove(1);
        let one = prim::full(x, &shape, x.dtype(), 0.0)?;
        cx.build_sublayer(&self.cell, &one)?;
        Ok(shapes_of(&self.cell)?.into_leaves())
    }

    fn cell<'s>(&'s self, _cx: &Call, x: &Tensor) -> Result<Cell<'s>> {
        let (cell, shapes) = (&self.cell, shapes_of(&self.cell)?);
        let flat: Vec<Vec<usize>> = shapes.flatten().into_iter().cloned().collect();
        let of_last = match &shapes {
            Structure::List(cells) => cells
                .last()
                .filter(|last| !matches!(last, Structure::Leaf(_))),
            _ => None,
        };
        let of_last = of_last.map_or(flat.len(), |last| last.flatten().len());
        Ok(Cell {
            inputs: time_first(x)?,
            states: state_specs(&flat, x.shape().dim(0), cell.dtype()),
            repeated: flat.len() - of_last,
            repeats_output: false,
            step: Box::new(move |x, states| step(cell, &shapes, x, states)),
        })
    }

    fn has_initial_state(&self, cx: &Build) -> Result<bool> {
        let x = cx.inputs().one()?;
        let shapes = shapes_of(&self.cell)?.into_leaves();
        let specs = state_specs(&shapes, x.shape().dim(0), self.cell.dtype());
        let zeros = zero_states(x, &specs)?;
        let trace = Trace::innermost(&[x])?;
        let states = self.cell.initial_state(&trace, zeros.clone())?;
        Ok(states
            .iter()
            .zip(&zeros)
            .any(|(state, zero)| !state.is_same(zero)))
    }

    fn initial_state(&self, cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        self.cell.initial_state(&cx.trace, zeros)
    }
}
