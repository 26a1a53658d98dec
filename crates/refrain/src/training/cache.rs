//! Programs already made.

use std::sync::Arc;

use super::engine::Program;
use super::feed::BatchSpecs;
use super::labels::Labels;
use crate::trace::Indices;

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    Train,
    Test,
    Predict,
}

/// What a program was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) mode: Mode,
    pub(crate) specs: BatchSpecs,
    /// Which layers and weights are trainable.
    pub(crate) trainable: Vec<bool>,
}

/// A program, and what the data must satisfy.
pub(crate) struct Step {
    pub(crate) program: Program,
    /// What targets must be, where the loss does not take any number.
    pub(crate) labels: Vec<Labels>,
    /// Inputs that are indices, by their positions.
    pub(crate) indices: Vec<(usize, Indices)>,
}

/// Programs kept, the oldest dropped first: enough for many lengths of sequences, few enough to bound memory.
const CAPACITY: usize = 64;

/// Programs by what they were made for.
#[derive(Default)]
pub(crate) struct Cache(Vec<(Key, Arc<Step>)>);

impl Cache {
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Step>> {
        let found = self.0.iter().find(|(k, _)| k == key);
        found.map(|(_, step)| step.clone())
    }

    pub(crate) fn insert(&mut self, key: Key, step: Arc<Step>) {
        if self.0.len() == CAPACITY {
            self.0.remove(0);
        }
        self.0.push((key, step));
    }
}
