//! Optimizers and learning-rate schedules.

mod adam;
mod apply;
mod optimizer;
mod rmsprop;
mod schedules;
mod sgd;
mod state;
#[cfg(test)]
mod tests;

pub use adam::{Adam, AdamW};
pub(crate) use optimizer::{Common, Rule, Step, common_options};
pub use optimizer::{LearningRate, Optimizer};
pub use rmsprop::RmsProp;
pub use schedules::{
    CosineDecay, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay,
    Schedule,
};
pub use sgd::Sgd;
pub(crate) use state::OptimizerState;
