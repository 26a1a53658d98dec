//! Cells of products with kernels: what LSTM, GRU and SimpleRNN do alike in each step.

use std::ops::Range;

use refrain_graph::{Dim, Op};

use super::output::RnnOutput;
use super::recurrence::{Cell, columns, dropout_masks, time_first};
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::states::state_specs;
use crate::layers::{Build, Call, InputSpec, Weight, WeightRules};
use crate::ops;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// The options that all cells have.
pub(crate) struct Common<'a> {
    /// The size of the states, or their channels.
    pub(crate) units: usize,
    pub(crate) use_bias: bool,
    pub(crate) kernel: WeightRules<'a>,
    pub(crate) recurrent: WeightRules<'a>,
    pub(crate) bias: WeightRules<'a>,
    pub(crate) dropout: f64,
    pub(crate) recurrent_dropout: f64,
    pub(crate) seed: Option<u64>,
}

impl Common<'_> {
    pub(super) fn validate(&self, units: &str) -> Result<()> {
        if self.units == 0 {
            let expected = format!("a positive number of {units}");
            return Err(Error::mismatch(ErrorKind::Config, expected, "0"));
        }
        for rate in [self.dropout, self.recurrent_dropout] {
            if !(0.0..=1.0).contains(&rate) {
                let expected = "a dropout rate between 0 and 1";
                return Err(Error::mismatch(
                    ErrorKind::Config,
                    expected,
                    rate.to_string(),
                ));
            }
        }
        Ok(())
    }

    /// Declares both kernels, the bias, and random numbers where values are dropped.
    pub(super) fn add_weights(
        &self,
        cx: &mut Build,
        path: &str,
        [kernel, recurrent]: [Vec<usize>; 2],
        (bias, bias_initializer): (Vec<usize>, &Initializer),
    ) -> Result<()> {
        let mut add = |name: &str, shape, rules| {
            cx.add_weight(Weight::new(&weight_name(path, name), shape).rules(rules))
        };
        add("kernel", kernel, self.kernel)?;
        add("recurrent_kernel", recurrent, self.recurrent)?;
        if self.use_bias {
            let rules = WeightRules {
                initializer: bias_initializer,
                ..self.bias
            };
            add("bias", bias, rules)?;
        }
        if self.dropout > 0.0 || self.recurrent_dropout > 0.0 {
            cx.add_seed(self.seed);
        }
        Ok(())
    }
}

/// The name of a weight of a cell at a path; a cell that is a layer itself has none.
fn weight_name(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}/{name}"),
    }
}

/// The function of one step, and the sizes that go with it.
pub(crate) trait DenseCell {
    /// Path of the cell's weights in a layer: `lstm_cell`, …
    const PATH: &'static str;
    /// Blocks of `units` columns in the kernels.
    const GATES: usize;
    /// Number of states; the first is the output.
    const STATES: usize;

    fn common(&self) -> &Common<'_>;

    /// The shapes of the states of one sample.
    fn state_shapes(&self) -> Vec<Vec<usize>> {
        vec![vec![self.common().units]; Self::STATES]
    }

    /// The bias: its shape and initializer.
    fn bias(&self) -> (Vec<usize>, Initializer) {
        let common = self.common();
        (
            vec![Self::GATES * common.units],
            common.bias.initializer.clone(),
        )
    }

    /// The part of the bias that is added to the inputs' projection.
    fn input_bias(&self, bias: &Tensor) -> Result<Tensor> {
        Ok(bias.clone())
    }

    /// One step: the projected input (bias added) and the states give the next states.
    fn step(&self, weights: &Weights, projected: &Tensor, states: &[Tensor])
    -> Result<Vec<Tensor>>;
}

/// Declares the weights for inputs of the width that the first call has.
pub(super) fn build<C: DenseCell>(cell: &C, cx: &mut Build, path: &str) -> Result<()> {
    let common = cell.common();
    let features = cx.last_dim()?;
    let width = sizes::times(C::GATES, common.units)?;
    let kernels = [vec![features, width], vec![common.units, width]];
    let (bias, initializer) = cell.bias();
    common.add_weights(cx, path, kernels, (bias, &initializer))?;
    cx.set_input_spec(InputSpec::new().axis(-1, features));
    Ok(())
}

/// Declares the weights of a layer over sequences, and gives the shapes of the states.
pub(super) fn build_layer<C: DenseCell>(cell: &C, cx: &mut Build) -> Result<Vec<Vec<usize>>> {
    InputSpec::new().ndim(3).check("layer", &cx.spec()?)?;
    build(cell, cx, C::PATH)?;
    cx.set_input_spec(InputSpec::new().ndim(3).axis(-1, cx.last_dim()?));
    Ok(cell.state_shapes())
}

/// What a layer over sequences does in each step: the products of all inputs are one before the first.
pub(super) fn cell<'s, C: DenseCell + 's>(cell: C, cx: &Call, x: &Tensor) -> Result<Cell<'s>> {
    let batch = x.shape().dim(0);
    let dropped = dropped_inputs(&cell, cx, C::PATH, batch)?;
    let inputs = project(&cell, cx, C::PATH, &time_first(x)?, &dropped)?;
    let weights = Weights {
        recurrent_masks: dropped_states(&cell, cx, batch)?,
        ..Weights::of(&cell, cx, C::PATH)?
    };
    let states = state_specs(&cell.state_shapes(), batch, x.dtype());
    let step = move |x: &Tensor, states: &[Tensor]| cell.step(&weights, x, states);
    Ok(Cell::of_states(inputs, states, step))
}

/// One step as the call of a layer.
pub(super) fn call<C: DenseCell>(cell: &C, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
    let x = cx.floats(inputs.one()?)?;
    let batch = x.shape().dim(0);
    let dropped = cx.in_all_steps("dropout", |cx| dropped_inputs(cell, cx, "", batch))?;
    let projected = project(cell, cx, "", &x, &dropped)?;
    let drop_states = |cx: &Call| dropped_states(cell, cx, batch);
    let weights = Weights {
        recurrent_masks: cx.in_all_steps("recurrent_dropout", drop_states)?,
        ..Weights::of(cell, cx, "")?
    };
    let state = cell.step(&weights, &projected, &cx.states(inputs)?)?;
    Ok(RnnOutput::of_states(state))
}

/// What a step needs besides its input and states.
pub(crate) struct Weights {
    recurrent_kernel: Tensor,
    pub(crate) bias: Option<Tensor>,
    /// Dropout of the state: empty, or one factor per gate.
    recurrent_masks: Vec<Tensor>,
    pub(crate) units: usize,
}

impl Weights {
    /// Those of a cell at a path, without dropout.
    fn of<C: DenseCell>(cell: &C, cx: &Call, path: &str) -> Result<Self> {
        Ok(Weights {
            recurrent_kernel: cx.weight(&weight_name(path, "recurrent_kernel"))?,
            bias: cx.optional_weight(&weight_name(path, "bias"))?,
            recurrent_masks: Vec::new(),
            units: cell.common().units,
        })
    }

    /// The state times the recurrent kernel's columns of these gates.
    pub(crate) fn recur(&self, state: &Tensor, gates: Range<usize>) -> Result<Tensor> {
        let masks = self.recurrent_masks.get(gates.clone()).unwrap_or_default();
        by_gates(
            state,
            &self.recurrent_kernel,
            masks,
            gates,
            self.units,
            matmul,
        )
    }
}

fn matmul(x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
    ops::matmul(x, kernel).checked()
}

/// A product of `x` and the kernel's columns of these gates; with dropout each gate sees its own part of `x`.
pub(super) fn by_gates(
    x: &Tensor,
    kernel: &Tensor,
    masks: &[Tensor],
    gates: Range<usize>,
    units: usize,
    product: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if masks.is_empty() {
        return product(x, &columns(kernel, gates.start * units, gates.end * units)?);
    }
    let parts = gates.zip(masks).map(|(gate, mask)| {
        let columns = columns(kernel, gate * units, (gate + 1) * units)?;
        product(&(x * mask), &columns)
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Trace::apply(
        Op::Concatenate(x.rank() - 1),
        &parts.iter().collect::<Vec<_>>(),
    )
}

/// Factors that drop inputs. As in Keras each gate has its own only where the state is dropped too.
fn dropped_inputs<C: DenseCell>(
    cell: &C,
    cx: &Call,
    path: &str,
    batch: Dim,
) -> Result<Vec<Tensor>> {
    let common = cell.common();
    let gates = if common.recurrent_dropout > 0.0 {
        C::GATES
    } else {
        1
    };
    let kernel = cx.weight(&weight_name(path, "kernel"))?;
    let features = Some(kernel.dim(0).unwrap_or(0));
    dropout_masks(cx, common.dropout, &[batch, features], gates)
}

/// Factors that drop the state, one for each gate.
fn dropped_states<C: DenseCell>(cell: &C, cx: &Call, batch: Dim) -> Result<Vec<Tensor>> {
    let common = cell.common();
    let state = [batch, Some(common.units)];
    dropout_masks(cx, common.recurrent_dropout, &state, C::GATES)
}

/// One product for the inputs of one or all steps, the bias added: `(…, batch, gates · units)`.
fn project<C: DenseCell>(
    cell: &C,
    cx: &Call,
    path: &str,
    inputs: &Tensor,
    masks: &[Tensor],
) -> Result<Tensor> {
    let kernel = cx.weight(&weight_name(path, "kernel"))?;
    let units = cell.common().units;
    let projected = match masks {
        [one] => ops::matmul(&(inputs * one), &kernel),
        masks => by_gates(inputs, &kernel, masks, 0..C::GATES, units, matmul)?,
    };
    match cx.optional_weight(&weight_name(path, "bias"))? {
        Some(bias) => (projected + cell.input_bias(&bias)?).checked(),
        None => projected.checked(),
    }
}
