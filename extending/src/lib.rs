//! A class of each kind that a program can add to refrain: a layer, an optimizer, a schedule, a loss, a metric with states, an
//! initializer, a regularizer, a constraint, an activation function, a callback and an engine.
//!
//! Nothing here is known to refrain before [`register`], and nothing but its public interface is used.

pub mod callback;
pub mod engine;
pub mod layer;
pub mod rules;
pub mod training;

use refrain::activations::Activation;
use refrain::constraints::Constraint;
use refrain::initializers::Initializer;
use refrain::layers::AnyLayer;
use refrain::losses::Loss;
use refrain::metrics::Metric;
use refrain::objects::FromConfig;
use refrain::optimizers::{Optimizer, Schedule};
use refrain::regularizers::Regularizer;

pub use callback::Epochs;
pub use engine::{Log, Logging};
pub use layer::Mixture;
pub use rules::{Halves, LInfinity, Ramp, Snake};
pub use training::{FocalLoss, InverseRoot, SignedMomentum, YesRate};

/// Makes all classes known under the names that files call them by.
pub fn register() {
    refrain::register::<AnyLayer, _>("extending>Mixture", Mixture::from_config);
    refrain::register::<Optimizer, _>(SignedMomentum::CLASS, SignedMomentum::from_config);
    refrain::register::<Schedule, _>(InverseRoot::CLASS, InverseRoot::from_config);
    refrain::register::<Loss, _>(FocalLoss::CLASS, FocalLoss::from_config);
    refrain::register::<Metric, _>(YesRate::CLASS, YesRate::from_config);
    refrain::register::<Initializer, _>(Ramp::CLASS, Ramp::from_config);
    refrain::register::<Regularizer, _>(LInfinity::CLASS, LInfinity::from_config);
    refrain::register::<Constraint, _>(Halves::CLASS, Halves::from_config);
    refrain::register::<Activation, _>(Snake::CLASS, Snake::from_config);
}
