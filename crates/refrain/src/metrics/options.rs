//! What all metrics have in common.

use refrain_graph::DType;
use serde_json::Value as Json;

use crate::config::{Config, ConfigValue, dtype_from_json, in_option};
use crate::error::Result;
use crate::objects::{Base, read_name, write_name};

/// The options that all metrics have.
#[derive(Clone, Debug)]
pub struct MetricOptions {
    /// The name in logs instead of Keras's.
    pub name: Option<String>,
    /// The type that Keras adds up in; refrain always adds up in `float32`.
    pub dtype: DType,
}

impl Base for MetricOptions {
    const DEFAULT: Self = MetricOptions {
        name: None,
        dtype: DType::F32,
    };

    fn write(&self, config: &mut Config, default_name: &str) {
        write_name(&self.name, default_name, config);
        config.insert("dtype".to_owned(), self.dtype.keras_name().into());
    }

    fn read(&mut self, config: &Config) -> Result<()> {
        self.name = read_name(config)?;
        // Policies, which are objects or of mixed types, have variables of `float32`.
        let is_type = |json: &&Json| {
            json.as_str()
                .is_some_and(|name| !name.starts_with("mixed_"))
        };
        if let Some(name) = config.get("dtype").filter(is_type) {
            self.dtype = dtype_from_json(name).map_err(|e| in_option(e, "dtype"))?;
        }
        Ok(())
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The larger, the better.
    Up,
    /// The smaller, the better.
    Down,
}

/// A variable of `float32` that a metric adds up in. It begins with zeros.
///
/// ```
/// use refrain::metrics::State;
/// let matrix = State::new("total_cm", [3, 3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its shape; empty for one number.
    pub shape: Vec<usize>,
}

impl State {
    /// A variable of this name and shape.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        State {
            name: name.into(),
            shape: shape.into(),
        }
    }
}

/// Numbers of an option, such as thresholds: none, one or several.
///
/// ```
/// use refrain::metrics::Precision;
/// let strict = Precision::new().thresholds(0.9);
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Numbers(pub(super) Vec<f64>);

impl Numbers {
    /// These, or one number where there is none.
    pub(super) fn or(&self, default: f64) -> Vec<f64> {
        match self.0.is_empty() {
            true => vec![default],
            false => self.0.clone(),
        }
    }
}

impl From<f64> for Numbers {
    fn from(number: f64) -> Self {
        Numbers(vec![number])
    }
}

impl From<Vec<f64>> for Numbers {
    fn from(numbers: Vec<f64>) -> Self {
        Numbers(numbers)
    }
}

impl<const N: usize> From<[f64; N]> for Numbers {
    fn from(numbers: [f64; N]) -> Self {
        Numbers(numbers.into())
    }
}

impl ConfigValue for Numbers {
    fn to_json(&self) -> Json {
        match self.0.is_empty() {
            true => Json::Null,
            false => self.0.to_json(),
        }
    }

    /// A number, a list, or a tensor as Keras writes it.
    fn from_json(json: &Json) -> Result<Self> {
        match json {
            Json::Null => Ok(Numbers::default()),
            Json::Object(map) if map.contains_key("config") => {
                Numbers::from_json(&json["config"]["value"])
            }
            Json::Array(_) => Vec::from_json(json).map(Numbers),
            json => f64::from_json(json).map(Numbers::from),
        }
    }
}
