//! From a model to programs: predicting, evaluating, one step of fitting.

use refrain_graph::grad::gradients;
use refrain_graph::{DType, Spec};

use super::cache::{Mode, StepProgram};
use super::compiled::{Compiled, OutputLoss};
use super::engine::Program;
use super::feed::BatchSpecs;
use super::labels::Labels;
use super::tracker::Tracker;
use crate::error::{Error, ErrorKind, Result};
use crate::inputs::Inputs;
use crate::layers::core::absent;
use crate::losses::Targets;
use crate::models::Model;
use crate::ops::{prim, sum_all};
use crate::tensor::Tensor;
use crate::trace::Trace;
use crate::variable::Variable;

/// The program that computes a model's outputs.
pub(crate) fn predict_step(model: &Model, specs: &BatchSpecs) -> Result<StepProgram> {
    let trace = Trace::new(false);
    declare(&trace, model_variables(model));
    let outputs = model_outputs(model, &trace, &specs.x)?;
    for output in &outputs {
        let value = output.expect_traced()?.value;
        trace.with_graph(|g| g.result(value));
    }
    finish(&trace, Vec::new())
}

/// The program of one step of fitting or evaluating.
pub(crate) fn loss_step(
    model: &Model,
    compiled: &Compiled,
    mode: Mode,
    specs: &BatchSpecs,
) -> Result<StepProgram> {
    let training = mode == Mode::Train;
    let trackers = if training {
        &compiled.train
    } else {
        &compiled.test
    };
    let trace = Trace::new(training);
    let weights = model.trainable_weights();
    let mut all = model_variables(model);
    all.extend(trackers.iter().flat_map(|t| t.state.iter().cloned()));
    if training {
        let mut state = compiled.state();
        state.build(&weights)?;
        all.extend(state.variables());
    }
    declare(&trace, all);
    let outputs = model_outputs(model, &trace, &specs.x)?;
    let batch = Batch::new(&trace, specs, model, outputs);
    let (total, each) = total_loss(&trace, compiled, &batch, &weights)?;
    let value = total.expect_traced()?.value;
    trace.with_graph(|g| g.result(value));
    scoped(&trace, "metrics", "the metrics", || {
        track(&trace, compiled, trackers, &batch, &total, &each)
    })?;
    if training {
        scoped(&trace, "optimizer", "the optimizer's step", || {
            optimize(&trace, compiled, &weights, &total)
        })?;
    }
    finish(&trace, labels(compiled, &batch))
}

/// The step whose program has been traced.
pub(super) fn finish(trace: &Trace, labels: Vec<Labels>) -> Result<StepProgram> {
    let mut traced = trace.finish();
    Ok(StepProgram {
        indices: std::mem::take(&mut traced.indices),
        program: Program::new(traced)?,
        labels,
    })
}

/// The variables of all layers.
pub(super) fn model_variables(model: &Model) -> Vec<Variable> {
    let mut variables = model.weights();
    model
        .any()
        .visit_layers(&mut |layer| variables.extend(layer.seed()));
    variables
}

/// Makes the parameters of variables in the order of their identity: programs that run at the same time lock them in one
/// order.
pub(super) fn declare(trace: &Trace, mut variables: Vec<Variable>) {
    variables.sort_by_key(Variable::id);
    variables.iter().for_each(|v| {
        trace.variable_param(v);
    });
}

fn scoped<T>(trace: &Trace, name: &str, label: &str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    let outer = trace.enter(name, label);
    let result = f();
    trace.leave(outer);
    result
}

pub(super) fn model_outputs(
    model: &Model,
    trace: &Trace,
    specs: &[Option<Spec>],
) -> Result<Vec<Tensor>> {
    let names = &*model.functional().input_names;
    let inputs = names.iter().zip(specs).map(|(name, spec)| match spec {
        Some(spec) => trace.input(name, spec.clone()),
        None => absent(name),
    });
    let inputs = model.functional().inputs.with_leaves(inputs);
    let inputs =
        inputs.ok_or_else(|| Error::new(ErrorKind::Internal, "fewer arrays than inputs"))?;
    let layer = model.any();
    let outputs = layer
        .lower_as(trace, &Inputs::new(inputs), None)
        .map_err(|e| e.in_layer(layer.get_name(), layer.class_name()))?;
    Ok(outputs.into_leaves())
}

fn output_layers(model: &Model) -> Vec<(String, String)> {
    let outputs = model.outputs();
    let layers = outputs
        .iter()
        .filter_map(|t| Some(&t.as_symbolic()?.node.layer));
    layers
        .map(|l| (l.get_name().to_owned(), l.class_name().to_owned()))
        .collect()
}

/// The traced tensors of a batch.
pub(super) struct Batch {
    size: usize,
    /// Names and classes of the layers behind the outputs.
    layers: Vec<(String, String)>,
    outputs: Vec<Tensor>,
    targets: Vec<Option<Tensor>>,
    weights: Vec<Option<Tensor>>,
}

impl Batch {
    pub(super) fn new(
        trace: &Trace,
        specs: &BatchSpecs,
        model: &Model,
        outputs: Vec<Tensor>,
    ) -> Self {
        let input = |name: &'static str| {
            move |(i, spec): (usize, &Option<Spec>)| {
                let spec = spec.clone()?;
                Some(trace.input(&format!("{name}_{i}"), spec))
            }
        };
        let targets = specs.y.iter().enumerate().map(input("y")).collect();
        let weights = specs
            .w
            .iter()
            .enumerate()
            .map(input("sample_weight"))
            .collect();
        Batch {
            size: specs.batch(),
            layers: output_layers(model),
            outputs,
            targets,
            weights,
        }
    }

    fn target(&self, output: usize, what: &str) -> Result<&Tensor> {
        self.targets
            .get(output)
            .and_then(Option::as_ref)
            .ok_or_else(|| {
                let expected = format!("targets for output {output}, which has {what}");
                self.locate(
                    output,
                    Error::mismatch(ErrorKind::Structure, expected, "none"),
                )
            })
    }

    /// The error, with the layer behind the output.
    fn locate(&self, output: usize, error: Error) -> Error {
        match self.layers.get(output) {
            Some((name, class)) => error.in_layer(name, class),
            None => error,
        }
    }

    /// One array of weights counts for all outputs.
    fn weight(&self, output: usize) -> Option<&Tensor> {
        let index = if self.weights.len() == 1 { 0 } else { output };
        self.weights.get(index)?.as_ref()
    }
}

/// The loss that is minimised, and the unweighted losses of the outputs.
pub(super) fn total_loss(
    trace: &Trace,
    compiled: &Compiled,
    batch: &Batch,
    weights: &[Variable],
) -> Result<(Tensor, Vec<Tensor>)> {
    let (mut parts, mut each) = (Vec::new(), Vec::new());
    for loss in &compiled.losses {
        let label = format!(
            "loss `{}` of output `{}`",
            loss.loss.name(),
            loss.output_name
        );
        let value = scoped(trace, "loss", &label, || output_loss(loss, batch))?;
        parts.push(loss.weight.map_or_else(|| value.clone(), |w| &value * w));
        each.push(value);
    }
    parts.extend(trace.losses());
    for weight in weights {
        if let Some(regularizer) = weight.regularizer() {
            let label = format!("regularizer of `{}`", weight.path());
            parts.push(scoped(trace, "regularizer", &label, || {
                Ok(regularizer.penalty(&trace.variable(weight)?))
            })?);
        }
    }
    let total = parts.into_iter().reduce(|a, b| a + b).ok_or_else(|| {
        Error::new(ErrorKind::State, "there is no loss to compute")
            .hint("Give `compile` a loss for at least one output")
    })?;
    total.check()?;
    Ok((total, each))
}

fn output_loss(loss: &OutputLoss, batch: &Batch) -> Result<Tensor> {
    let prediction = &batch.outputs[loss.output];
    let target = batch.target(loss.output, "a loss")?;
    let weight = batch.weight(loss.output);
    loss.loss
        .reduced(target, prediction, weight)
        .map(|value| sum_all(&value))
        .map_err(|e| batch.locate(loss.output, e))
}

/// Adds the batch to the running means and other metrics.
fn track(
    trace: &Trace,
    compiled: &Compiled,
    trackers: &[Tracker],
    batch: &Batch,
    total: &Tensor,
    each: &[Tensor],
) -> Result<()> {
    let size = batch.size as f64;
    let (outputs, metrics) = trackers.split_at(trackers.len() - compiled.metrics.len());
    let losses = std::iter::once(total).chain(each);
    for (tracker, loss) in outputs.iter().zip(losses) {
        let sum = prim::convert(&(loss * size), DType::F32)?;
        let count = prim::constant_like(&sum, size)?;
        tracker.add(trace, [&sum, &count])?;
    }
    for (tracker, metric) in metrics.iter().zip(&compiled.metrics) {
        let prediction = &batch.outputs[metric.output];
        let target = batch.target(metric.output, "a metric")?;
        let weight = batch.weight(metric.output).filter(|_| metric.weighted);
        let state = tracker.current(trace)?;
        let next = metric.metric.update(&state, target, prediction, weight);
        next.and_then(|next| tracker.assign(trace, next))
            .map_err(|e| batch.locate(metric.output, e))?;
    }
    Ok(())
}

fn optimize(
    trace: &Trace,
    compiled: &Compiled,
    weights: &[Variable],
    total: &Tensor,
) -> Result<()> {
    let state = compiled.state();
    let scale = compiled.optimizer.options().loss_scale_factor;
    let scaled = scale.map_or_else(|| total.clone(), |s| total * s);
    let loss = scaled.expect_traced()?.value;
    let params: Vec<_> = weights.iter().map(|w| trace.variable_param(w)).collect();
    let gradients = trace.with_graph(|g| gradients(g, loss, &params))?;
    let gradients: Vec<Tensor> = gradients.into_iter().map(|g| trace.wrap(g)).collect();
    // What calls make of trained weights is gone after the step, as in Keras on JAX.
    trace.forget_assigned(weights);
    compiled.optimizer.apply(trace, &state, weights, &gradients)
}

/// What the losses want of their targets. Predictions that carry a mask may have anything as targets of masked steps.
pub(super) fn labels(compiled: &Compiled, batch: &Batch) -> Vec<Labels> {
    let found = compiled.losses.iter().filter_map(|loss| {
        let prediction = &batch.outputs[loss.output];
        let targets = loss.loss.targets();
        let probable = match targets {
            Targets::Quantities | Targets::Labels => return None,
            Targets::Classes { .. } => false,
            Targets::Probabilities | Targets::Distributions { .. } => true,
        };
        if probable && prediction.mask().is_some() {
            return None;
        }
        Some(Labels {
            output: loss.output,
            name: loss.output_name.clone(),
            loss: loss.loss.class_name(),
            targets,
            rank: prediction.rank(),
            classes: targets.classes(prediction),
        })
    });
    found.collect()
}
