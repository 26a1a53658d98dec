//! What all optimizers have: the learning rate, decay, clipping, averages of weights.

use serde_json::{Value as Json, json};

use super::Schedule;
use crate::config::{Config, ConfigValue};
use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Base, read_name, read_option, write_name};
use crate::variable::Variable;

/// A number, or a number that changes with the steps.
#[derive(Clone, Debug, PartialEq)]
pub enum LearningRate {
    /// The same at each step, unless it is set anew.
    Constant(f64),
    /// A function of the step.
    Schedule(Schedule),
}

impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        LearningRate::Constant(rate)
    }
}

impl<S: Into<Schedule>> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        LearningRate::Schedule(schedule.into())
    }
}

impl ConfigValue for LearningRate {
    fn to_json(&self) -> Json {
        match self {
            LearningRate::Constant(rate) => json!(rate),
            LearningRate::Schedule(schedule) => schedule.to_json(),
        }
    }

    fn from_json(json: &Json) -> Result<Self> {
        match f64::from_json(json) {
            Err(_) if json.is_object() => Schedule::from_json(json).map(LearningRate::Schedule),
            number => number.map(LearningRate::Constant),
        }
    }
}

/// What keeps a weight from decaying.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecayExclusion {
    /// A part of its name: `bias`.
    Name(String),
    /// Its path, which copies of the model share: `dense/kernel`.
    Path(String),
}

impl DecayExclusion {
    fn applies_to(&self, weight: &Variable) -> bool {
        match self {
            DecayExclusion::Name(part) => weight.name().contains(part),
            DecayExclusion::Path(path) => weight.path() == path,
        }
    }
}

impl From<&str> for DecayExclusion {
    fn from(name: &str) -> Self {
        DecayExclusion::Name(name.to_owned())
    }
}

impl From<String> for DecayExclusion {
    fn from(name: String) -> Self {
        DecayExclusion::Name(name)
    }
}

impl From<&Variable> for DecayExclusion {
    fn from(weight: &Variable) -> Self {
        DecayExclusion::Path(weight.path().to_owned())
    }
}

impl From<Variable> for DecayExclusion {
    fn from(weight: Variable) -> Self {
        (&weight).into()
    }
}

/// Options that all optimizers have; each is a method of theirs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OptimizerOptions {
    /// A name instead of the automatic one.
    pub name: Option<String>,
    /// How far a step goes.
    pub learning_rate: LearningRate,
    /// How far each weight is drawn towards 0 in a step, times the learning rate.
    pub weight_decay: Option<f64>,
    /// The largest L2 norm of the gradient of one weight; larger gradients are scaled to it.
    pub clipnorm: Option<f64>,
    /// The largest L2 norm of all gradients together; larger gradients are scaled to it.
    pub global_clipnorm: Option<f64>,
    /// The largest absolute value of an element of a gradient; larger ones are clipped.
    pub clipvalue: Option<f64>,
    /// Whether a moving average of the weights is kept.
    pub use_ema: bool,
    /// Momentum of the moving average of the weights.
    pub ema_momentum: f64,
    /// After how many steps the weights become their moving average.
    pub ema_overwrite_frequency: Option<u32>,
    /// What the loss is multiplied by before gradients are taken.
    pub loss_scale_factor: Option<f64>,
    /// Over how many steps gradients are averaged before the weights change.
    pub gradient_accumulation_steps: Option<u32>,
    /// Weights that do not decay.
    pub exclude_from_weight_decay: Vec<DecayExclusion>,
}

/// Calls a macro with the options that configurations have, in Keras's order.
macro_rules! in_configurations {
    ($each:ident) => {
        $each!(
            learning_rate,
            weight_decay,
            clipnorm,
            global_clipnorm,
            clipvalue,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps
        )
    };
}

impl Base for OptimizerOptions {
    const DEFAULT: Self = OptimizerOptions {
        name: None,
        learning_rate: LearningRate::Constant(0.001),
        weight_decay: None,
        clipnorm: None,
        global_clipnorm: None,
        clipvalue: None,
        use_ema: false,
        ema_momentum: 0.99,
        ema_overwrite_frequency: None,
        loss_scale_factor: None,
        gradient_accumulation_steps: None,
        exclude_from_weight_decay: Vec::new(),
    };

    fn write(&self, config: &mut Config, default_name: &str) {
        write_name(&self.name, default_name, config);
        macro_rules! insert {
            ($($option:ident),*) => {
                $(config.insert(stringify!($option).to_owned(), self.$option.to_json());)*
            };
        }
        in_configurations!(insert);
    }

    fn read(&mut self, config: &Config) -> Result<()> {
        self.name = read_name(config)?;
        macro_rules! read {
            ($($option:ident),*) => {
                $(
                    let default = self.$option.clone();
                    self.$option = read_option(config, stringify!($option), Some(default))?;
                )*
            };
        }
        in_configurations!(read);
        Ok(())
    }
}

impl OptimizerOptions {
    /// Whether weight decay acts on a weight.
    pub(super) fn decays(&self, weight: &Variable) -> bool {
        let mut excluded = self.exclude_from_weight_decay.iter();
        !excluded.any(|exclusion| exclusion.applies_to(weight))
    }

    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |expected: &str, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        match &self.learning_rate {
            LearningRate::Constant(rate) if !rate.is_finite() => {
                return wrong("a finite learning rate", rate.to_string());
            }
            LearningRate::Constant(_) => {}
            LearningRate::Schedule(schedule) => schedule.validate()?,
        }
        let clips = [
            ("clipnorm", self.clipnorm),
            ("clipvalue", self.clipvalue),
            ("global_clipnorm", self.global_clipnorm),
        ];
        let set = clips
            .iter()
            .filter_map(|(name, clip)| Some((name, (*clip)?)));
        let set: Vec<_> = set.collect();
        if set.len() > 1 {
            let given = set.iter().map(|(name, clip)| format!("{name} = {clip}"));
            let received = given.collect::<Vec<_>>().join(", ");
            return wrong("one of clipnorm, clipvalue and global_clipnorm", received);
        }
        if let Some((name, clip)) = set.first().filter(|(_, c)| c.is_nan() || *c <= 0.0) {
            return wrong(&format!("a positive {name}"), clip.to_string());
        }
        if let Some(steps) = self.gradient_accumulation_steps.filter(|&s| s < 2) {
            let expected = "gradient_accumulation_steps of 2 or more";
            return wrong(expected, steps.to_string());
        }
        super::check_rate("ema_momentum", self.ema_momentum)?;
        if self.ema_overwrite_frequency == Some(0) {
            return wrong("an ema_overwrite_frequency of 1 or more", "0".to_owned());
        }
        Ok(())
    }
}

/// Gives an optimizer the methods that set what all optimizers have.
#[doc(hidden)]
#[macro_export]
macro_rules! optimizer_setters {
    ($name:ident) => {
        #[allow(dead_code)]
        impl $name {
            /// Weight decay: in each step every weight loses `weight · weight_decay · learning_rate`.
            ///
            /// Default: none, but 0.004 for [`AdamW`](crate::optimizers::AdamW) and [`Muon`](crate::optimizers::Muon).
            pub fn weight_decay(mut self, weight_decay: impl Into<Option<f64>>) -> Self {
                self.base.weight_decay = weight_decay.into();
                self
            }

            /// Excludes weights from weight decay: all whose names contain one of these (`"bias"`, `"gamma"`, …), or single ones
            /// given as [`Variable`]($crate::Variable)s.
            pub fn exclude_from_weight_decay<E: Into<$crate::optimizers::DecayExclusion>>(
                mut self,
                weights: impl IntoIterator<Item = E>,
            ) -> Self {
                let excluded = weights.into_iter().map(Into::into);
                self.base.exclude_from_weight_decay.extend(excluded);
                self
            }

            /// Clips the gradient of each variable by itself: one whose L2 norm is larger is scaled down to it. Positive; excludes the
            /// other two ways of clipping.
            ///
            /// Default: no clipping.
            pub fn clipnorm(mut self, clipnorm: f64) -> Self {
                self.base.clipnorm = Some(clipnorm);
                self
            }

            /// Clips each element of the gradients to `-clipvalue … clipvalue`. Positive; excludes the other two ways of clipping.
            ///
            /// Default: no clipping.
            pub fn clipvalue(mut self, clipvalue: f64) -> Self {
                self.base.clipvalue = Some(clipvalue);
                self
            }

            /// Clips the gradients of all variables together: where their common L2 norm is larger, all are scaled down. Positive;
            /// excludes the other two ways of clipping.
            ///
            /// Default: no clipping.
            pub fn global_clipnorm(mut self, global_clipnorm: f64) -> Self {
                self.base.global_clipnorm = Some(global_clipnorm);
                self
            }

            /// Whether an exponential moving average of the weights is kept, which they become at the end of `fit`.
            ///
            /// Default: `false`.
            pub fn use_ema(mut self, use_ema: bool) -> Self {
                self.base.use_ema = use_ema;
                self
            }

            /// Momentum of the moving average of the weights, in `[0, 1]`: `average · momentum + weight · (1 - momentum)`. Counts only
            /// with `use_ema`.
            ///
            /// Default: `0.99`.
            pub fn ema_momentum(mut self, ema_momentum: f64) -> Self {
                self.base.ema_momentum = ema_momentum;
                self
            }

            /// Number of steps after each of which the weights become their moving average. Counts only with `use_ema`.
            ///
            /// Default: only at the end of `fit`.
            pub fn ema_overwrite_frequency(mut self, steps: u32) -> Self {
                self.base.ema_overwrite_frequency = Some(steps);
                self
            }

            /// Loss scale: the loss is multiplied by it before gradients are taken, and the gradients divided by it, so that 16-bit
            /// gradients do not underflow.
            ///
            /// Default: none.
            pub fn loss_scale_factor(mut self, factor: f64) -> Self {
                self.base.loss_scale_factor = Some(factor);
                self
            }

            /// Number of steps, at least 2, whose gradients are averaged for one update of the weights, as in batches so many times as
            /// large.
            ///
            /// Default: an update in each step.
            pub fn gradient_accumulation_steps(mut self, steps: u32) -> Self {
                self.base.gradient_accumulation_steps = Some(steps);
                self
            }
        }
    };
}
