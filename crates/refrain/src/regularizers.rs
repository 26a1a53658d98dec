//! Penalties on weights and outputs.

use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::layers::{Config, ConfigValue, own, refuse_own, unexpected};
use crate::ops;
use crate::tensor::Tensor;

/// A penalty that is added to the loss.
///
/// ```
/// use refrain::layers::Dense;
/// use refrain::regularizers::Regularizer;
/// let layer = Dense::new(4).kernel_regularizer(Regularizer::l2(1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Regularizer {
    /// `l1·Σ|w| + l2·Σw²`.
    L1L2 {
        /// Factor of the absolute values.
        l1: f64,
        /// Factor of the squares.
        l2: f64,
    },
    /// Pulls the rows or columns of a matrix towards right angles.
    Orthogonal {
        /// Factor.
        factor: f64,
        /// Rows (true) or columns.
        rows: bool,
    },
}

/// Keras's factor where none is given.
const DEFAULT_FACTOR: f64 = 0.01;

impl Regularizer {
    /// `factor·Σ|w|`.
    pub fn l1(factor: f64) -> Self {
        Regularizer::L1L2 {
            l1: factor,
            l2: 0.0,
        }
    }

    /// `factor·Σw²`.
    pub fn l2(factor: f64) -> Self {
        Regularizer::L1L2 {
            l1: 0.0,
            l2: factor,
        }
    }

    /// `l1·Σ|w| + l2·Σw²`.
    pub fn l1_l2(l1: f64, l2: f64) -> Self {
        Regularizer::L1L2 { l1, l2 }
    }

    /// The penalty of a tensor: a scalar.
    pub fn loss(&self, x: &Tensor) -> Tensor {
        match *self {
            Regularizer::L1L2 { l1, l2 } => {
                let absolute = || ops::sum(&x.abs(), ops::Axes::All, false) * l1;
                let squares = || ops::sum(&x.square(), ops::Axes::All, false) * l2;
                match (l1 != 0.0, l2 != 0.0) {
                    (true, false) => absolute(),
                    (false, _) => squares(),
                    (true, true) => absolute() + squares(),
                }
            }
            Regularizer::Orthogonal { factor, rows } => orthogonal(x, factor, rows),
        }
    }

    fn from_class(class: &str, config: &Config) -> Option<Self> {
        let number = |key: &str, default| config.get(key).and_then(Json::as_f64).unwrap_or(default);
        Some(match class {
            "L1" | "l1" => Regularizer::l1(number("l1", DEFAULT_FACTOR)),
            "L2" | "l2" => Regularizer::l2(number("l2", DEFAULT_FACTOR)),
            "L1L2" => Regularizer::l1_l2(number("l1", 0.0), number("l2", 0.0)),
            "l1_l2" | "l1l2" => Regularizer::l1_l2(DEFAULT_FACTOR, DEFAULT_FACTOR),
            "OrthogonalRegularizer" | "orthogonal_regularizer" => Regularizer::Orthogonal {
                factor: number("factor", DEFAULT_FACTOR),
                rows: config.get("mode").and_then(Json::as_str) != Some("columns"),
            },
            _ => return None,
        })
    }
}

/// Mean absolute cosine between different rows (or columns), times half the factor's weight, as Keras computes it.
fn orthogonal(x: &Tensor, factor: f64, rows: bool) -> Tensor {
    let x = if rows {
        x.clone()
    } else {
        ops::transpose(x, None)
    };
    let size = x.dim(0).unwrap_or(1) as f64;
    let normed = ops::l2_normalize(&x, 1);
    let cosines = ops::matmul(&normed, &ops::transpose(&normed, None));
    let total = ops::sum(&cosines.abs(), ops::Axes::All, false);
    let diagonal = ops::sum(
        &ops::sum(&normed.square(), 1, false).abs(),
        ops::Axes::All,
        false,
    );
    let pairs = (size * (size - 1.0) / 2.0).max(1.0);
    (total - diagonal) * (0.5 * factor / pairs)
}

impl ConfigValue for Regularizer {
    fn to_json(&self) -> Json {
        let (class, config) = match *self {
            Regularizer::L1L2 { l1, l2: 0.0 } => ("L1", json!({ "l1": l1 })),
            Regularizer::L1L2 { l1: 0.0, l2 } => ("L2", json!({ "l2": l2 })),
            Regularizer::L1L2 { l1, l2 } => ("L1L2", json!({ "l1": l1, "l2": l2 })),
            Regularizer::Orthogonal { factor, rows } => {
                let mode = if rows { "rows" } else { "columns" };
                (
                    "OrthogonalRegularizer",
                    json!({ "factor": factor, "mode": mode }),
                )
            }
        };
        json!({
            "module": "keras.regularizers", "class_name": class, "config": config, "registered_name": null,
        })
    }

    fn from_json(json: &Json) -> Result<Self> {
        refuse_own(json)?;
        let empty = Config::new();
        let found = match &own::bare(json) {
            Json::String(name) => Regularizer::from_class(name, &empty),
            json => json["class_name"].as_str().and_then(|class| {
                Regularizer::from_class(class, json["config"].as_object().unwrap_or(&empty))
            }),
        };
        found.ok_or_else(|| unexpected("a regularizer", json))
    }
}
