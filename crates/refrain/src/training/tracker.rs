//! What a log's value is made of: the variables that add up over steps.

use std::sync::{Mutex, PoisonError};

use refrain_graph::Literal;

use super::engine::{Program, scalar};
use super::history::LogValue;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{Direction, Metric, State};
use crate::ops::prim;
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::utils::sizes;
use crate::variable::Variable;

/// A value of logs.
pub(crate) struct Tracker {
    pub(crate) key: String,
    pub(crate) direction: Option<Direction>,
    /// A metric's own variables, or the total and the count of a mean. All are `f32`.
    pub(crate) state: Vec<Variable>,
    /// What makes the value, unless it is a mean.
    result: Option<ResultProgram>,
}

/// The program of a metric's value, made anew where another engine is to run it.
struct ResultProgram {
    metric: Metric,
    program: Mutex<Program>,
}

impl Tracker {
    /// A running mean.
    pub(crate) fn mean(key: &str, direction: Option<Direction>) -> Self {
        let state = ["total", "count"].map(|name| State::new(name, []));
        Tracker {
            key: key.to_owned(),
            direction,
            state: state.iter().map(|state| variable(key, state)).collect(),
            result: None,
        }
    }

    /// A metric with these variables; a mean if there are none.
    ///
    /// # Errors
    /// The metric gives neither a number nor a vector.
    pub(crate) fn of(key: &str, metric: &Metric, state: &[State]) -> Result<Self> {
        let mean = Tracker::mean(key, metric.direction());
        if state.is_empty() {
            return Ok(mean);
        }
        for State { shape, .. } in state {
            sizes::check_memory("a variable of a metric", shape, size_of::<f32>())?;
        }
        let state: Vec<Variable> = state.iter().map(|state| variable(key, state)).collect();
        let program =
            result(metric, &state).map_err(|e| e.in_part(format!("metric `{}`", metric.name())))?;
        Ok(Tracker {
            result: Some(ResultProgram {
                metric: metric.clone(),
                program: Mutex::new(program),
            }),
            state,
            ..mean
        })
    }

    pub(crate) fn reset(&self) {
        let zeros = |v: &Variable| Literal::zeros(v.shape(), v.dtype());
        self.state.iter().for_each(|v| v.set(zeros(v)));
    }

    /// Adds what the variables hold to a list.
    pub(crate) fn save(&self, values: &mut Vec<f32>) -> Result<()> {
        self.state.iter().try_for_each(|variable| {
            variable.with_value(|v| values.extend(v.values::<f32>().unwrap_or_default()))
        })
    }

    /// Takes what the variables held from a list, and leaves the rest.
    pub(crate) fn restore<'v>(&self, mut values: &'v [f32]) -> &'v [f32] {
        for variable in &self.state {
            let (own, rest) = values.split_at(variable.numel().min(values.len()));
            if let Some(value) = Literal::new(variable.shape(), own.to_vec()) {
                variable.set(value);
            }
            values = rest;
        }
        values
    }

    /// The value so far; that of a mean is 0 before anything was counted, as in Keras.
    pub(crate) fn value(&self) -> Result<LogValue> {
        if let Some(ResultProgram { metric, program }) = &self.result {
            let mut program = program.lock().unwrap_or_else(PoisonError::into_inner);
            if !program.is_current() {
                *program = result(metric, &self.state)?;
            }
            let mut buffers = program.buffers()?;
            program.run_shared(&mut buffers)?;
            let value = buffers.outputs()?.first().map(|v| v.to_f64());
            program.give_back(buffers);
            return Ok(LogValue::new(value.unwrap_or_default()));
        }
        let [total, count] = &self.state[..] else {
            return Err(Error::new(
                ErrorKind::Internal,
                "a mean of no total and count",
            ));
        };
        let held = |variable: &Variable| Ok::<_, Error>(variable.with_value(scalar)? as f32);
        Ok(match held(count)? {
            0.0 => 0.0.into(),
            // Keras divides in f32.
            count => f64::from(held(total)? / count).into(),
        })
    }

    /// Adds a batch's part of a mean.
    pub(crate) fn add(&self, trace: &Trace, parts: [&Tensor; 2]) -> Result<()> {
        let next = self.current(trace)?.into_iter().zip(parts);
        self.assign(trace, next.map(|(variable, by)| variable + by).collect())
    }

    /// The variables as a step finds them.
    pub(crate) fn current(&self, trace: &Trace) -> Result<Vec<Tensor>> {
        self.state.iter().map(|v| trace.variable(v)).collect()
    }

    /// Gives the variables new values.
    pub(crate) fn assign(&self, trace: &Trace, next: Vec<Tensor>) -> Result<()> {
        if next.len() != self.state.len() {
            let expected = format!("{} variables after an update", self.state.len());
            let received = next.len().to_string();
            return Err(Error::mismatch(ErrorKind::Structure, expected, received));
        }
        for (variable, next) in self.state.iter().zip(next) {
            let next = prim::convert(&next.checked()?, variable.spec().dtype)?;
            trace.assign(variable, &next)?;
        }
        Ok(())
    }
}

fn variable(key: &str, state: &State) -> Variable {
    let zeros = Literal::zeros(&state.shape[..], refrain_graph::DType::F32);
    Variable::new(&state.name, format!("{key}/{}", state.name), zeros, false)
}

/// The program of a metric's value.
fn result(metric: &Metric, state: &[Variable]) -> Result<Program> {
    let trace = Trace::new(false);
    let mut declared: Vec<&Variable> = state.iter().collect();
    declared.sort_by_key(|v| v.id());
    declared.into_iter().for_each(|v| {
        trace.variable_param(v);
    });
    let held = state.iter().map(|v| trace.variable(v));
    let value = metric.result(&held.collect::<Result<Vec<_>>>()?)?;
    let numbers = value.shape().numel().unwrap_or(0);
    if numbers == 0 || (numbers > 1 && value.rank() > 1) {
        let received = format!("a result of shape {}", value.shape());
        let expected = "a number or a vector for the log";
        return Err(Error::mismatch(ErrorKind::Shape, expected, received));
    }
    let value = value.expect_traced()?.value;
    trace.with_graph(|g| g.result(value));
    Program::new(trace.finish())
}
