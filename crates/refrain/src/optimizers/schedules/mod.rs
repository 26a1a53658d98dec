//! Learning rates that change with the steps.

mod cosine_decay;
mod cosine_decay_restarts;
mod exponential_decay;
mod inverse_time_decay;
mod piecewise_constant_decay;
mod polynomial_decay;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use exponential_decay::ExponentialDecay;
pub use inverse_time_decay::InverseTimeDecay;
pub use piecewise_constant_decay::PiecewiseConstantDecay;
pub use polynomial_decay::PolynomialDecay;

use refrain_graph::DType;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Base, Class, kind, read_name, write_name};
use crate::ops::prim;
use crate::tensor::Tensor;

/// What a schedule computes.
///
/// ```
/// use refrain::optimizers::{Adam, Schedule, ScheduleClass};
/// use refrain::{Result, Tensor, ops};
///
/// refrain::options! {
///     /// `rate / √(step + 1)`.
///     pub struct InverseRoot: Schedule [
///         /// The first rate.
///         initial_learning_rate: f64,
///     ] {}
/// }
///
/// impl ScheduleClass for InverseRoot {
///     fn rate(&self, step: &Tensor) -> Result<Tensor> {
///         Ok(ops::divide(self.initial_learning_rate, (step + 1.0).sqrt()))
///     }
/// }
///
/// let adam = Adam::new(InverseRoot::new(1e-2));
/// ```
pub trait ScheduleClass: Class {
    /// The rate of a step, counted from 0: scalars of f32.
    ///
    /// # Errors
    /// The step does not fit.
    fn rate(&self, step: &Tensor) -> Result<Tensor>;

    /// Refuses options that make no sense. Asked when a model is compiled. By default nothing is refused.
    ///
    /// # Errors
    /// An option makes no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

kind! {
    /// A learning rate that changes with the steps; the first step is step 0. Made from one of the schedules of this module.
    ///
    /// Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`.
    Schedule of ScheduleClass, ScheduleOptions, "a learning-rate schedule", "keras.optimizers.schedules" {
        CosineDecay = "CosineDecay";
        CosineDecayRestarts = "CosineDecayRestarts";
        ExponentialDecay = "ExponentialDecay";
        InverseTimeDecay = "InverseTimeDecay";
        PiecewiseConstantDecay = "PiecewiseConstantDecay";
        PolynomialDecay = "PolynomialDecay";
    }
}

impl Schedule {
    /// Refuses options that make no sense, as compiling does.
    ///
    /// ```
    /// use refrain::optimizers::{CosineDecay, Schedule};
    /// assert!(Schedule::from(CosineDecay::new(0.1, 1000.0)).validate().is_ok());
    /// assert!(Schedule::from(CosineDecay::new(0.1, 0.0)).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// The steps of a decay are not positive, or rates and boundaries do not fit.
    pub fn validate(&self) -> Result<()> {
        self.0.validate()
    }

    /// The rate after a number of steps (i32), as f32.
    pub(crate) fn rate(&self, step: &Tensor) -> Result<Tensor> {
        let rate = self.0.rate(&prim::convert(step, DType::F32)?)?;
        rate.check()?;
        Ok(rate)
    }
}

/// Options that all schedules have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScheduleOptions {
    /// A name instead of the class's.
    pub name: Option<String>,
}

impl Base for ScheduleOptions {
    const DEFAULT: Self = ScheduleOptions { name: None };

    fn write(&self, config: &mut Config, default_name: &str) {
        write_name(&self.name, default_name, config);
    }

    fn read(&mut self, config: &Config) -> Result<()> {
        self.name = read_name(config)?;
        Ok(())
    }

    fn automatic_name(class: &str) -> String {
        class.to_owned()
    }
}

/// Refuses a number of steps that is not positive.
fn check_steps(decay_steps: f64) -> Result<()> {
    match decay_steps > 0.0 {
        true => Ok(()),
        false => {
            let expected = "a positive number of decay_steps";
            let received = decay_steps.to_string();
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        }
    }
}

/// How many decays the steps are, perhaps whole ones.
fn quotient(step: &Tensor, decay_steps: f64, staircase: bool) -> Tensor {
    let p = step / decay_steps;
    match staircase {
        true => p.floor(),
        false => p,
    }
}
