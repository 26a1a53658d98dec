//! What all optimizers share: options, the learning rate, and the rule that makes them different.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Schedule;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Config, ConfigValue};
use crate::tensor::Tensor;

/// An optimizer: a rule such as [`Adam`](super::Adam), its learning rate, and the options that all have.
///
/// Made from the rules by themselves (`compile(Adam::new(1e-3), …)`).
#[derive(Clone)]
pub struct Optimizer {
    pub(crate) rule: Arc<dyn Rule>,
    pub(crate) common: Common,
}

impl fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}({:?})",
            self.rule.class_name(),
            self.common.learning_rate
        )
    }
}

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

/// Options that all optimizers have.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) learning_rate: LearningRate,
    pub(crate) weight_decay: Option<f64>,
    pub(crate) clipnorm: Option<f64>,
    pub(crate) clipvalue: Option<f64>,
    pub(crate) global_clipnorm: Option<f64>,
    pub(crate) use_ema: bool,
    pub(crate) ema_momentum: f64,
    pub(crate) ema_overwrite_frequency: Option<u32>,
    pub(crate) loss_scale_factor: Option<f64>,
    pub(crate) gradient_accumulation_steps: Option<u32>,
    /// Parts of names of variables that do not decay.
    pub(crate) no_decay: Vec<String>,
    pub(crate) name: Option<String>,
}

/// Keras's momentum of the moving averages of weights.
const EMA_MOMENTUM: f64 = 0.99;

impl Common {
    pub(crate) fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Common {
            learning_rate: learning_rate.into(),
            weight_decay: None,
            clipnorm: None,
            clipvalue: None,
            global_clipnorm: None,
            use_ema: false,
            ema_momentum: EMA_MOMENTUM,
            ema_overwrite_frequency: None,
            loss_scale_factor: None,
            gradient_accumulation_steps: None,
            no_decay: Vec::new(),
            name: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let wrong = |expected: &str, received: String| {
            Err(Error::mismatch(ErrorKind::Config, expected, received))
        };
        if let LearningRate::Constant(rate) = self.learning_rate
            && !rate.is_finite()
        {
            return wrong("a finite learning rate", rate.to_string());
        }
        if let LearningRate::Schedule(schedule) = &self.learning_rate {
            schedule.validate()?;
        }
        let clips = [self.clipnorm, self.clipvalue, self.global_clipnorm];
        let set: Vec<f64> = clips.into_iter().flatten().collect();
        if set.len() > 1 {
            let received = format!("{clips:?}");
            return wrong("one of clipnorm, clipvalue and global_clipnorm", received);
        }
        if let Some(clip) = set.first().filter(|c| c.is_nan() || **c <= 0.0) {
            return wrong("a positive number to clip at", clip.to_string());
        }
        if let Some(steps) = self.gradient_accumulation_steps.filter(|&s| s < 2) {
            let expected = "gradient_accumulation_steps of 2 or more";
            return wrong(expected, steps.to_string());
        }
        if !(0.0..=1.0).contains(&self.ema_momentum) {
            return wrong(
                "ema_momentum between 0 and 1",
                self.ema_momentum.to_string(),
            );
        }
        if self.ema_overwrite_frequency == Some(0) {
            return wrong("an ema_overwrite_frequency of 1 or more", "0".to_owned());
        }
        Ok(())
    }
}

/// What one optimizer does that others do not.
pub(crate) trait Rule: Send + Sync + 'static {
    /// Keras's class.
    fn class_name(&self) -> &'static str;
    /// Keras's automatic name.
    fn default_name(&self) -> &'static str;
    /// Names of the variables kept for each weight. Those of one group alternate weight by weight, as Keras orders them.
    fn slots(&self) -> Vec<Vec<&'static str>>;
    /// The weight after a step; new values of slots go into `step`.
    fn update(&self, step: &mut Step, gradient: &Tensor, weight: &Tensor) -> Result<Tensor>;
    /// Refuses options that make no sense.
    fn validate(&self) -> Result<()> {
        Ok(())
    }
    /// Own options under Keras's names.
    fn config(&self, config: &mut Config);
}

/// What a rule sees of one step of one weight.
pub(crate) struct Step {
    /// The learning rate: a scalar of the weight's type.
    pub(crate) learning_rate: Tensor,
    /// The number of this step, from 1: a scalar of the weight's type.
    pub(crate) number: Tensor,
    /// The slots by name.
    pub(crate) slots: Vec<(&'static str, Tensor)>,
}

impl Step {
    pub(crate) fn slot(&self, name: &str) -> Result<Tensor> {
        let found = self.slots.iter().find(|(n, _)| *n == name);
        found.map(|(_, t)| t.clone()).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("no optimizer variable `{name}`"),
            )
        })
    }

    pub(crate) fn set_slot(&mut self, name: &str, value: Tensor) {
        if let Some(slot) = self.slots.iter_mut().find(|(n, _)| *n == name) {
            slot.1 = value;
        }
    }
}

impl Optimizer {
    /// The classes that [`from_config`](Optimizer::from_config) knows, in letters of any case.
    pub const NAMES: [&str; 4] = ["Adam", "AdamW", "RMSprop", "SGD"];

    pub(crate) fn new(rule: impl Rule, common: Common) -> Self {
        Optimizer {
            rule: Arc::new(rule),
            common,
        }
    }

    /// Keras's class.
    pub fn class_name(&self) -> &str {
        self.rule.class_name()
    }

    /// Its name: Keras's automatic one unless it was set.
    pub fn get_name(&self) -> &str {
        self.common
            .name
            .as_deref()
            .unwrap_or(self.rule.default_name())
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
        self.common.validate()?;
        self.rule.validate()
    }

    /// The options under Keras's names.
    pub fn config(&self) -> Config {
        let c = &self.common;
        let mut config = Config::new();
        let rate = match &c.learning_rate {
            LearningRate::Constant(rate) => json!(rate),
            LearningRate::Schedule(schedule) => schedule.to_config(),
        };
        for (key, value) in [
            ("name", json!(self.get_name())),
            ("learning_rate", rate),
            ("weight_decay", json!(c.weight_decay)),
            ("clipnorm", json!(c.clipnorm)),
            ("global_clipnorm", json!(c.global_clipnorm)),
            ("clipvalue", json!(c.clipvalue)),
            ("use_ema", json!(c.use_ema)),
            ("ema_momentum", json!(c.ema_momentum)),
            ("ema_overwrite_frequency", json!(c.ema_overwrite_frequency)),
            ("loss_scale_factor", json!(c.loss_scale_factor)),
            (
                "gradient_accumulation_steps",
                json!(c.gradient_accumulation_steps),
            ),
        ] {
            config.insert(key.to_owned(), value);
        }
        self.rule.config(&mut config);
        config
    }

    /// From Keras's class and configuration.
    ///
    /// # Errors
    /// Keras has no such optimizer, or refrain does not have it: there are those of [`Optimizer::NAMES`].
    pub fn from_config(class: &str, config: &Config) -> Result<Self> {
        let learning_rate = match config.get("learning_rate") {
            Some(json) if json.is_object() => LearningRate::Schedule(Schedule::from_config(json)?),
            Some(Json::Null) | None => LearningRate::Constant(default_rate(class)),
            Some(json) => LearningRate::Constant(f64::from_json(json)?),
        };
        let mut optimizer: Optimizer = match class.to_lowercase().as_str() {
            "sgd" => super::Sgd::from_config(learning_rate, config).into(),
            "rmsprop" => super::RmsProp::from_config(learning_rate, config).into(),
            "adam" => super::Adam::from_config(learning_rate, config).into(),
            "adamw" => super::AdamW::from_config(learning_rate, config).into(),
            _ => {
                let message = format!("no optimizer `{class}`: {}", Optimizer::NAMES.join(", "));
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        let number = |key: &str| config.get(key).and_then(serde_json::Value::as_f64);
        let whole = |key: &str| number(key).map(|n| n as u32);
        let c = &mut optimizer.common;
        c.weight_decay = number("weight_decay");
        c.clipnorm = number("clipnorm");
        c.clipvalue = number("clipvalue");
        c.global_clipnorm = number("global_clipnorm");
        c.use_ema = config.get("use_ema").and_then(|v| v.as_bool()) == Some(true);
        c.ema_momentum = number("ema_momentum").unwrap_or(EMA_MOMENTUM);
        c.ema_overwrite_frequency = whole("ema_overwrite_frequency");
        c.loss_scale_factor = number("loss_scale_factor");
        c.gradient_accumulation_steps = whole("gradient_accumulation_steps");
        c.name = config
            .get("name")
            .and_then(|v| v.as_str())
            .map(str::to_owned);
        Ok(optimizer)
    }
}

/// Keras's learning rate of an optimizer that is not given one.
fn default_rate(class: &str) -> f64 {
    match class.to_lowercase().as_str() {
        "sgd" => 0.01,
        _ => 0.001,
    }
}

/// Gives an optimizer the options that all have, and makes it an [`Optimizer`].
macro_rules! common_options {
    ($type:ident, $($field:ident: $ty:ty, $doc:literal;)*) => {
        impl $type {
            $(
                #[doc = $doc]
                pub fn $field(mut self, $field: $ty) -> Self {
                    self.rule.$field = $field;
                    self
                }
            )*

            /// How far each weight is drawn towards 0 in a step, times the learning rate.
            pub fn weight_decay(mut self, weight_decay: f64) -> Self {
                self.common.weight_decay = Some(weight_decay);
                self
            }

            /// Variables whose names contain one of these do not decay (`bias`, `gamma`, …).
            pub fn exclude_from_weight_decay<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
                self.common.no_decay.extend(names.into_iter().map(str::to_owned));
                self
            }

            /// The largest norm that the gradient of one variable keeps.
            pub fn clipnorm(mut self, clipnorm: f64) -> Self {
                self.common.clipnorm = Some(clipnorm);
                self
            }

            /// The largest absolute value that an element of a gradient keeps.
            pub fn clipvalue(mut self, clipvalue: f64) -> Self {
                self.common.clipvalue = Some(clipvalue);
                self
            }

            /// The largest norm that all gradients together keep.
            pub fn global_clipnorm(mut self, global_clipnorm: f64) -> Self {
                self.common.global_clipnorm = Some(global_clipnorm);
                self
            }

            /// Whether a moving average of the weights is kept; at the end of `fit` the weights become it.
            pub fn use_ema(mut self, use_ema: bool) -> Self {
                self.common.use_ema = use_ema;
                self
            }

            /// What the moving average of the weights keeps of its old value.
            pub fn ema_momentum(mut self, ema_momentum: f64) -> Self {
                self.common.ema_momentum = ema_momentum;
                self
            }

            /// After how many steps the weights become their moving average.
            pub fn ema_overwrite_frequency(mut self, steps: u32) -> Self {
                self.common.ema_overwrite_frequency = Some(steps);
                self
            }

            /// The loss is multiplied by it before gradients are taken, and the gradients divided by it.
            pub fn loss_scale_factor(mut self, factor: f64) -> Self {
                self.common.loss_scale_factor = Some(factor);
                self
            }

            /// Over how many steps gradients are averaged before the weights change.
            pub fn gradient_accumulation_steps(mut self, steps: u32) -> Self {
                self.common.gradient_accumulation_steps = Some(steps);
                self
            }

            /// A name instead of the automatic one.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.common.name = Some(name.into());
                self
            }
        }

        impl From<$type> for super::Optimizer {
            fn from(optimizer: $type) -> Self {
                super::Optimizer::new(optimizer.rule, optimizer.common)
            }
        }
    };
}
pub(crate) use common_options;
