//! Batch after batch: programs chosen by the batch's size, filled, and run.

use std::sync::Arc;

use super::cache::{Mode, StepProgram};
use super::compiled::Compiled;
use super::engine::Buffers;
use super::feed::Feed;
use super::finite::{Watch, check_validation};
use crate::data::Rows;
use crate::error::Result;
use crate::models::Model;

/// A run over batches of one feed.
pub(crate) struct Session<'s, 'a> {
    model: &'s Model,
    compiled: &'s Compiled,
    feed: &'s Feed<'a>,
    mode: Mode,
    /// Programs in use, by the number of samples.
    active: Vec<(usize, Arc<StepProgram>, Buffers)>,
    watch: Watch,
    checked: bool,
}

impl<'s, 'a> Session<'s, 'a> {
    pub(crate) fn new(
        model: &'s Model,
        compiled: &'s Compiled,
        feed: &'s Feed<'a>,
        mode: Mode,
    ) -> Self {
        Session {
            model,
            compiled,
            feed,
            mode,
            active: Vec::new(),
            watch: Watch::default(),
            checked: false,
        }
    }

    /// Forgets which programs are in use: what is trainable may have changed.
    pub(crate) fn refresh(&mut self) {
        for (_, step, buffers) in self.active.drain(..) {
            step.program.give_back(buffers);
        }
    }

    fn activate(&mut self, size: usize) -> Result<usize> {
        if let Some(i) = self.active.iter().position(|(n, _, _)| *n == size) {
            return Ok(i);
        }
        let specs = self.feed.specs(size);
        let step = self.model.loss_step(self.compiled, self.mode, specs)?;
        if !self.checked {
            step.check(self.feed)?;
            self.checked = true;
        }
        let buffers = step.program.buffers()?;
        self.active.push((size, step, buffers));
        Ok(self.active.len() - 1)
    }

    /// Makes the program of a batch of this size, which shows whether the data fit before anything else is done.
    pub(crate) fn prepare(&mut self, size: usize) -> Result<()> {
        self.activate(size).map(drop)
    }

    /// Runs one batch.
    pub(crate) fn step(&mut self, rows: Rows<'_>) -> Result<()> {
        let active = self.activate(rows.len())?;
        let (_, step, buffers) = &mut self.active[active];
        self.feed.fill(rows, &mut buffers.inputs)?;
        step.program.run(buffers)
    }

    /// Runs one batch. If a number turns out not to be finite, undoes the step that made it and says where it came from; it
    /// may be an earlier step, if it made a weight so and not the loss. A step of validation changes nothing, and has its loss
    /// looked at.
    pub(crate) fn checked_step(
        &mut self,
        rows: Rows<'_>,
        epoch: usize,
        number: usize,
    ) -> Result<()> {
        let active = self.activate(rows.len())?;
        let (_, step, buffers) = &mut self.active[active];
        self.feed.fill(rows, &mut buffers.inputs)?;
        let number = (epoch, number);
        if self.mode == Mode::Test {
            step.program.run(buffers)?;
            return check_validation(step, buffers, number, &self.compiled.test);
        }
        let trackers = &self.compiled.train;
        self.watch.begin(step, &buffers.inputs, number, trackers)?;
        step.program.run(buffers)?;
        self.watch.end(buffers, trackers)
    }

    /// Makes sure that checked steps have left no weight NaN or infinite.
    pub(crate) fn verify(&mut self) -> Result<()> {
        self.watch.verify(&self.compiled.train)
    }
}

impl Drop for Session<'_, '_> {
    fn drop(&mut self) {
        self.refresh();
    }
}
