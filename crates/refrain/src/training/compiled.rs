//! What `compile` records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cache::Cache;
use super::test_means::SharedMeans;
use super::tracker::Tracker;
use crate::error::{Error, ErrorKind, Result};
use crate::losses::{Loss, Losses};
use crate::metrics::{Direction, Metric, Metrics, State};
use crate::models::Model;
use crate::optimizers::{Optimizer, OptimizerState};
use crate::structure::Structure;

/// Optimizer, losses and metrics of a model, with their variables.
pub(crate) struct Compiled {
    pub(crate) optimizer: Optimizer,
    pub(crate) state: Mutex<OptimizerState>,
    pub(crate) losses: Vec<OutputLoss>,
    pub(crate) metrics: Vec<OutputMetric>,
    /// The configuration of a file that it was read from.
    pub(crate) source: Option<serde_json::Value>,
    /// Running means of fitting and of evaluating: the loss, each output's loss if there are several, the metrics.
    pub(crate) train: Vec<Tracker>,
    pub(crate) test: Vec<Tracker>,
    pub(crate) programs: Mutex<Cache>,
    /// Held while the model is being fitted.
    pub(crate) fitting: Mutex<()>,
    pub(crate) test_means: SharedMeans,
}

/// The loss of one output.
#[derive(Clone)]
pub(crate) struct OutputLoss {
    pub(crate) output: usize,
    pub(crate) output_name: String,
    pub(crate) loss: Loss,
    pub(crate) weight: Option<f64>,
}

/// What the targets of an output are used for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TargetUse {
    /// Whether there is a loss or a metric to compute from them.
    pub(crate) targets: bool,
    /// Whether they are numbers of classes, which are exact, rather than quantities.
    pub(crate) classes: bool,
}

/// A metric of one output.
#[derive(Clone)]
pub(crate) struct OutputMetric {
    pub(crate) output: usize,
    pub(crate) metric: Metric,
    /// Its variables; none if it is a mean.
    state: Vec<State>,
    pub(crate) weighted: bool,
    /// The key in logs.
    key: String,
}

impl Compiled {
    pub(crate) fn new(
        model: &Model,
        optimizer: Optimizer,
        losses: Losses,
        loss_weights: Option<LossWeights>,
        metrics: [Metrics; 2],
    ) -> Result<Self> {
        optimizer.validate()?;
        let names = model.functional().output_keys();
        let losses = match (&model.functional().outputs, losses) {
            (Structure::Dict(_), Losses::Dict(some)) => Losses::Dict(with_missing(&names, some)),
            (_, losses) => losses,
        };
        let losses = resolve_losses(&names, losses, loss_weights)?;
        let [plain, weighted] = metrics;
        let mut all = resolve_metrics(model, &names, plain, "metrics", false)?;
        let weighted = resolve_metrics(model, &names, weighted, "weighted_metrics", true)?;
        all.extend(weighted);
        name_metrics(&names, &mut all);
        Compiled::fresh(optimizer, losses, all)
    }

    fn fresh(
        optimizer: Optimizer,
        losses: Vec<OutputLoss>,
        metrics: Vec<OutputMetric>,
    ) -> Result<Self> {
        let trackers = || trackers(&losses, &metrics);
        Ok(Compiled {
            state: Mutex::new(OptimizerState::new(&optimizer)),
            train: trackers()?,
            test: trackers()?,
            optimizer,
            losses,
            metrics,
            source: None,
            programs: Mutex::default(),
            fitting: Mutex::new(()),
            test_means: SharedMeans::default(),
        })
    }

    /// The same for a copy of the model, before its first step.
    pub(crate) fn copy(&self) -> Result<Self> {
        let (losses, metrics) = (self.losses.clone(), self.metrics.clone());
        Ok(Compiled {
            source: self.source.clone(),
            ..Compiled::fresh(self.optimizer.clone(), losses, metrics)?
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, OptimizerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the targets of each output are for.
    pub(crate) fn wanted(&self, outputs: usize) -> Vec<TargetUse> {
        let of = |output| {
            let mut losses = self.losses.iter().filter(|l| l.output == output);
            let has_metric = self.metrics.iter().any(|m| m.output == output);
            TargetUse {
                targets: has_metric || losses.clone().next().is_some(),
                classes: losses.any(|l| l.loss.targets().are_exact()),
            }
        };
        (0..outputs).map(of).collect()
    }

    /// The keys of `evaluate`'s values in Keras's order, as positions among the trackers: the loss, metrics under their
    /// own names, outputs' losses, then the others by key.
    pub(crate) fn evaluation_order(&self) -> Vec<usize> {
        let trackers = &self.test;
        let find = |key: &str| trackers.iter().position(|t| t.key == key);
        let bare = self.metrics.iter().filter_map(|m| find(&m.metric.name()));
        let first_metric = trackers.len() - self.metrics.len();
        let mut order = Vec::new();
        let mut push = |i: usize| {
            if !order.contains(&i) {
                order.push(i);
            }
        };
        push(0);
        bare.for_each(&mut push);
        (1..first_metric).for_each(&mut push);
        let mut rest: Vec<usize> = (first_metric..trackers.len()).collect();
        rest.sort_by(|&a, &b| trackers[a].key.cmp(&trackers[b].key));
        rest.into_iter().for_each(&mut push);
        order
    }
}

fn trackers(losses: &[OutputLoss], metrics: &[OutputMetric]) -> Result<Vec<Tracker>> {
    let down = Some(Direction::Down);
    let mut all = vec![Tracker::mean("loss", down)];
    if losses.len() > 1 {
        let keys = losses.iter().map(|l| format!("{}_loss", l.output_name));
        all.extend(keys.map(|key| Tracker::mean(&key, down)));
    }
    for metric in metrics {
        all.push(Tracker::of(&metric.key, &metric.metric, &metric.state)?);
    }
    Ok(all)
}

/// Weights of the outputs' losses.
#[derive(Clone, Debug)]
pub enum LossWeights {
    /// One for each output, in order.
    List(Vec<f64>),
    /// By the outputs' names.
    Dict(Vec<(String, f64)>),
}

impl<const N: usize> From<[f64; N]> for LossWeights {
    fn from(weights: [f64; N]) -> Self {
        LossWeights::List(weights.into())
    }
}

impl From<Vec<f64>> for LossWeights {
    fn from(weights: Vec<f64>) -> Self {
        LossWeights::List(weights)
    }
}

impl<const N: usize> From<[(&str, f64); N]> for LossWeights {
    fn from(weights: [(&str, f64); N]) -> Self {
        LossWeights::Dict(
            weights
                .into_iter()
                .map(|(n, w)| (n.to_owned(), w))
                .collect(),
        )
    }
}

fn names_error(what: &str, expected: &[String], received: &[String]) -> Error {
    Error::mismatch(
        ErrorKind::Structure,
        format!("{what} named {expected:?} (the model's outputs)"),
        format!("{received:?}"),
    )
}

fn count_error(what: &str, names: &[String], received: usize) -> Error {
    Error::mismatch(
        ErrorKind::Structure,
        format!(
            "{} {what}, one for each of the outputs {names:?}",
            names.len()
        ),
        received.to_string(),
    )
}

/// A dict of outputs may be given losses for some of its keys. Other names are left for the check that follows.
fn with_missing(
    names: &[String],
    mut some: Vec<(String, Option<Loss>)>,
) -> Vec<(String, Option<Loss>)> {
    let known = some.iter().all(|(n, _)| names.contains(n));
    for name in names {
        if known && !some.iter().any(|(n, _)| n == name) {
            some.push((name.clone(), None));
        }
    }
    some
}

fn resolve_losses(
    names: &[String],
    losses: Losses,
    weights: Option<LossWeights>,
) -> Result<Vec<OutputLoss>> {
    let list = match losses {
        Losses::Same(loss) => vec![Some(loss); names.len()],
        Losses::List(list) if list.len() == names.len() => list,
        Losses::List(list) => return Err(count_error("losses", names, list.len())),
        Losses::Dict(dict) => {
            let given: Vec<String> = dict.iter().map(|(n, _)| n.clone()).collect();
            if given.len() != names.len() || !names.iter().all(|n| given.contains(n)) {
                return Err(names_error("losses", names, &given));
            }
            let find = |name: &String| dict.iter().find(|(n, _)| n == name);
            names
                .iter()
                .map(|n| find(n).and_then(|(_, l)| l.clone()))
                .collect()
        }
    };
    let weights = resolve_weights(names, weights)?;
    let outputs = list.into_iter().zip(weights).enumerate();
    let losses = outputs.filter_map(|(output, (loss, weight))| {
        let loss = loss?;
        let output_name = names[output].clone();
        Some(loss.validate().map(|()| OutputLoss {
            output,
            output_name,
            loss,
            weight,
        }))
    });
    let mut losses = losses.collect::<Result<Vec<_>>>()?;
    separate_names(&mut losses);
    Ok(losses)
}

/// Two outputs of one layer have one name; their losses are counted apart.
fn separate_names(losses: &mut [OutputLoss]) {
    for i in 1..losses.len() {
        let taken =
            |name: &str, losses: &[OutputLoss]| losses[..i].iter().any(|l| l.output_name == name);
        let base = losses[i].output_name.clone();
        let mut number = 1;
        while taken(&losses[i].output_name, losses) {
            losses[i].output_name = format!("{base}_{number}");
            number += 1;
        }
    }
}

fn resolve_weights(names: &[String], weights: Option<LossWeights>) -> Result<Vec<Option<f64>>> {
    match weights {
        None => Ok(vec![None; names.len()]),
        Some(LossWeights::List(list)) if list.len() == names.len() => {
            Ok(list.into_iter().map(Some).collect())
        }
        Some(LossWeights::List(list)) => Err(count_error("loss weights", names, list.len())),
        Some(LossWeights::Dict(dict)) => {
            let given: Vec<String> = dict.iter().map(|(n, _)| n.clone()).collect();
            if let Some(false) = given.iter().map(|n| names.contains(n)).min() {
                return Err(names_error("loss weights", names, &given));
            }
            let find = |name: &String| dict.iter().find(|(n, _)| n == name).map(|(_, w)| *w);
            Ok(names.iter().map(find).collect())
        }
    }
}

fn resolve_metrics(
    model: &Model,
    names: &[String],
    metrics: Metrics,
    what: &str,
    weighted: bool,
) -> Result<Vec<OutputMetric>> {
    let lists: Vec<Vec<Metric>> = match metrics {
        Metrics::Empty => return Ok(Vec::new()),
        Metrics::Flat(list) if names.len() == 1 => vec![list],
        Metrics::Flat(list) if list.len() == names.len() => {
            list.into_iter().map(|m| vec![m]).collect()
        }
        Metrics::Flat(list) => {
            let error = count_error(what, names, list.len());
            return Err(error.hint("Give a list of metrics for each output, or name the outputs"));
        }
        Metrics::Lists(lists) if lists.len() == names.len() => lists,
        Metrics::Lists(lists) if names.len() == 1 => vec![lists.concat()],
        Metrics::Lists(lists) => return Err(count_error(what, names, lists.len())),
        Metrics::Dict(dict) => {
            let given: Vec<String> = dict.iter().map(|(n, _)| n.clone()).collect();
            if let Some(false) = given.iter().map(|n| names.contains(n)).min() {
                return Err(names_error(what, names, &given));
            }
            let find = |name: &String| dict.iter().find(|(n, _)| n == name);
            let lists = names.iter().map(|n| find(n).map(|(_, l)| l.clone()));
            lists.map(Option::unwrap_or_default).collect()
        }
    };
    let flat = lists.into_iter().enumerate();
    let flat = flat.flat_map(|(output, list)| list.into_iter().map(move |m| (output, m)));
    let outputs = model.outputs();
    flat.map(|(output, metric)| {
        let state = metric
            .validate()
            .and_then(|()| metric.state(&outputs[output]));
        let part = || format!("metric `{}`", metric.name());
        Ok(OutputMetric {
            output,
            state: state.map_err(|e| e.in_part(part()))?,
            metric,
            weighted,
            key: String::new(),
        })
    })
    .collect()
}

/// Keras's keys: the output's name in front if there are several, `weighted_` for a weighted metric whose name is taken,
/// a number behind what is still taken.
fn name_metrics(names: &[String], metrics: &mut [OutputMetric]) {
    let mut counts: std::collections::HashMap<String, usize> = Default::default();
    for metric in metrics {
        let prefix = match names.len() {
            1 => String::new(),
            _ => format!("{}_", names[metric.output]),
        };
        let mut key = format!("{prefix}{}", metric.metric.name());
        if metric.weighted && counts.contains_key(&key) {
            key = format!("{prefix}weighted_{}", metric.metric.name());
        }
        let count = counts.entry(key.clone()).or_insert(0);
        *count += 1;
        metric.key = match *count {
            1 => key,
            n => format!("{key}_{}", n - 1),
        };
    }
}

/// A handle on what a model was compiled with.
pub(crate) fn compiled(model: &Model) -> Result<Arc<Compiled>> {
    model.compiled().ok_or_else(|| {
        let mut message = format!("model `{}` has not been compiled", model.get_name());
        if let Some(kept) = model.kept_compilation() {
            message.push_str(&format!(
                " as its file says, because of this: {}",
                kept.error
            ));
        }
        Error::new(ErrorKind::State, message)
            .hint("Call `model.compile(optimizer, loss).run()?` first")
    })
}
