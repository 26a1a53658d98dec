//! Steps divided by the root of the mean of squared gradients.

use serde_json::json;

use super::{Common, LearningRate, Rule, Step, common_options};
use crate::error::Result;
use crate::layers::Config;
use crate::tensor::Tensor;

/// Gradients divided by the root of their squares' moving mean (Hinton, 2012), `epsilon` inside the root.
///
/// ```
/// use refrain::optimizers::RmsProp;
/// let optimizer = RmsProp::new(1e-3).momentum(0.5).centered(true);
/// ```
///
/// Source: `keras/src/optimizers/rmsprop.py`.
#[derive(Clone, Debug)]
pub struct RmsProp {
    rule: RmsPropRule,
    common: Common,
}

#[derive(Clone, Debug)]
struct RmsPropRule {
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

/// Keras's default of what the mean of squares keeps of its old value.
const RHO: f64 = 0.9;
/// Keeps the division finite where no gradient came.
const EPSILON: f64 = 1e-7;

impl RmsProp {
    /// With this learning rate (Keras's default is 0.001) or schedule.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Self {
        RmsProp {
            rule: RmsPropRule {
                rho: RHO,
                momentum: 0.0,
                epsilon: EPSILON,
                centered: false,
            },
            common: Common::new(learning_rate),
        }
    }

    pub(crate) fn from_config(learning_rate: LearningRate, config: &Config) -> Self {
        let number =
            |key: &str, default| config.get(key).and_then(|v| v.as_f64()).unwrap_or(default);
        let mut optimizer = RmsProp::new(learning_rate);
        optimizer.rule = RmsPropRule {
            rho: number("rho", RHO),
            momentum: number("momentum", 0.0),
            epsilon: number("epsilon", EPSILON),
            centered: config.get("centered").and_then(|v| v.as_bool()) == Some(true),
        };
        optimizer
    }
}

common_options! { RmsProp,
    rho: f64, "What the mean of squared gradients keeps of its old value.";
    momentum: f64, "What the step keeps of the one before.";
    epsilon: f64, "Keeps the division finite where no gradient came; inside the root.";
    centered: bool, "Whether the variance is used instead of the mean of squares.";
}

impl Rule for RmsPropRule {
    fn class_name(&self) -> &'static str {
        "RMSprop"
    }

    fn default_name(&self) -> &'static str {
        "rmsprop"
    }

    fn slots(&self) -> Vec<Vec<&'static str>> {
        let mut slots = vec![vec!["velocity"]];
        if self.momentum > 0.0 {
            slots.push(vec!["momentum"]);
        }
        if self.centered {
            slots.push(vec!["average_gradient"]);
        }
        slots
    }

    fn update(&self, step: &mut Step, gradient: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let keep = |old: Tensor, new: &Tensor| old * self.rho + new * (1.0 - self.rho);
        let velocity = keep(step.slot("velocity")?, &gradient.square());
        step.set_slot("velocity", velocity.clone());
        let mut spread = velocity;
        if self.centered {
            let average = keep(step.slot("average_gradient")?, gradient);
            step.set_slot("average_gradient", average.clone());
            spread = spread - average.square();
        }
        let mut move_by = (&step.learning_rate * gradient) / (spread + self.epsilon).sqrt();
        if self.momentum > 0.0 {
            move_by = step.slot("momentum")? * self.momentum + move_by;
            step.set_slot("momentum", move_by.clone());
        }
        Ok(weight - move_by)
    }

    fn config(&self, config: &mut Config) {
        config.insert("rho".to_owned(), json!(self.rho));
        config.insert("momentum".to_owned(), json!(self.momentum));
        config.insert("epsilon".to_owned(), json!(self.epsilon));
        config.insert("centered".to_owned(), json!(self.centered));
    }
}
