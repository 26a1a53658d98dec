//! Training: compile, fit, evaluate, predict.

mod batch;
mod cache;
mod compile;
mod compiled;
mod curves;
mod engine;
mod evaluate;
mod feed;
mod finite;
mod fit;
mod gradients;
mod history;
mod labels;
mod lower;
#[cfg(test)]
mod passes;
mod predict;
mod progress;
mod run;
mod session;
mod stateful;
mod steps;
mod test_means;
mod tracker;

use std::sync::{Arc, PoisonError};

pub use batch::{TestOnBatch, TrainOnBatch};
use cache::{Cache, Key, Mode, StepProgram};
pub use compile::Compile;
pub(crate) use compiled::Compiled;
pub use compiled::LossWeights;
#[cfg(test)]
pub(crate) use engine::Program;
pub use evaluate::Evaluate;
use feed::{BatchSpecs, Feed};
pub use fit::Fit;
pub use gradients::{GradientFunction, Gradients, LossGradients};
pub use history::{Evaluation, History, Logs};
pub use predict::{Predict, PredictBatches, Predictions};
pub use progress::Verbose;

use crate::error::{Error, Result};
use crate::models::Model;
use crate::variable::Variable;

/// The memory and the operations of a program, known before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Peak memory of a run in bytes, besides the model's variables and the batch.
    pub peak_memory: usize,
    /// Floating-point operations of a run.
    pub flops: u64,
}

/// How a file says that a model is compiled, where that cannot be followed: it is written back as it was.
pub(crate) struct KeptCompilation {
    /// Keras's configuration.
    pub(crate) config: serde_json::Value,
    /// The optimizer's variables.
    pub(crate) state: Vec<crate::Literal>,
    /// Why it cannot be followed.
    pub(crate) error: Error,
}

impl Plan {
    fn of(step: &StepProgram) -> Self {
        Plan {
            peak_memory: step.program.peak_memory(),
            flops: step.program.flops(),
        }
    }
}

/// What `compile` recorded and what has been made for running the model.
#[derive(Default)]
pub(crate) struct TrainingState {
    compiled: Option<Arc<Compiled>>,
    /// How a file says that the model is compiled, where that cannot be followed.
    kept: Option<Arc<KeptCompilation>>,
    /// Programs that predict; they need no `compile`.
    programs: Cache,
}

impl Model {
    /// Locks the training state for some work.
    fn with_training<R>(&self, work: impl FnOnce(&mut TrainingState) -> R) -> R {
        self.functional().with_state(work)
    }

    /// The program that predicts batches of this many samples.
    fn predict_step(&self, feed: &Feed<'_>, batch: usize) -> Result<Arc<StepProgram>> {
        // Specs are made for a new program only.
        let same = |key: &Key| key.mode == Mode::Predict && feed.inputs_have(&key.specs, batch);
        match self.with_training(|state| state.programs.find(same)) {
            Some(step) => Ok(step),
            None => self.predict_step_of(feed.specs(batch)),
        }
    }

    /// The program that predicts batches of these specs.
    fn predict_step_of(&self, specs: BatchSpecs) -> Result<Arc<StepProgram>> {
        self.step_of(specs, Mode::Predict, |specs| {
            lower::predict_step(self, specs)
        })
    }

    /// The program of a mode that needs no `compile`, made where there is none yet.
    fn step_of(
        &self,
        specs: BatchSpecs,
        mode: Mode,
        make: impl FnOnce(&BatchSpecs) -> Result<StepProgram>,
    ) -> Result<Arc<StepProgram>> {
        let key = Key {
            mode,
            specs,
            trainable: None,
        };
        if let Some(step) = self.with_training(|state| state.programs.find(|k| *k == key)) {
            return Ok(step);
        }
        let step = Arc::new(make(&key.specs)?);
        self.with_training(|state| state.programs.insert(key, step.clone()));
        Ok(step)
    }

    /// The program that fits or evaluates batches of these specs, with what is trainable now.
    fn loss_step(
        &self,
        compiled: &Compiled,
        mode: Mode,
        specs: BatchSpecs,
    ) -> Result<Arc<StepProgram>> {
        let programs = || {
            compiled
                .programs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let key = Key {
            mode,
            specs,
            trainable: Some(self.trainable_flags()),
        };
        if let Some(step) = programs().find(|k| *k == key) {
            return Ok(step);
        }
        let step = Arc::new(match mode {
            Mode::Gradients { training } => {
                gradients::loss_gradients(self, compiled, training, &key.specs)?
            }
            _ => lower::loss_step(self, compiled, mode, &key.specs)?,
        });
        programs().insert(key, step.clone());
        Ok(step)
    }

    fn trainable_flags(&self) -> Vec<bool> {
        let mut flags = Vec::new();
        self.any()
            .visit_layers(&mut |layer| flags.push(layer.trainable()));
        flags.extend(self.weights().iter().map(Variable::trainable));
        flags
    }
}
