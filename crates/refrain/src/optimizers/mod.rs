//! Optimizers and learning-rate schedules.

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod apply;
mod ftrl;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod options;
mod rmsprop;
mod schedule_free_adamw;
mod schedules;
mod sgd;
mod state;
#[cfg(test)]
mod tests;
mod update;

pub use adadelta::Adadelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use adamw::AdamW;
pub use ftrl::Ftrl;
pub use lamb::Lamb;
pub use lion::Lion;
pub use muon::Muon;
pub use nadam::Nadam;
pub use options::{DecayExclusion, LearningRate, OptimizerOptions};
pub use rmsprop::RmsProp;
pub use schedule_free_adamw::ScheduleFreeAdamW;
pub use schedules::{
    CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay,
    PolynomialDecay, Schedule, ScheduleClass, ScheduleOptions,
};
pub use sgd::Sgd;
pub(crate) use state::OptimizerState;
pub use update::{Slot, Update, Updates};

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Based, Class, Object, kind, name_of};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// What an optimizer computes.
///
/// ```
/// use refrain::optimizers::{Optimizer, OptimizerClass, Slot, Update};
/// use refrain::{Result, Tensor, Variable, ops};
///
/// refrain::options! {
///     /// Steps of one size along the sign of a moving average of gradients (Chen et al., 2023).
///     pub struct Lion: Optimizer {
///         /// Decay rate of the average in the step.
///         beta_1: f64 = 0.9,
///         /// Decay rate of the average that is kept.
///         beta_2: f64 = 0.99,
///     }
/// }
///
/// impl OptimizerClass for Lion {
///     fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
///         vec![vec![Slot::new("momentum")]]
///     }
///
///     fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
///         let m = cx.slot("momentum")?;
///         let step = ops::sign(&(&m * self.beta_1 + gradient * (1.0 - self.beta_1)));
///         cx.set_slot("momentum", &m * self.beta_2 + gradient * (1.0 - self.beta_2))?;
///         Ok(weight - step * cx.learning_rate())
///     }
/// }
///
/// use refrain::{Model, input, layers::Dense, losses::Loss, ndarray::Array2};
/// let x = input([4]);
/// let model = Model::new(&x, &Dense::new(1).call(&x)?)?;
/// model.compile(Lion::new(1e-4).weight_decay(0.01), Loss::MeanSquaredError).run()?;
/// let (samples, targets) = (Array2::<f32>::ones((8, 4)), Array2::<f32>::zeros((8, 1)));
/// model.train_on_batch(&samples, &targets).run()?;
/// # Ok::<(), refrain::Error>(())
/// ```
pub trait OptimizerClass: Class + Based<OptimizerOptions> {
    /// The variables kept for a weight: those of one group alternate weight by weight, as Keras orders them. None by default.
    fn slots(&self, _weight: &Variable) -> Vec<Vec<Slot>> {
        Vec::new()
    }

    /// Whether Keras 2 writes variables of weights to files that this optimizer has not.
    #[doc(hidden)]
    fn has_unused_slots_in_keras2(&self) -> bool {
        false
    }

    /// Variables of the optimizer itself, each a number, with their first values. None by default.
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The values of [`scalars`](OptimizerClass::scalars) after a number of steps, where they follow from it: for files that do
    /// not hold them. `None` by default: they do not.
    fn scalars_after(&self, _steps: u32) -> Option<Vec<f64>> {
        None
    }

    /// What is done once in a step, before the weights are updated: it sees all gradients together and may change them.
    /// Nothing by default.
    ///
    /// # Errors
    /// The gradients do not fit.
    fn prepare(&self, _all: &mut Updates) -> Result<()> {
        Ok(())
    }

    /// The rate at which a weight decays towards 0, times the learning rate: the option of the same name by default.
    fn weight_decay(&self, _weight: &Variable) -> Option<f64> {
        self.base().weight_decay
    }

    /// The value of a weight after a step; new values of its slots go into `cx`.
    ///
    /// # Errors
    /// There is no such slot, or the gradient does not fit.
    fn update(&self, cx: &mut Update, gradient: &Tensor, weight: &Tensor) -> Result<Tensor>;

    /// Refuses options that make no sense. Asked when a model is compiled. By default nothing of the class's own is refused.
    ///
    /// # Errors
    /// An option makes no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

kind! {
    /// An optimizer: an object of a class such as [`Adam`].
    ///
    /// Made from the classes by themselves (`compile(Adam::new(1e-3), …)`).
    ///
    /// Source: `keras/src/optimizers/`.
    Optimizer of OptimizerClass, OptimizerOptions, "an optimizer", "keras.optimizers", ignoring case {
        Adadelta = "Adadelta";
        Adafactor = "Adafactor";
        Adagrad = "Adagrad";
        Adam = "Adam";
        AdamW = "AdamW";
        Adamax = "Adamax";
        Ftrl = "Ftrl";
        Lamb = "Lamb";
        Lion = "Lion";
        Muon = "Muon";
        Nadam = "Nadam";
        RmsProp = "RMSprop";
        ScheduleFreeAdamW = "ScheduleFreeAdamW";
        Sgd = "SGD";
    }
}

impl Optimizer {
    /// Its name: Keras's automatic one unless it was set.
    pub fn get_name(&self) -> String {
        name_of(&*self.0, &self.options().name)
    }

    /// The options that all optimizers have.
    pub(crate) fn options(&self) -> &OptimizerOptions {
        self.0.base()
    }

    pub(crate) fn has_unused_slots_in_keras2(&self) -> bool {
        self.0.has_unused_slots_in_keras2()
    }

    /// Keeps weights from decaying: all whose names contain one of these (`"bias"`), or single ones given as [`Variable`]s.
    ///
    /// The classes have a setter of the same name; this is for an optimizer of any class, such as one from a configuration, which
    /// does not tell of it.
    ///
    /// ```
    /// use refrain::optimizers::Optimizer;
    /// let config = serde_json::json!({ "class_name": "AdamW", "config": { "weight_decay": 0.05 } });
    /// let mut optimizer = Optimizer::from_config(&config)?;
    /// optimizer.exclude_from_weight_decay(["bias", "gamma", "beta"])?;
    /// # Ok::<(), refrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// A model is compiled with it already.
    pub fn exclude_from_weight_decay<E: Into<DecayExclusion>>(
        &mut self,
        weights: impl IntoIterator<Item = E>,
    ) -> Result<()> {
        let object = match &mut self.0 {
            Object::Shared(object) => Arc::get_mut(object),
            Object::Static(_) => None,
        };
        let object = object.ok_or_else(|| {
            let expected = "an optimizer that no model is compiled with";
            Error::mismatch(ErrorKind::State, expected, "one that is shared with a model")
                .hint("Exclude weights before `compile`, or make the optimizer anew from its configuration")
        })?;
        let excluded = weights.into_iter().map(Into::into);
        object.base_mut().exclude_from_weight_decay.extend(excluded);
        Ok(())
    }

    /// Refuses options that make no sense, as compiling does.
    ///
    /// ```
    /// use refrain::optimizers::{Adam, Optimizer};
    /// assert!(Optimizer::from(Adam::new(1e-3)).validate().is_ok());
    /// assert!(Optimizer::from(Adam::new(1e-3).clipnorm(-1.0)).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// An option makes no sense.
    pub fn validate(&self) -> Result<()> {
        self.options().validate()?;
        self.0.validate()
    }
}

/// Refuses an option outside of the range that it must be in.
fn check_option(option: &str, value: f64, fits: bool, range: &str) -> Result<()> {
    match fits {
        true => Ok(()),
        false => Err(Error::mismatch(
            ErrorKind::Config,
            format!("{option} {range}"),
            value.to_string(),
        )),
    }
}

/// Refuses a rate of decay that is not between 0 and 1.
fn check_rate(option: &str, value: f64) -> Result<()> {
    check_option(
        option,
        value,
        (0.0..=1.0).contains(&value),
        "between 0 and 1",
    )
}

/// Refuses rates of decay whose moments have no correction of their bias: at 1 it divides by 0, beyond it the moments grow.
fn check_betas(betas: &[(&str, f64)]) -> Result<()> {
    betas.iter().try_for_each(|&(option, beta)| {
        check_option(
            option,
            beta,
            (0.0..1.0).contains(&beta),
            "of at least 0 and below 1",
        )
    })
}

/// Refuses a rate of 0 too, at which nothing is left of the moment.
fn check_positive_rate(option: &str, value: f64) -> Result<()> {
    check_option(
        option,
        value,
        value > 0.0 && value <= 1.0,
        "above 0 and up to 1",
    )
}
