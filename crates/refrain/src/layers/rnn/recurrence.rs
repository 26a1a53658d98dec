//! What all recurrent layers do alike: weights, states, dropout, masks, and the loop over the steps.

use refrain_graph::{DType, Dim, Op, Shape};

use super::output::RnnOutput;
use super::{ZERO_BEFORE_FIRST, masks};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::inputs::Inputs;
use crate::layers::{Build, Call, InputSpec, Properties, Recurrence, Weight};
use crate::ops::{self, ScanOptions, prim};
use crate::regularizers::Regularizer;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// Initializer, penalty and rule of a weight.
type WeightRules<'a> = (
    &'a Initializer,
    &'a Option<Regularizer>,
    &'a Option<Constraint>,
);

/// The options that all recurrent layers have.
pub(crate) struct Common<'a> {
    pub(crate) return_sequences: bool,
    pub(crate) return_state: bool,
    pub(crate) go_backwards: bool,
    pub(crate) stateful: bool,
    pub(crate) unroll: bool,
    pub(crate) zero_output_for_mask: bool,
    pub(crate) zero_before_first: bool,
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
    pub(super) fn validate(&self) -> Result<()> {
        if self.units == 0 {
            return Err(Error::mismatch(
                ErrorKind::Config,
                "a positive number of units",
                "0",
            ));
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
}

/// The function of one step, and the sizes that go with it.
pub(crate) trait Cell {
    /// Path of the cell's weights: `lstm_cell`, …
    const PATH: &'static str;
    /// Blocks of `units` columns in the kernels.
    const GATES: usize;
    /// Number of states; the first is the output.
    const STATES: usize;

    fn common(&self) -> Common<'_>;

    /// The bias: its shape and first value.
    fn bias(&self) -> (Vec<usize>, Initializer) {
        let common = self.common();
        (vec![Self::GATES * common.units], common.bias.0.clone())
    }

    /// The part of the bias that is added to the inputs' projection.
    fn input_bias(&self, bias: &Tensor) -> Result<Tensor> {
        Ok(bias.clone())
    }

    /// One step: the projected input (bias added) and the states give the next states.
    fn step(&self, weights: &Weights, projected: &Tensor, states: &[Tensor])
    -> Result<Vec<Tensor>>;
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
    /// The state times the recurrent kernel's columns of these gates.
    pub(crate) fn recur(&self, state: &Tensor, gates: std::ops::Range<usize>) -> Result<Tensor> {
        let masks = self.recurrent_masks.get(gates.clone()).unwrap_or_default();
        product(state, &self.recurrent_kernel, masks, gates, self.units)
    }
}

/// `x` times the kernel's columns of these gates; with dropout each gate sees its own part of `x`.
fn product(
    x: &Tensor,
    kernel: &Tensor,
    masks: &[Tensor],
    gates: std::ops::Range<usize>,
    units: usize,
) -> Result<Tensor> {
    if masks.is_empty() {
        let columns = columns(kernel, gates.start * units, gates.end * units)?;
        return ops::matmul(x, &columns).checked();
    }
    let parts = gates.zip(masks).map(|(gate, mask)| {
        let columns = columns(kernel, gate * units, (gate + 1) * units)?;
        ops::matmul(&(x * mask), &columns).checked()
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Trace::apply(
        Op::Concatenate(x.rank() - 1),
        &parts.iter().collect::<Vec<_>>(),
    )
}

/// Elements `start..end` along the last axis.
pub(crate) fn columns(x: &Tensor, start: usize, end: usize) -> Result<Tensor> {
    slice(x, x.rank() - 1, start, end)
}

/// Elements `start..end` along an axis.
pub(super) fn slice(x: &Tensor, axis: usize, start: usize, end: usize) -> Result<Tensor> {
    if start == 0 && x.shape().dim(axis) == Some(end) {
        return Ok(x.clone());
    }
    let mut starts = vec![0; x.rank()];
    let mut limits = vec![None; x.rank()];
    starts[axis] = start;
    limits[axis] = Some(end);
    let strides = vec![1; x.rank()];
    Trace::apply(
        Op::Slice {
            starts,
            limits,
            strides,
        },
        &[x],
    )
}

/// Reads an axis from its end.
pub(super) fn reverse(x: &Tensor, axis: usize) -> Result<Tensor> {
    Trace::apply(Op::Reverse(vec![axis]), &[x])
}

pub(super) fn properties(common: &Common) -> Properties {
    Properties {
        arguments: masks::ARGUMENTS,
        recurrence: Some(Recurrence {
            return_sequences: common.return_sequences,
            go_backwards: common.go_backwards,
            stateful: common.stateful,
            zero_output_for_mask: common.zero_output_for_mask,
            zero_before_first: common.zero_before_first,
        }),
        own_options: &[ZERO_BEFORE_FIRST],
        ..Properties::default()
    }
}

pub(super) fn build<C: Cell>(cell: &C, cx: &mut Build) -> Result<()> {
    let common = cell.common();
    InputSpec::new().ndim(3).check("layer", &cx.spec()?)?;
    let features = cx.last_dim()?;
    let width = sizes::times(C::GATES, common.units)?;
    let weight =
        |name: &str, shape: Vec<usize>, (initializer, regularizer, constraint): WeightRules| {
            Weight::new(&format!("{}/{name}", C::PATH), shape)
                .initializer(initializer)
                .regularizer(regularizer)
                .constraint(constraint)
        };
    cx.add_weight(weight("kernel", vec![features, width], common.kernel))?;
    cx.add_weight(weight(
        "recurrent_kernel",
        vec![common.units, width],
        common.recurrent,
    ))?;
    if common.use_bias {
        let (shape, initializer) = cell.bias();
        cx.add_weight(weight(
            "bias",
            shape,
            (&initializer, common.bias.1, common.bias.2),
        ))?;
    }
    if common.dropout > 0.0 || common.recurrent_dropout > 0.0 {
        cx.add_seed(common.seed);
    }
    if common.stateful {
        let batch = cx
            .dim(0)
            .map_err(|e| e.hint("A stateful layer needs `Input::new(...).batch_size(n)`"))?;
        for i in 0..C::STATES {
            cx.add_state(&format!("state_{i}"), [batch, common.units])?;
        }
    }
    cx.set_input_spec(InputSpec::new().ndim(3).axis(-1, features));
    Ok(())
}

/// Dropout factors `(batch, size)`, one per gate if each gate has its own, else one; none if nothing is dropped.
fn dropout_masks(
    cx: &Call,
    rate: f64,
    batch: Dim,
    size: usize,
    count: usize,
) -> Result<Vec<Tensor>> {
    if rate == 0.0 || !cx.training() {
        return Ok(Vec::new());
    }
    let keep = 1.0 - rate;
    let mask = || -> Result<Tensor> {
        let uniform = cx.random_uniform(vec![batch, Some(size)])?;
        let kept = ops::cast(&ops::less(&uniform, keep), DType::F32);
        let scale = if keep > 0.0 { 1.0 / keep } else { 0.0 };
        ops::cast(&(kept * scale), cx.layer.dtype()).checked()
    };
    (0..count).map(|_| mask()).collect()
}

/// A state that the layer has kept, which is one for each sample of a batch.
fn kept_state(cx: &Call, name: &str, expected: &Shape) -> Result<Tensor> {
    let state = cx.weight(name)?;
    if state.shape().compatible(expected) {
        return Ok(state);
    }
    Err(Error::mismatch(
        ErrorKind::Shape,
        format!("states of shape {expected} from the batch before (`stateful`)"),
        format!("states of shape {}", state.shape()),
    )
    .hint("A stateful layer keeps a state for each sample: give it batches of the size that it was made for"))
}

/// The first states: those given, those kept, or zeros.
fn initial_states<C: Cell>(
    cell: &C,
    cx: &Call,
    inputs: &Inputs,
    x: &Tensor,
) -> Result<Vec<Tensor>> {
    let common = cell.common();
    let expected = Shape::from([x.shape().dim(0), Some(common.units)]);
    let Some(given) = inputs.get(1, "initial_state") else {
        if common.stateful {
            let kept = |i| kept_state(cx, &format!("state_{i}"), &expected);
            return (0..C::STATES).map(kept).collect();
        }
        let zeros = prim::full(x, &expected, x.dtype(), 0.0)?;
        return Ok(vec![zeros; C::STATES]);
    };
    let states = given.flatten().into_iter().map(|s| cx.floats(s));
    let states = states.collect::<Result<Vec<_>>>()?;
    if states.len() != C::STATES {
        return Err(Error::mismatch(
            ErrorKind::Structure,
            format!("{} initial states", C::STATES),
            states.len().to_string(),
        )
        .hint("Give all the states that a call with `return_state` returns"));
    }
    for state in &states {
        if !state.shape().compatible(&expected) {
            return Err(Error::mismatch(
                ErrorKind::Shape,
                format!("initial states of shape {expected}"),
                format!("shape {}", state.shape()),
            )
            .hint("A state has as many features as the layer has units"));
        }
    }
    Ok(states)
}

pub(super) fn call<C: Cell>(cell: &C, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
    let common = cell.common();
    let x = inputs.get(0, "sequence").and_then(|s| s.single());
    let x = match x {
        Some(x) => x,
        None => inputs.one()?,
    };
    let x = &cx.floats(x)?;
    let states = initial_states(cell, cx, inputs, x)?;
    let (weights, projected) = project(cell, cx, x)?;
    let mask = masks::of_steps(inputs);
    let mask = mask.map(|m| time_major_mask(&m, x)).transpose()?;
    let repeats = common.zero_before_first && !common.zero_output_for_mask;
    let starts_anew = !masks::has_initial_state(inputs) && !common.stateful;
    let run = match (&mask, common.unroll) {
        (_, true) => unrolled,
        (Some(_), false) if repeats && !starts_anew => repeating,
        _ => looped,
    };
    let (outputs, last, mut states) = run(cell, &weights, &projected, mask.as_ref(), states)?;
    if common.stateful {
        for (i, state) in states.iter().enumerate() {
            cx.assign(&format!("state_{i}"), state)?;
        }
    }
    if !common.return_state {
        states.clear();
    }
    let output = match outputs {
        Some(outputs) => {
            let ordered = if common.go_backwards {
                reverse(&outputs, 0)?
            } else {
                outputs
            };
            prim::transpose(&ordered, &[1, 0, 2])?
        }
        None => last,
    };
    Ok(RnnOutput {
        output,
        state: states,
    })
}

/// One product for the inputs of all steps: `(time, batch, gates · units)`, the bias added.
fn project<C: Cell>(cell: &C, cx: &Call, x: &Tensor) -> Result<(Weights, Tensor)> {
    let common = cell.common();
    let weight = |name: &str| cx.weight(&format!("{}/{name}", C::PATH));
    let kernel = weight("kernel")?;
    let bias = match common.use_bias {
        true => Some(weight("bias")?),
        false => None,
    };
    // As Keras: each gate has a dropout of its own only where the state is dropped too.
    let gates = if common.recurrent_dropout > 0.0 {
        C::GATES
    } else {
        1
    };
    let (batch, features) = (x.shape().dim(0), kernel.dim(0).unwrap_or(0));
    let input_masks = dropout_masks(cx, common.dropout, batch, features, gates)?;
    let steps = prim::transpose(x, &[1, 0, 2])?;
    let mut projected = match input_masks.as_slice() {
        [one] => ops::matmul(&(&steps * one), &kernel),
        masks => product(&steps, &kernel, masks, 0..C::GATES, common.units)?,
    };
    if let Some(bias) = &bias {
        projected = projected + cell.input_bias(bias)?;
    }
    let weights = Weights {
        recurrent_kernel: weight("recurrent_kernel")?,
        bias,
        recurrent_masks: dropout_masks(
            cx,
            common.recurrent_dropout,
            batch,
            common.units,
            C::GATES,
        )?,
        units: common.units,
    };
    Ok((weights, projected.checked()?))
}

/// The mask of a sequence, `(batch, time)` or `(batch, time, 1)`, as `(time, batch, 1)`.
fn time_major_mask(mask: &Tensor, x: &Tensor) -> Result<Tensor> {
    let flat = match mask.rank() {
        3 => prim::reshape(mask, &mask.shape().dims()[..2])?,
        _ => mask.clone(),
    };
    let expected = Shape::from(&x.shape().dims()[..2]);
    let common = prim::broadcast_shapes(&flat.shape(), &expected);
    if !common.is_ok_and(|common| common.compatible(&expected)) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("a mask of shape {expected}, one value for each step"),
            format!("shape {}", mask.shape()),
        )
        .hint("Make the mask from the same sequence"));
    }
    let flat = prim::broadcast_to(&flat, &expected)?;
    let steps = prim::transpose(&prim::convert(&flat, DType::Bool)?, &[1, 0])?;
    let mut shape = steps.shape();
    shape.dims_mut().push(Some(1));
    prim::reshape(&steps, shape)
}

/// Every step's outputs (if they are wanted), the last step's output, the last states.
type Ran = (Option<Tensor>, Tensor, Vec<Tensor>);

/// The steps as a loop.
fn looped<C: Cell>(
    cell: &C,
    weights: &Weights,
    projected: &Tensor,
    mask: Option<&Tensor>,
    states: Vec<Tensor>,
) -> Result<Ran> {
    let common = cell.common();
    let zeroed = common.zero_output_for_mask && mask.is_some();
    let stacks = common.return_sequences || zeroed;
    let sequences: Vec<Tensor> = std::iter::once(projected).chain(mask).cloned().collect();
    let options = ScanOptions {
        reverse: common.go_backwards,
        length: None,
    };
    let (states, stacked) = ops::scan(&states, &sequences, options, |states, step| {
        let next = masked_step(cell, weights, &step[0], step.get(1), states)?;
        let output = match (zeroed, step.get(1)) {
            (true, Some(mask)) => {
                prim::select(mask, &next[0], &prim::constant_like(&next[0], 0.0)?)?
            }
            _ => next[0].clone(),
        };
        Ok((next, if stacks { vec![output] } else { vec![] }))
    })?;
    let stacked = stacked.into_iter().next();
    let last = match &stacked {
        Some(outputs) if zeroed => step_of(outputs, last_step(outputs, common.go_backwards))?,
        _ => states[0].clone(),
    };
    Ok((stacked.filter(|_| common.return_sequences), last, states))
}

/// The steps as a loop in which a masked step repeats the output before, which is zero at the start.
fn repeating<C: Cell>(
    cell: &C,
    weights: &Weights,
    projected: &Tensor,
    mask: Option<&Tensor>,
    mut carried: Vec<Tensor>,
) -> Result<Ran> {
    let common = cell.common();
    carried.push(prim::full(
        projected,
        &carried[0].shape(),
        projected.dtype(),
        0.0,
    )?);
    let sequences: Vec<Tensor> = std::iter::once(projected).chain(mask).cloned().collect();
    let options = ScanOptions {
        reverse: common.go_backwards,
        length: None,
    };
    let (mut states, stacked) = ops::scan(&carried, &sequences, options, |carried, step| {
        let (states, before) = carried.split_at(C::STATES);
        let mut next = masked_step(cell, weights, &step[0], step.get(1), states)?;
        let output = match step.get(1) {
            Some(mask) => prim::select(mask, &next[0], &before[0])?,
            None => next[0].clone(),
        };
        next.push(output.clone());
        let stacks = common.return_sequences;
        Ok((next, if stacks { vec![output] } else { vec![] }))
    })?;
    let last = states.swap_remove(C::STATES);
    Ok((stacked.into_iter().next(), last, states))
}

/// One step; where the mask is false the states stay what they are.
fn masked_step<C: Cell>(
    cell: &C,
    weights: &Weights,
    projected: &Tensor,
    mask: Option<&Tensor>,
    states: &[Tensor],
) -> Result<Vec<Tensor>> {
    let next = cell.step(weights, projected, states)?;
    next.iter().try_for_each(Tensor::check)?;
    let Some(mask) = mask else { return Ok(next) };
    let kept = next.iter().zip(states);
    kept.map(|(new, old)| prim::select(mask, new, old))
        .collect()
}

/// The position of the step that is made last.
fn last_step(outputs: &Tensor, backwards: bool) -> usize {
    match (backwards, outputs.shape().dim(0)) {
        (false, Some(n)) => n.saturating_sub(1),
        _ => 0,
    }
}

/// Element `i` along the first axis, that axis dropped.
fn step_of(steps: &Tensor, i: usize) -> Result<Tensor> {
    let one = slice(steps, 0, i, i + 1)?;
    prim::reshape(&one, &steps.shape().dims()[1..])
}

/// The steps one by one. As in Keras a masked step repeats the output before, which is zero at the start.
fn unrolled<C: Cell>(
    cell: &C,
    weights: &Weights,
    projected: &Tensor,
    mask: Option<&Tensor>,
    mut states: Vec<Tensor>,
) -> Result<Ran> {
    let common = cell.common();
    let length = projected.shape().dim(0).ok_or_else(|| {
        Error::mismatch(
            ErrorKind::Shape,
            "a sequence of known length to unroll",
            "length None",
        )
    })?;
    sizes::check_steps(length)?;
    let zero = prim::full(projected, &states[0].shape(), projected.dtype(), 0.0)?;
    let mut outputs: Vec<Tensor> = Vec::with_capacity(length);
    for t in 0..length {
        let t = if common.go_backwards {
            length - 1 - t
        } else {
            t
        };
        let mask = mask.map(|m| step_of(m, t)).transpose()?;
        let next = cell.step(weights, &step_of(projected, t)?, &states)?;
        next.iter().try_for_each(Tensor::check)?;
        let Some(mask) = mask else {
            outputs.push(next[0].clone());
            states = next;
            continue;
        };
        let before = match outputs.last() {
            Some(output) if !common.zero_output_for_mask => output,
            _ => &zero,
        };
        outputs.push(prim::select(&mask, &next[0], before)?);
        let kept = next.iter().zip(&states);
        states = kept
            .map(|(new, old)| prim::select(&mask, new, old))
            .collect::<Result<_>>()?;
    }
    let last = outputs.last().unwrap_or(&zero).clone();
    if !common.return_sequences {
        return Ok((None, last, states));
    }
    if common.go_backwards {
        outputs.reverse();
    }
    let mut step_shape = zero.shape();
    step_shape.dims_mut().insert(0, Some(1));
    let steps = outputs.iter().map(|o| prim::reshape(o, step_shape.clone()));
    let steps = steps.collect::<Result<Vec<_>>>()?;
    let stacked = Trace::apply(Op::Concatenate(0), &steps.iter().collect::<Vec<_>>())?;
    Ok((Some(stacked), last, states))
}
