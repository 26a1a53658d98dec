//! Training: compile, fit, evaluate, predict.

/// What `compile` recorded and what has been made for running the model.
#[derive(Default)]
pub(crate) struct TrainingState {}
