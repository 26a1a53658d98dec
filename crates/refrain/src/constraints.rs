//! Rules that weights are brought back to after each update.

use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::layers::{Config, ConfigValue, own, refuse_own, unexpected};
use crate::ops;
use crate::tensor::Tensor;

/// A rule that a weight is brought back to after each update.
///
/// ```
/// use refrain::constraints::Constraint;
/// use refrain::layers::Dense;
/// let layer = Dense::new(4).kernel_constraint(Constraint::NonNeg);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Constraint {
    /// Norms along the axes are at most a value.
    MaxNorm {
        /// The largest norm.
        max_value: f64,
        /// Axes the norm is taken along.
        axis: Vec<i64>,
    },
    /// Norms along the axes are between two values.
    MinMaxNorm {
        /// The smallest norm.
        min_value: f64,
        /// The largest norm.
        max_value: f64,
        /// How fast the rule is enforced, 0 to 1.
        rate: f64,
        /// Axes the norm is taken along.
        axis: Vec<i64>,
    },
    /// No element is negative.
    NonNeg,
    /// Norms along the axes are one.
    UnitNorm {
        /// Axes the norm is taken along.
        axis: Vec<i64>,
    },
}

/// Keeps the division by a norm of zero finite, as Keras does.
const EPSILON: f64 = 1e-7;

impl Constraint {
    /// Norms along axis 0 of at most `max_value`.
    pub fn max_norm(max_value: f64) -> Self {
        Constraint::MaxNorm {
            max_value,
            axis: vec![0],
        }
    }

    /// Norms along axis 0 of one.
    pub fn unit_norm() -> Self {
        Constraint::UnitNorm { axis: vec![0] }
    }

    /// The weight, brought back to the rule.
    pub fn apply(&self, w: &Tensor) -> Tensor {
        match self {
            Constraint::MaxNorm { max_value, axis } => {
                let norms = norms(w, axis);
                let desired = ops::clip(&norms, 0.0, *max_value);
                w * (desired / (norms + EPSILON))
            }
            Constraint::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => {
                let norms = norms(w, axis);
                let clipped = ops::clip(&norms, *min_value, *max_value);
                let desired = clipped * *rate + &norms * (1.0 - rate);
                w * (desired / (norms + EPSILON))
            }
            Constraint::NonNeg => ops::maximum(w, 0.0),
            Constraint::UnitNorm { axis } => w / (norms(w, axis) + EPSILON),
        }
    }

    fn from_class(class: &str, config: &Config) -> Option<Self> {
        let number = |key: &str, default| config.get(key).and_then(Json::as_f64).unwrap_or(default);
        let axis = match config.get("axis") {
            Some(Json::Array(axes)) => axes.iter().filter_map(Json::as_i64).collect(),
            Some(json) => vec![json.as_i64().unwrap_or(0)],
            None => vec![0],
        };
        Some(match class {
            "MaxNorm" | "max_norm" => Constraint::MaxNorm {
                max_value: number("max_value", 2.0),
                axis,
            },
            "MinMaxNorm" | "min_max_norm" => Constraint::MinMaxNorm {
                min_value: number("min_value", 0.0),
                max_value: number("max_value", 1.0),
                rate: number("rate", 1.0),
                axis,
            },
            "NonNeg" | "non_neg" => Constraint::NonNeg,
            "UnitNorm" | "unit_norm" => Constraint::UnitNorm { axis },
            _ => return None,
        })
    }
}

fn norms(w: &Tensor, axis: &[i64]) -> Tensor {
    ops::sum(&w.square(), axis, true).sqrt()
}

fn axis_json(axis: &[i64]) -> Json {
    match axis {
        [one] => json!(one),
        many => json!(many),
    }
}

impl ConfigValue for Constraint {
    fn to_json(&self) -> Json {
        let (class, config) = match self {
            Constraint::MaxNorm { max_value, axis } => (
                "MaxNorm",
                json!({ "max_value": max_value, "axis": axis_json(axis) }),
            ),
            Constraint::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => (
                "MinMaxNorm",
                json!({
                    "min_value": min_value, "max_value": max_value, "rate": rate, "axis": axis_json(axis),
                }),
            ),
            Constraint::NonNeg => ("NonNeg", json!({})),
            Constraint::UnitNorm { axis } => ("UnitNorm", json!({ "axis": axis_json(axis) })),
        };
        json!({
            "module": "keras.constraints", "class_name": class, "config": config, "registered_name": null,
        })
    }

    fn from_json(json: &Json) -> Result<Self> {
        refuse_own(json)?;
        let empty = Config::new();
        let found = match &own::bare(json) {
            Json::String(name) => Constraint::from_class(name, &empty),
            json => json["class_name"].as_str().and_then(|class| {
                Constraint::from_class(class, json["config"].as_object().unwrap_or(&empty))
            }),
        };
        found.ok_or_else(|| unexpected("a constraint", json))
    }
}
