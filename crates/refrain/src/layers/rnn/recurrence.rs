//! The loop over the steps of a sequence, for cells with states of any rank: states, masks, and the order of the steps.

use refrain_graph::{DType, Dim, Op, Shape, Spec};

use super::output::RnnOutput;
use super::{ZERO_BEFORE_FIRST, masks};
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::states::{INITIAL, check_states};
use crate::layers::{Build, Call, Properties, Recurrence};
use crate::ops::{self, ScanOptions, prim};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;

/// A layer that makes new states of the steps of a sequence and the states before.
pub(crate) trait Recurrent {
    fn rules(&self) -> Recurrence;

    /// Refuses options that make no sense.
    fn check(&self) -> Result<()>;

    /// Declares the weights and gives the shapes of the states of one sample.
    fn build_cell(&self, cx: &mut Build) -> Result<Vec<Vec<usize>>>;

    /// What is done in each step of a sequence `(batch, time, …)`.
    fn cell<'s>(&'s self, cx: &Call, x: &Tensor) -> Result<Cell<'s>>;

    /// Whether the states that a sequence starts from are other than zero.
    fn has_initial_state(&self, _cx: &Build) -> Result<bool> {
        Ok(false)
    }

    /// The states that a sequence starts from, given as zeros.
    fn initial_state(&self, _cx: &Call, zeros: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(zeros)
    }
}

/// The function of one step: its input and the states give the output and the next states.
type Step<'s> = Box<dyn Fn(&Tensor, &[Tensor]) -> Result<RnnOutput> + 's>;

/// What a loop does in each step.
pub(crate) struct Cell<'s> {
    /// The inputs of all steps, `(time, batch, …)`: what can be computed of them before the first.
    pub(crate) inputs: Tensor,
    /// Shapes and types of the states.
    pub(crate) states: Vec<Spec>,
    /// The state that stands for the output where a step is masked.
    pub(crate) repeated: usize,
    /// Whether the output always is that state, which begins at zero.
    pub(crate) repeats_output: bool,
    pub(crate) step: Step<'s>,
}

impl<'s> Cell<'s> {
    /// A cell whose output is the first of its next states.
    pub(crate) fn of_states(
        inputs: Tensor,
        states: Vec<Spec>,
        step: impl Fn(&Tensor, &[Tensor]) -> Result<Vec<Tensor>> + 's,
    ) -> Self {
        Cell {
            inputs,
            states,
            repeated: 0,
            repeats_output: true,
            step: Box::new(move |x, states| step(x, states).map(RnnOutput::of_states)),
        }
    }
}

/// States of zeros, in the program of a tensor.
pub(super) fn zero_states(like: &Tensor, specs: &[Spec]) -> Result<Vec<Tensor>> {
    let zeros = specs.iter();
    zeros
        .map(|spec| prim::full(like, &spec.shape, spec.dtype, 0.0))
        .collect()
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

/// `(batch, time, …)` as `(time, batch, …)`, and back.
pub(super) fn time_first(x: &Tensor) -> Result<Tensor> {
    let mut axes: Vec<usize> = (0..x.rank()).collect();
    axes.swap(0, 1);
    prim::transpose(x, &axes)
}

/// Factors of a shape for a number of gates, which drop values at a rate; none if nothing is dropped.
pub(super) fn dropout_masks(
    cx: &Call,
    rate: f64,
    shape: &[Dim],
    count: usize,
) -> Result<Vec<Tensor>> {
    if rate == 0.0 || !cx.training() {
        return Ok(Vec::new());
    }
    let keep = 1.0 - rate;
    let mask = || -> Result<Tensor> {
        let uniform = cx.random_uniform(shape)?;
        let kept = ops::cast(&ops::less(&uniform, keep), DType::F32);
        let scale = if keep > 0.0 { 1.0 / keep } else { 0.0 };
        ops::cast(&(kept * scale), cx.layer.dtype()).checked()
    };
    (0..count).map(|_| mask()).collect()
}

pub(super) fn properties(
    rules: Recurrence,
    parts: &'static [(&'static str, &'static str)],
) -> Properties {
    Properties {
        arguments: masks::ARGUMENTS,
        recurrence: Some(rules),
        parts,
        own_options: &[ZERO_BEFORE_FIRST],
        ..Properties::default()
    }
}

pub(super) fn build(layer: &impl Recurrent, cx: &mut Build) -> Result<()> {
    let states = layer.build_cell(cx)?;
    if !layer.rules().stateful {
        return Ok(());
    }
    let batch = cx
        .dim(0)
        .map_err(|e| e.hint("A stateful layer needs `Input::new(...).batch_size(n)`"))?;
    if layer.has_initial_state(cx)? {
        cx.add_state(STARTED, [])?;
    }
    let mut states = states.iter().enumerate();
    states.try_for_each(|(i, shape)| {
        cx.add_state(&format!("state_{i}"), [&[batch], &shape[..]].concat())
    })
}

/// What says whether there has been a batch, in layers whose first states are not zero.
const STARTED: &str = "started";

/// A state that the layer has kept, which is one for each sample of a batch.
fn kept_state(cx: &Call, name: &str, spec: &Spec) -> Result<Tensor> {
    let (state, expected) = (cx.weight(name)?, &spec.shape);
    if state.shape().compatible(expected) {
        return prim::convert(&state, spec.dtype);
    }
    Err(Error::mismatch(
        ErrorKind::Shape,
        format!("states of shape {expected} from the batch before (`stateful`)"),
        format!("states of shape {}", state.shape()),
    )
    .hint("A stateful layer keeps a state for each sample: give it batches of the size that it was made for"))
}

/// The first states: those given, those kept, or the layer's own.
fn first_states(
    layer: &impl Recurrent,
    specs: &[Spec],
    cx: &Call,
    inputs: &Inputs,
    x: &Tensor,
) -> Result<Vec<Tensor>> {
    if let Some(given) = inputs.get(1, "initial_state") {
        let states = given.flatten().into_iter().map(|s| cx.floats(s));
        let states = states.collect::<Result<Vec<_>>>()?;
        check_states(&states, specs, INITIAL)?;
        let states = states.iter().zip(specs);
        return states
            .map(|(s, spec)| prim::convert(s, spec.dtype))
            .collect();
    }
    let kept = specs
        .iter()
        .enumerate()
        .map(|(i, spec)| kept_state(cx, &format!("state_{i}"), spec));
    let started = cx.optional_weight(STARTED)?;
    if layer.rules().stateful && started.is_none() {
        return kept.collect();
    }
    let states = layer.initial_state(cx, zero_states(x, specs)?)?;
    check_states(&states, specs, INITIAL)?;
    let Some(started) = started else {
        return Ok(states);
    };
    let started = prim::convert(&started, DType::Bool)?;
    let kept = kept.zip(&states);
    kept.map(|(kept, state)| prim::select(&started, &kept?, state))
        .collect()
}

pub(super) fn call(layer: &impl Recurrent, cx: &Call, inputs: &Inputs) -> Result<RnnOutput> {
    let x = inputs.get(0, "sequence").and_then(|s| s.single());
    let x = match x {
        Some(x) => x,
        None => inputs.one()?,
    };
    let x = &cx.floats(x)?;
    let (rules, cell) = (layer.rules(), layer.cell(cx, x)?);
    let states = first_states(layer, &cell.states, cx, inputs, x)?;
    let mask = masks::of_steps(inputs);
    let mask = mask.map(|m| time_major_mask(&m, x)).transpose()?;
    let repeats = rules.zero_before_first && !rules.zero_output_for_mask;
    let starts_anew = !masks::has_initial_state(inputs) && !rules.stateful && cell.repeats_output;
    let steps = Steps { rules, cell, mask };
    let run = || match (&steps.mask, rules.unroll) {
        (_, true) => steps.unrolled(states),
        (Some(_), false) if repeats && !starts_anew => steps.repeating(states),
        _ => steps.looped(states),
    };
    let (outputs, last, states) = cx.trace.in_sequence(run)?;
    let states = states.iter().map(|s| prim::convert(s, x.dtype()));
    let mut states = states.collect::<Result<Vec<_>>>()?;
    if rules.stateful {
        for (i, state) in states.iter().enumerate() {
            cx.assign(&format!("state_{i}"), state)?;
        }
        if cx.optional_weight(STARTED)?.is_some() {
            cx.assign(STARTED, &prim::constant_of(x, cx.layer.dtype(), 1.0)?)?;
        }
    }
    if !rules.return_state {
        states.clear();
    }
    let output = match outputs {
        Some(outputs) if rules.go_backwards => time_first(&reverse(&outputs, 0)?)?,
        Some(outputs) => time_first(&outputs)?,
        None => last,
    };
    Ok(RnnOutput {
        output: prim::convert(&output, x.dtype())?,
        state: states,
    })
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

/// `new` where a step's mask `(batch, 1)` holds, else `old`.
fn select(mask: &Tensor, new: &Tensor, old: &Tensor) -> Result<Tensor> {
    let mut shape = mask.shape();
    shape.dims_mut().resize(new.rank().max(2), Some(1));
    match shape.rank() == mask.rank() {
        true => prim::select(mask, new, old),
        false => prim::select(&prim::reshape(mask, shape)?, new, old),
    }
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

/// Tensors side by side along a new first axis.
fn stacked(steps: &[Tensor]) -> Result<Tensor> {
    let widened = steps.iter().map(|step| {
        let mut shape = step.shape();
        shape.dims_mut().insert(0, Some(1));
        prim::reshape(step, shape)
    });
    let widened = widened.collect::<Result<Vec<_>>>()?;
    Trace::apply(Op::Concatenate(0), &widened.iter().collect::<Vec<_>>())
}

/// Every step's outputs (if they are wanted), the last step's output, the last states.
type Ran = (Option<Tensor>, Tensor, Vec<Tensor>);

/// What the output of a masked step is.
enum Otherwise<'o> {
    /// The state that stands for it.
    State,
    /// This one.
    Output(&'o Tensor),
    Zero,
}

/// The state that stands for a masked output, which must have its shape.
fn repeatable<'t>(state: &'t Tensor, output: &Tensor) -> Result<&'t Tensor> {
    if state.shape().compatible(&output.shape()) && state.dtype() == output.dtype() {
        return Ok(state);
    }
    let expected = format!("an output like the cell's first state, {}", state.spec());
    let error = Error::mismatch(ErrorKind::Shape, expected, output.spec().to_string());
    Err(error.hint("Masked steps repeat that state: set `zero_output_for_mask` or `unroll`, or leave the mask out"))
}

/// The steps of a call.
struct Steps<'s> {
    rules: Recurrence,
    cell: Cell<'s>,
    /// `(time, batch, 1)`.
    mask: Option<Tensor>,
}

impl Steps<'_> {
    /// The sequences that a loop reads.
    fn sequences(&self) -> Vec<Tensor> {
        let inputs = std::iter::once(&self.cell.inputs);
        inputs.chain(&self.mask).cloned().collect()
    }

    fn options(&self) -> ScanOptions {
        ScanOptions {
            reverse: self.rules.go_backwards,
            length: None,
        }
    }

    fn next(&self, input: &Tensor, states: &[Tensor]) -> Result<RnnOutput> {
        let (specs, next) = (&self.cell.states, (self.cell.step)(input, states)?);
        next.output.check()?;
        check_states(&next.state, specs, "next states")?;
        let state = next.state.iter().zip(specs);
        let state = state.map(|(s, spec)| prim::convert(s, spec.dtype));
        Ok(RnnOutput {
            output: next.output,
            state: state.collect::<Result<_>>()?,
        })
    }

    /// One step. Where the mask is false the states stay what they are, and the output is another.
    fn masked(
        &self,
        input: &Tensor,
        mask: Option<&Tensor>,
        states: &[Tensor],
        otherwise: Otherwise,
    ) -> Result<RnnOutput> {
        let RnnOutput { output, state } = self.next(input, states)?;
        let Some(mask) = mask else {
            return Ok(RnnOutput { output, state });
        };
        let kept = state.iter().zip(states);
        let kept = kept.map(|(new, old)| select(mask, new, old));
        let kept = kept.collect::<Result<Vec<_>>>()?;
        let repeated = self.cell.repeated;
        let output = match otherwise {
            Otherwise::State if output.is_same(&state[repeated]) => kept[repeated].clone(),
            Otherwise::State => select(mask, &output, repeatable(&states[repeated], &output)?)?,
            Otherwise::Output(before) => select(mask, &output, before)?,
            Otherwise::Zero => select(mask, &output, &prim::constant_like(&output, 0.0)?)?,
        };
        Ok(RnnOutput {
            output,
            state: kept,
        })
    }

    /// The steps as a loop. An output that is no state is stacked even if the last alone is wanted.
    fn looped(&self, states: Vec<Tensor>) -> Result<Ran> {
        let mut carried = None;
        let body = |states: &[Tensor], step: &[Tensor]| {
            let otherwise = match self.rules.zero_output_for_mask {
                true => Otherwise::Zero,
                false => Otherwise::State,
            };
            let next = self.masked(&step[0], step.get(1), states, otherwise)?;
            carried = next.state.iter().position(|s| s.is_same(&next.output));
            let stacks = self.rules.return_sequences || carried.is_none();
            Ok((next.state, Vec::from_iter(stacks.then_some(next.output))))
        };
        let (states, stacked) = ops::scan(&states, &self.sequences(), self.options(), body)?;
        let stacked = stacked.into_iter().next();
        let last = match (carried, &stacked) {
            (None, Some(outputs)) => step_of(outputs, last_step(outputs, self.rules.go_backwards))?,
            (carried, _) => states[carried.unwrap_or(0)].clone(),
        };
        let outputs = stacked.filter(|_| self.rules.return_sequences);
        Ok((outputs, last, states))
    }

    /// The steps as a loop in which a masked step repeats the output before, which is zero at the start.
    fn repeating(&self, mut carried: Vec<Tensor>) -> Result<Ran> {
        let (inputs, count) = (&self.cell.inputs, carried.len());
        let like = match self.cell.repeats_output {
            true => carried[self.cell.repeated].clone(),
            false => self.next(&step_of(inputs, 0)?, &carried)?.output,
        };
        carried.push(prim::full(inputs, &like.shape(), like.dtype(), 0.0)?);
        let body = |carried: &[Tensor], step: &[Tensor]| {
            let (states, before) = carried.split_at(count);
            let otherwise = Otherwise::Output(&before[0]);
            let mut next = self.masked(&step[0], step.get(1), states, otherwise)?;
            next.state.push(next.output.clone());
            let stacks = self.rules.return_sequences;
            Ok((next.state, Vec::from_iter(stacks.then_some(next.output))))
        };
        let (mut states, stacked) = ops::scan(&carried, &self.sequences(), self.options(), body)?;
        let last = states.swap_remove(count);
        Ok((stacked.into_iter().next(), last, states))
    }

    /// The positions of the steps in the order in which they are made.
    fn order(&self) -> Result<Vec<usize>> {
        let length = self.cell.inputs.shape().dim(0).ok_or_else(|| {
            Error::mismatch(
                ErrorKind::Shape,
                "a sequence of known length to unroll",
                "length None",
            )
        })?;
        sizes::check_steps(length)?;
        Ok(match self.rules.go_backwards {
            true => (0..length).rev().collect(),
            false => (0..length).collect(),
        })
    }

    /// The steps one by one. As in Keras a masked step repeats the output before, which is zero at the start.
    fn unrolled(&self, mut states: Vec<Tensor>) -> Result<Ran> {
        let (order, inputs) = (self.order()?, &self.cell.inputs);
        let mut outputs: Vec<Tensor> = Vec::with_capacity(order.len());
        for t in order {
            let mask = self.mask.as_ref().map(|m| step_of(m, t)).transpose()?;
            // Of the steps written out, Keras 3 on JAX repeats the output whether zeros are wanted or not.
            let zeroed = self.rules.zero_output_for_mask && self.rules.zero_before_first;
            let otherwise = match outputs.last() {
                Some(output) if !zeroed => Otherwise::Output(output),
                _ => Otherwise::Zero,
            };
            let next = self.masked(&step_of(inputs, t)?, mask.as_ref(), &states, otherwise)?;
            outputs.push(next.output);
            states = next.state;
        }
        let last = match outputs.last() {
            Some(output) => output.clone(),
            None => ops::zeros_like(&states[self.cell.repeated], None).checked()?,
        };
        if !self.rules.return_sequences {
            return Ok((None, last, states));
        }
        if self.rules.go_backwards {
            outputs.reverse();
        }
        Ok((Some(stacked(&outputs)?), last, states))
    }
}
