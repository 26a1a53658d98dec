//! Adam, and Adam with decoupled weight decay.

use serde_json::json;

use super::{Common, LearningRate, Rule, Step, common_options};
use crate::error::Result;
use crate::layers::Config;
use crate::ops;
use crate::tensor::Tensor;

/// Adam (Kingma and Ba, 2014), with `epsilon` outside the bias correction ("epsilon hat"), as in Keras.
///
/// ```
/// use refrain::optimizers::Adam;
/// let adam = Adam::new(1e-3).beta_1(0.8).clipnorm(1.0);
/// ```
///
/// Source: `keras/src/optimizers/adam.py`.
#[derive(Clone, Debug)]
pub struct Adam {
    rule: AdamRule,
    common: Common,
}

/// Adam whose weights decay independently of the gradients (Loshchilov and Hutter, 2017).
///
/// ```
/// use refrain::optimizers::AdamW;
/// let adam = AdamW::new(1e-3).weight_decay(0.05).exclude_from_weight_decay(["bias"]);
/// ```
///
/// Source: `keras/src/optimizers/adamw.py`.
#[derive(Clone, Debug)]
pub struct AdamW {
    rule: AdamRule,
    common: Common,
}

#[derive(Clone, Debug)]
struct AdamRule {
    class: &'static str,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
}

/// Keras's default decay rate of the mean of gradients.
const BETA_1: f64 = 0.9;
/// Keras's default decay rate of the mean of squared gradients.
const BETA_2: f64 = 0.999;
/// Keeps the division finite where no gradient came.
const EPSILON: f64 = 1e-7;
/// Keras's default decay of AdamW.
const WEIGHT_DECAY: f64 = 0.004;

impl AdamRule {
    fn new(class: &'static str) -> Self {
        AdamRule {
            class,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            amsgrad: false,
        }
    }

    fn from_config(class: &'static str, config: &Config) -> Self {
        let number =
            |key: &str, default| config.get(key).and_then(|v| v.as_f64()).unwrap_or(default);
        AdamRule {
            class,
            beta_1: number("beta_1", BETA_1),
            beta_2: number("beta_2", BETA_2),
            epsilon: number("epsilon", EPSILON),
            amsgrad: config.get("amsgrad").and_then(|v| v.as_bool()) == Some(true),
        }
    }
}

impl Adam {
    /// With this learning rate (Keras's default is 0.001) or schedule.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Adam {
            rule: AdamRule::new("Adam"),
            common: Common::new(learning_rate),
        }
    }

    pub(crate) fn from_config(learning_rate: LearningRate, config: &Config) -> Self {
        Adam {
            rule: AdamRule::from_config("Adam", config),
            common: Common::new(learning_rate),
        }
    }
}

impl AdamW {
    /// With this learning rate (Keras's default is 0.001) or schedule, and a weight decay of 0.004.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        let mut common = Common::new(learning_rate);
        common.weight_decay = Some(WEIGHT_DECAY);
        AdamW {
            rule: AdamRule::new("AdamW"),
            common,
        }
    }

    pub(crate) fn from_config(learning_rate: LearningRate, config: &Config) -> Self {
        AdamW {
            rule: AdamRule::from_config("AdamW", config),
            common: Common::new(learning_rate),
        }
    }
}

common_options! { Adam,
    beta_1: f64, "What the mean of gradients keeps of its old value.";
    beta_2: f64, "What the mean of squared gradients keeps of its old value.";
    epsilon: f64, "Keeps the division finite where no gradient came.";
    amsgrad: bool, "Whether the largest mean of squared gradients so far is used.";
}

common_options! { AdamW,
    beta_1: f64, "What the mean of gradients keeps of its old value.";
    beta_2: f64, "What the mean of squared gradients keeps of its old value.";
    epsilon: f64, "Keeps the division finite where no gradient came.";
    amsgrad: bool, "Whether the largest mean of squared gradients so far is used.";
}

impl Rule for AdamRule {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn default_name(&self) -> &'static str {
        match self.class {
            "AdamW" => "adam_w",
            _ => "adam",
        }
    }

    fn slots(&self) -> Vec<Vec<&'static str>> {
        let mut slots = vec![vec!["momentum", "velocity"]];
        if self.amsgrad {
            slots.push(vec!["velocity_hat"]);
        }
        slots
    }

    fn update(&self, step: &mut Step, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let power = |beta: f64| ops::subtract(1.0, ops::power(beta, &step.number));
        let rate = &step.learning_rate * power(self.beta_2).sqrt() / power(self.beta_1);
        let (m, v) = (step.slot("momentum")?, step.slot("velocity")?);
        let m = &m + (gradient - &m) * (1.0 - self.beta_1);
        let v = &v + (gradient.square() - &v) * (1.0 - self.beta_2);
        step.set_slot("momentum", m.clone());
        step.set_slot("velocity", v.clone());
        let mut spread = v;
        if self.amsgrad {
            spread = ops::maximum(step.slot("velocity_hat")?, &spread);
            step.set_slot("velocity_hat", spread.clone());
        }
        Ok(weight - (m * rate) / (spread.sqrt() + self.epsilon))
    }

    fn config(&self, config: &mut Config) {
        config.insert("beta_1".to_owned(), json!(self.beta_1));
        config.insert("beta_2".to_owned(), json!(self.beta_2));
        config.insert("epsilon".to_owned(), json!(self.epsilon));
        config.insert("amsgrad".to_owned(), json!(self.amsgrad));
    }
}
