//! The search for the operation that made a loss or a weight NaN.
//!
//! After each step only its loss is looked at. The variables are copied, and looked at, every few steps; the batches since
//! then are kept. A number that is not finite lets these steps run again from the copy, one by one, until it appears.

use std::sync::Arc;

use refrain_graph::{Literal, Node, ParamKind, interp};

use super::cache::StepProgram;
use super::engine::{Buffers, Program, scalar};
use super::tracker::Tracker;
use crate::error::{Error, ErrorKind, Result};
use crate::variable::Variable;

/// Steps after which the variables are copied anew.
const MOST_STEPS: usize = 16;

/// Watches the steps of a training.
#[derive(Default)]
pub(crate) struct Watch {
    before: Snapshot,
    /// The steps since then.
    steps: Vec<Recorded>,
    /// The number of the variables' values after the last of them.
    version: Option<u64>,
}

/// A step that has run.
struct Recorded {
    step: Arc<StepProgram>,
    inputs: Vec<Literal>,
    /// Its epoch, and its number in the epoch.
    number: (usize, usize),
}

impl Watch {
    /// Keeps what it takes to repeat a step that is about to run.
    pub(crate) fn begin(
        &mut self,
        step: &Arc<StepProgram>,
        inputs: &[Literal],
        number: (usize, usize),
        trackers: &[Tracker],
    ) -> Result<()> {
        let program = &step.program;
        if self.is_full(inputs) || self.version != version(program) || !self.before.is_of(program) {
            self.verify(trackers)?;
            self.before.take(program)?;
            self.steps.clear();
        }
        self.steps.push(Recorded {
            step: step.clone(),
            inputs: inputs.to_vec(),
            number,
        });
        Ok(())
    }

    /// Looks at the loss of the step that has run.
    pub(crate) fn end(&mut self, buffers: &mut Buffers, trackers: &[Tracker]) -> Result<()> {
        let loss = loss(buffers)?;
        match self.steps.last() {
            Some(_) if !loss.is_finite() => Err(self.diagnose(trackers)),
            Some(last) => {
                self.version = version(&last.step.program);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Looks at the variables.
    pub(crate) fn verify(&mut self, trackers: &[Tracker]) -> Result<()> {
        match are_sound(self.before.0.iter().map(|(v, _)| v), trackers)? {
            true => Ok(()),
            false => Err(self.diagnose(trackers)),
        }
    }

    /// Whether another batch would take more memory than the copy of the variables, or more steps than are repeated.
    fn is_full(&self, next: &[Literal]) -> bool {
        let kept = self.steps.iter().flat_map(|recorded| &recorded.inputs);
        let kept: usize = kept.chain(next).map(Literal::numel).sum();
        let copied: usize = self.before.0.iter().map(|(_, v)| v.numel()).sum();
        self.steps.len() >= MOST_STEPS || kept > copied
    }

    /// Repeats the steps until one makes a number that is not finite, undoes it, and says where that came from.
    fn diagnose(&mut self, trackers: &[Tracker]) -> Error {
        self.before.restore();
        for recorded in self.steps.drain(..) {
            match recorded.repeat(trackers) {
                Ok(()) => {}
                Err(e) => return e,
            }
        }
        let message = "a weight became NaN or infinite between two steps: a callback has set it";
        Error::new(ErrorKind::NonFinite, message)
    }
}

impl Recorded {
    fn repeat(&self, trackers: &[Tracker]) -> Result<()> {
        let program = &self.step.program;
        let mut before = Snapshot::default();
        before.take(program)?;
        let mut buffers = program.buffers()?;
        buffers.inputs.clone_from(&self.inputs);
        program.run(&mut buffers)?;
        let loss = loss(&mut buffers)?;
        if loss.is_finite() && are_sound(program.variables(), trackers)? {
            program.give_back(buffers);
            return Ok(());
        }
        before.restore();
        let hint = "The weights are those from before the step. ";
        Err(self.explain("step", &before, loss, trackers, hint))
    }

    fn explain(
        &self,
        kind: &str,
        before: &Snapshot,
        loss: f64,
        trackers: &[Tracker],
        hint: &str,
    ) -> Error {
        let what = match loss {
            loss if loss.is_nan() => "the loss became NaN",
            loss if loss.is_infinite() => "the loss became infinite",
            _ => "a weight became NaN or infinite",
        };
        let origin = self.origin(before, trackers);
        let (epoch, step) = self.number;
        let message = format!("epoch {}, {kind} {}: {what}; {origin}", epoch + 1, step + 1);
        Error::new(ErrorKind::NonFinite, message).hint(format!("{hint}{}", origin.cure()))
    }

    fn origin(&self, before: &Snapshot, trackers: &[Tracker]) -> Origin {
        let graph = self.step.program.graph();
        let inputs = graph
            .params()
            .filter(|(_, kind, _)| *kind == ParamKind::Input);
        let mut inputs = inputs.zip(&self.inputs);
        if let Some(((_, _, name), _)) = inputs.find(|(_, value)| !finite(value)) {
            return Origin::Input(name.to_owned());
        }
        let mut variables = before.0.iter();
        let bad = variables.find(|(v, value)| !finite(value) && !counts(v, trackers));
        if let Some((variable, _)) = bad {
            return Origin::Weight(variable.path().to_owned());
        }
        let variables: Vec<Literal> = before.0.iter().map(|(_, value)| value.clone()).collect();
        let node = interp::first_non_finite(graph, &self.inputs, &variables);
        match node.ok().flatten() {
            Some(node) => self.operation(node),
            None => Origin::Unknown,
        }
    }

    fn operation(&self, node: Node) -> Origin {
        let graph = self.step.program.graph();
        let scope = graph.scope(node).map(|s| graph.scope_label(s).to_owned());
        Origin::Operation {
            name: graph.op(node).name(),
            place: scope.unwrap_or_else(|| "no layer".to_owned()),
        }
    }
}

/// Where the first number came from that is not finite.
enum Origin {
    Input(String),
    Weight(String),
    Operation { name: &'static str, place: String },
    Unknown,
}

impl Origin {
    fn cure(&self) -> &'static str {
        match self {
            Origin::Input(_) => "Remove such numbers from the data",
            Origin::Weight(_) => "Begin with other weights",
            _ => "Try a smaller learning rate, or `clipnorm`",
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Input(name) => write!(f, "input `{name}` already holds such a number"),
            Origin::Weight(path) => write!(f, "weight `{path}` already held such a number"),
            Origin::Operation { name, place } => write!(
                f,
                "the first operation to make such a number is `{name}` in {place}"
            ),
            Origin::Unknown => f.write_str("no single operation of the step made it"),
        }
    }
}

/// Variables of a program and their values at some time.
#[derive(Default)]
struct Snapshot(Vec<(Variable, Literal)>);

impl Snapshot {
    fn is_of(&self, program: &Program) -> bool {
        self.0.iter().map(|(v, _)| v).eq(program.variables())
    }

    /// Copies the values, into the memory of the last time if there was one.
    fn take(&mut self, program: &Program) -> Result<()> {
        if !self.is_of(program) {
            let all = program.variables().iter();
            let all = all.map(|v| Ok((v.clone(), v.value()?)));
            self.0 = all.collect::<Result<_>>()?;
            return Ok(());
        }
        for (variable, value) in &mut self.0 {
            variable.with_value(|now| match (value.values_mut(), now.values::<f32>()) {
                (Some(to), Some(from)) if to.len() == from.len() => to.copy_from_slice(from),
                _ => *value = now.clone(),
            })?;
        }
        Ok(())
    }

    fn restore(&self) {
        for (variable, value) in &self.0 {
            variable.set(value.clone());
        }
    }
}

/// The number of the values of a program's variables.
fn version(program: &Program) -> Option<u64> {
    program.variables().iter().map(Variable::version).max()
}

fn loss(buffers: &mut Buffers) -> Result<f64> {
    Ok(buffers.outputs()?.first().map_or(0.0, scalar))
}

/// Refuses a step of validation that has run and whose loss is not finite.
pub(crate) fn check_validation(
    step: &Arc<StepProgram>,
    buffers: &mut Buffers,
    number: (usize, usize),
    trackers: &[Tracker],
) -> Result<()> {
    let loss = loss(buffers)?;
    if loss.is_finite() {
        return Ok(());
    }
    let recorded = Recorded {
        step: step.clone(),
        inputs: buffers.inputs.clone(),
        number,
    };
    let mut now = Snapshot::default();
    now.take(&step.program)?;
    Err(recorded.explain("validation step", &now, loss, trackers, ""))
}

/// Whether all variables are finite, or only count for a metric.
fn are_sound<'v>(
    variables: impl IntoIterator<Item = &'v Variable>,
    trackers: &[Tracker],
) -> Result<bool> {
    for variable in variables {
        if !counts(variable, trackers) && !variable.with_value(finite)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a variable only counts for a metric.
fn counts(variable: &Variable, trackers: &[Tracker]) -> bool {
    let mut trackers = trackers.iter();
    trackers.any(|t| t.state.contains(variable))
}

/// Numbers looked at together, which takes a fraction of the time that one after another takes.
const BLOCK: usize = 1024;

fn finite(literal: &Literal) -> bool {
    match (literal.dtype(), literal.values::<f32>()) {
        (_, Some(values)) => {
            let block = |block: &[f32]| block.iter().fold(true, |all, x| all & x.is_finite());
            values.chunks(BLOCK).all(block)
        }
        (dtype, None) if dtype.is_float() => literal.to_f64().iter().all(|x| x.is_finite()),
        _ => true,
    }
}
