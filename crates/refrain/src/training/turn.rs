//! Running means that evaluations of a model share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compiled::{Compiled, Tracker};

/// Whose means the variables hold, of all that evaluate a model.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Turn>);

#[derive(Default)]
pub(crate) struct Turn {
    /// How many evaluations have begun.
    begun: u64,
    /// The number of the evaluation whose means the variables hold; 0 for those of single batches.
    holder: u64,
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the variables as they are.
    pub(crate) fn take(&self) -> MutexGuard<'_, Turn> {
        let mut turn = self.lock();
        turn.holder = 0;
        turn
    }
}

/// One of several evaluations at the same time: between its steps others may run, also from within a callback.
pub(crate) struct Testing<'c> {
    compiled: &'c Compiled,
    number: u64,
    /// The totals and counts after the last turn.
    means: Vec<[f32; 2]>,
}

impl<'c> Testing<'c> {
    /// Begins with the means of nothing.
    pub(crate) fn begin(compiled: &'c Compiled) -> Self {
        let mut turn = compiled.testing.lock();
        turn.begun += 1;
        turn.holder = turn.begun;
        compiled.test.iter().for_each(Tracker::reset);
        Testing {
            compiled,
            number: turn.begun,
            means: vec![[0.0; 2]; compiled.test.len()],
        }
    }

    /// Runs what no other evaluation may disturb, with this one's means in the variables.
    pub(crate) fn turn<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let mut turn = self.compiled.testing.lock();
        let trackers = self.compiled.test.iter().zip(&mut self.means);
        if turn.holder != self.number {
            turn.holder = self.number;
            trackers.for_each(|(tracker, means)| tracker.set(*means));
        }
        let result = f();
        let trackers = self.compiled.test.iter().zip(&mut self.means);
        trackers.for_each(|(tracker, means)| *means = tracker.get());
        result
    }
}
