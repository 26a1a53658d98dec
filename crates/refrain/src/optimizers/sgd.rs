//! Gradient descent, with momentum.

use serde_json::json;

use super::{Common, LearningRate, Rule, Step, common_options};
use crate::error::{Error, ErrorKind, Result};
use crate::layers::Config;
use crate::tensor::Tensor;

/// Gradient descent: `w -= rate · g`; with momentum `m = momentum · m - rate · g`, `w += m`.
///
/// ```
/// use refrain::optimizers::Sgd;
/// let plain = Sgd::new(0.01);
/// let fast = Sgd::new(0.01).momentum(0.9).nesterov(true);
/// ```
///
/// Source: `keras/src/optimizers/sgd.py`.
#[derive(Clone, Debug)]
pub struct Sgd {
    rule: SgdRule,
    common: Common,
}

#[derive(Clone, Debug, Default)]
struct SgdRule {
    momentum: f64,
    nesterov: bool,
}

impl Sgd {
    /// With this learning rate (Keras's default is 0.01) or schedule, without momentum.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        Sgd {
            rule: SgdRule::default(),
            common: Common::new(learning_rate),
        }
    }

    pub(crate) fn from_config(learning_rate: LearningRate, config: &Config) -> Self {
        let mut sgd = Sgd::new(learning_rate);
        sgd.rule.momentum = config
            .get("momentum")
            .and_then(|v| v.as_f64())
            .unwrap_or(0.0);
        sgd.rule.nesterov = config.get("nesterov").and_then(|v| v.as_bool()) == Some(true);
        sgd
    }
}

common_options! { Sgd,
    momentum: f64, "What the velocity keeps of its old value, 0 to 1.";
    nesterov: bool, "Whether the step looks ahead along the velocity.";
}

impl Rule for SgdRule {
    fn class_name(&self) -> &'static str {
        "SGD"
    }

    fn default_name(&self) -> &'static str {
        "sgd"
    }

    fn slots(&self) -> Vec<Vec<&'static str>> {
        match self.momentum {
            0.0 => Vec::new(),
            _ => vec![vec!["momentum"]],
        }
    }

    fn update(&self, step: &mut Step, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let move_by = gradient * &step.learning_rate;
        if self.momentum == 0.0 {
            return Ok(weight - move_by);
        }
        let m = step.slot("momentum")? * self.momentum - &move_by;
        step.set_slot("momentum", m.clone());
        Ok(match self.nesterov {
            true => weight + (m * self.momentum - move_by),
            false => weight + m,
        })
    }

    fn validate(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.momentum) {
            true => Ok(()),
            false => Err(Error::mismatch(
                ErrorKind::Config,
                "momentum between 0 and 1",
                self.momentum.to_string(),
            )),
        }
    }

    fn config(&self, config: &mut Config) {
        config.insert("momentum".to_owned(), json!(self.momentum));
        config.insert("nesterov".to_owned(), json!(self.nesterov));
    }
}
