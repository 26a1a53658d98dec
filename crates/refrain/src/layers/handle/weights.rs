//! What layers keep: weights, states, and whether they are trained.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use refrain_graph::Literal;

use super::AnyLayer;
use crate::config::short;
use crate::error::{Error, ErrorKind, Result};
use crate::variable::Variable;

impl AnyLayer {
    /// Its own weight of this name.
    pub(crate) fn variable(&self, name: &str) -> Result<Variable> {
        let state = self.0.base.lock();
        let mut all = state.weights.iter().chain(&state.states);
        let found = all.find(|(n, _)| n == name);
        found.map(|(_, w)| w.clone()).ok_or_else(|| {
            let names: Vec<&str> = state.weights.iter().map(|(n, _)| n.as_str()).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("no weight `{}`; the layer has {names:?}", short(name)),
            )
        })
    }

    /// Its own weights, without those of layers inside: trainable ones first, as Keras stores them.
    pub(crate) fn own_weights(&self) -> Vec<Variable> {
        self.named_weights().into_iter().map(|(_, w)| w).collect()
    }

    /// Its own weights under the names that `call` reads them by (`kernel`, `lstm_cell/kernel`), in the same order.
    pub(crate) fn named_weights(&self) -> Vec<(String, Variable)> {
        let mut weights = self.0.base.lock().weights.clone();
        weights.sort_by_key(|(_, w)| !w.declared_trainable());
        weights
    }

    /// The weights: its own trainable ones, its own others, then those of the layers inside, each once.
    pub fn weights(&self) -> Vec<Variable> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        self.visit_layers(&mut |layer| {
            let own = layer.own_weights().into_iter();
            all.extend(own.filter(|w| seen.insert(w.id())));
        });
        all
    }

    /// The weights that training changes.
    pub fn trainable_weights(&self) -> Vec<Variable> {
        if !self.trainable() {
            return Vec::new();
        }
        self.weights()
            .into_iter()
            .filter(Variable::trainable)
            .collect()
    }

    /// The weights that training does not change.
    pub fn non_trainable_weights(&self) -> Vec<Variable> {
        let all_frozen = !self.trainable();
        let mut weights = self.weights();
        weights.retain(|w| all_frozen || !w.trainable());
        weights
    }

    /// Number of elements in all its weights.
    pub fn count_params(&self) -> usize {
        self.weights().iter().map(Variable::numel).sum()
    }

    /// Whether training changes its weights.
    pub fn trainable(&self) -> bool {
        self.0.base.trainable.load(Ordering::Relaxed)
    }

    /// Freezes or unfreezes the layer, the layers inside it, and their weights.
    pub fn set_trainable(&self, trainable: bool) {
        self.visit_layers(&mut |layer| {
            layer.0.base.trainable.store(trainable, Ordering::Relaxed);
            let state = layer.0.base.lock();
            let weights = state.weights.iter();
            weights.for_each(|(_, w)| w.set_trainable(trainable));
        });
    }

    /// Freezes the layer but not the layers inside it, as Keras does for a model made with `trainable=False`.
    pub(crate) fn freeze_alone(&self) {
        self.0.base.trainable.store(false, Ordering::Relaxed);
    }

    /// All that the layer itself keeps: its weights, what it keeps between batches, and the state of its random numbers.
    pub(crate) fn kept_variables(&self) -> Vec<Variable> {
        let state = self.0.base.lock();
        let named = state.weights.iter().chain(&state.states);
        let variables = named.map(|(_, variable)| variable.clone());
        variables.chain(state.seed.clone()).collect()
    }

    pub(crate) fn seed(&self) -> Option<Variable> {
        self.0.base.lock().seed.clone()
    }

    /// Forgets what the layer and the layers inside it have kept between batches (`stateful`).
    pub fn reset_states(&self) {
        self.visit_layers(&mut |layer| {
            for (_, variable) in &layer.0.base.lock().states {
                variable.set(Literal::zeros(variable.shape(), variable.dtype()));
            }
        });
    }
}
