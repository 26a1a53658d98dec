//! Running means that evaluations of a model share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compiled::{Compiled, Tracker};

/// The means in the variables, which one evaluation has at a time.
#[derive(Default)]
pub(crate) struct SharedMeans(Mutex<Holder>);

/// Whose means the variables hold, of all that evaluate a model.
#[derive(Default)]
pub(crate) struct Holder {
    /// How many evaluations have begun.
    begun: u64,
    /// The number of the evaluation whose means the variables hold; 0 for those of single batches.
    current: u64,
}

impl SharedMeans {
    fn lock(&self) -> MutexGuard<'_, Holder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the variables as they are.
    pub(crate) fn take(&self) -> MutexGuard<'_, Holder> {
        let mut holder = self.lock();
        holder.current = 0;
        holder
    }
}

/// One of several evaluations at the same time: between its steps others may run, also from within a callback.
pub(crate) struct TestRound<'c> {
    compiled: &'c Compiled,
    number: u64,
    /// The totals and counts after the last step.
    means: Vec<[f32; 2]>,
}

impl<'c> TestRound<'c> {
    /// Begins with the means of nothing.
    pub(crate) fn begin(compiled: &'c Compiled) -> Self {
        let mut holder = compiled.test_means.lock();
        holder.begun += 1;
        holder.current = holder.begun;
        compiled.test.iter().for_each(Tracker::reset);
        TestRound {
            compiled,
            number: holder.begun,
            means: vec![[0.0; 2]; compiled.test.len()],
        }
    }

    /// Runs what no other evaluation may disturb, with this one's means in the variables.
    pub(crate) fn with_means<T>(&mut self, f: impl FnOnce() -> T) -> T {
        let mut holder = self.compiled.test_means.lock();
        let trackers = &self.compiled.test;
        if holder.current != self.number {
            holder.current = self.number;
            let pairs = trackers.iter().zip(&self.means);
            pairs.for_each(|(tracker, means)| tracker.set(*means));
        }
        let result = f();
        self.means.clear();
        self.means.extend(trackers.iter().map(Tracker::get));
        result
    }
}
