//! Programs already made.

use std::sync::Arc;

use super::engine::Program;
use super::feed::{BatchSpecs, Feed};
use super::labels::Labels;
use crate::error::Result;
use crate::trace::Indices;

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    Train,
    Test,
    Predict,
    /// Gradients of the loss or of an output.
    Gradients {
        training: bool,
    },
}

/// What a program was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) mode: Mode,
    pub(crate) specs: BatchSpecs,
    /// Which layers and weights are trainable, unless the program is the same whichever are.
    pub(crate) trainable: Option<Vec<bool>>,
}

/// A program, and what the data must satisfy.
pub(crate) struct StepProgram {
    pub(crate) program: Program,
    /// What targets must be, where the loss does not take any number.
    pub(crate) labels: Vec<Labels>,
    /// Inputs that are indices, by their positions.
    pub(crate) indices: Vec<(usize, Indices)>,
}

impl StepProgram {
    /// Refuses data that the program cannot take.
    pub(crate) fn check(&self, feed: &Feed<'_>) -> Result<()> {
        for labels in &self.labels {
            labels.check(feed)?;
        }
        feed.check_indices(&self.indices, 0..feed.samples())
    }
}

/// Programs kept, the one that has not been used for longest dropped first: enough for many lengths of sequences, few
/// enough to bound memory.
const CAPACITY: usize = 64;

/// Programs that may keep copies of the weights, each as large as all weights or more.
const WITH_PACKED: usize = 4;

/// Programs by what they were made for, in the order of their last use.
#[derive(Default)]
pub(crate) struct Cache(Vec<(Key, Arc<StepProgram>)>);

impl Cache {
    /// The program of the engine that is current whose key is as wanted.
    pub(crate) fn find(&mut self, wanted: impl Fn(&Key) -> bool) -> Option<Arc<StepProgram>> {
        let mut kept = self.0.iter();
        let found = kept.rposition(|(key, step)| wanted(key) && step.program.is_current())?;
        if found + 1 < self.0.len() {
            let latest = self.0.remove(found);
            self.0.push(latest);
            self.forget_packed();
        }
        self.0.last().map(|(_, step)| step.clone())
    }

    /// Leaves weights laid out for products to the programs used last.
    fn forget_packed(&self) {
        if let Some((_, step)) = self.0.iter().rev().nth(WITH_PACKED) {
            step.program.forget_packed();
        }
    }

    pub(crate) fn insert(&mut self, key: Key, step: Arc<StepProgram>) {
        if self.0.len() == CAPACITY {
            self.0.remove(0);
        }
        self.0.push((key, step));
        self.forget_packed();
    }
}
