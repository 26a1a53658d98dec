//! Running means and other metrics that evaluations of a model share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compiled::Compiled;
use super::tracker::Tracker;
use crate::error::Result;

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
    /// What the variables held of evaluations that wait for their next step, with their numbers.
    waiting: Vec<(u64, Vec<f32>)>,
}

impl Holder {
    /// Puts the means of an evaluation into the variables, if it is not those that they hold. 0 takes the variables as they are.
    fn switch(&mut self, number: u64, trackers: &[Tracker]) -> Result<()> {
        if self.current == number {
            return Ok(());
        }
        if self.current != 0 {
            let mut held = Vec::new();
            trackers.iter().try_for_each(|t| t.save(&mut held))?;
            self.waiting.push((self.current, held));
        }
        self.current = number;
        if let Some(i) = self.waiting.iter().position(|(n, _)| *n == number) {
            let (_, held) = self.waiting.swap_remove(i);
            let mut rest = &held[..];
            trackers.iter().for_each(|t| rest = t.restore(rest));
        }
        Ok(())
    }
}

impl SharedMeans {
    fn lock(&self) -> MutexGuard<'_, Holder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the variables as they are.
    pub(crate) fn take(&self, trackers: &[Tracker]) -> Result<MutexGuard<'_, Holder>> {
        let mut holder = self.lock();
        holder.switch(0, trackers)?;
        Ok(holder)
    }
}

/// One of several evaluations at the same time: between its steps others may run, also from within a callback.
pub(crate) struct TestRound<'c> {
    compiled: &'c Compiled,
    number: u64,
}

impl<'c> TestRound<'c> {
    /// Begins with the means of nothing.
    pub(crate) fn begin(compiled: &'c Compiled) -> Result<Self> {
        let mut holder = compiled.test_means.take(&compiled.test)?;
        holder.begun += 1;
        holder.current = holder.begun;
        compiled.test.iter().for_each(Tracker::reset);
        Ok(TestRound {
            compiled,
            number: holder.begun,
        })
    }

    /// Runs what no other evaluation may disturb, with this one's means in the variables.
    pub(crate) fn with_means<T>(&mut self, f: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut holder = self.compiled.test_means.lock();
        holder.switch(self.number, &self.compiled.test)?;
        f()
    }
}

impl Drop for TestRound<'_> {
    fn drop(&mut self) {
        let mut holder = self.compiled.test_means.lock();
        holder.waiting.retain(|(number, _)| *number != self.number);
        if holder.current == self.number {
            holder.current = 0;
        }
    }
}
