//! First values of weights.

mod random;

pub(crate) use random::next_seed;
pub use random::set_random_seed;

use refrain_graph::{DType, Literal};
use serde_json::{Value as Json, json};

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Config, ConfigValue, refuse_own, unexpected};
use crate::utils::sizes;

/// Bytes of an element while it is drawn: in f64, then in its own type of at most 8.
const WORKING_BYTES: usize = 16;

/// Which fan a [`Initializer::VarianceScaling`] divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Inputs of a unit.
    In,
    /// Outputs of a unit.
    Out,
    /// The mean of both.
    Average,
}

/// The distribution of a [`Initializer::VarianceScaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Uniform between two limits.
    Uniform,
    /// Normal, cut at two standard deviations and widened to keep the variance.
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
}

/// How a weight's first value is made. With a seed the same values come at every call, as in Keras.
///
/// ```
/// use refrain::initializers::{Initializer, set_random_seed};
/// use refrain::layers::Dense;
/// set_random_seed(7);
/// let layer = Dense::new(4).kernel_initializer(Initializer::he_normal());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Initializer {
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
    /// One value everywhere.
    Constant(f64),
    /// The identity matrix times `gain`.
    Identity {
        /// Factor.
        gain: f64,
    },
    /// Normal numbers.
    RandomNormal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        stddev: f64,
        /// Seed.
        seed: Option<u64>,
    },
    /// Uniform numbers.
    RandomUniform {
        /// Lower limit.
        minval: f64,
        /// Upper limit.
        maxval: f64,
        /// Seed.
        seed: Option<u64>,
    },
    /// Normal numbers, those beyond two standard deviations redrawn.
    TruncatedNormal {
        /// Mean.
        mean: f64,
        /// Standard deviation before cutting.
        stddev: f64,
        /// Seed.
        seed: Option<u64>,
    },
    /// Random numbers whose variance is `scale` over a fan.
    VarianceScaling {
        /// Keras's class (`GlorotUniform`, `HeNormal`, …); `VarianceScaling` itself writes all options.
        class: &'static str,
        /// Variance times the fan.
        scale: f64,
        /// The fan.
        mode: FanMode,
        /// The distribution.
        distribution: Distribution,
        /// Seed.
        seed: Option<u64>,
    },
    /// The bias of an LSTM: the second quarter (the forget gate's) is one, the rest as the inner initializer.
    ForgetBias(Box<Initializer>),
    /// A random orthogonal matrix times `gain`.
    Orthogonal {
        /// Factor.
        gain: f64,
        /// Seed.
        seed: Option<u64>,
    },
}

/// The named members of the variance-scaling family: class, Keras's short name, scale, fan, distribution.
const VARIANCE_SCALING: [(&str, &str, f64, FanMode, Distribution); 6] = {
    use Distribution::{TruncatedNormal, Uniform};
    use FanMode::{Average, In};
    [
        ("GlorotUniform", "glorot_uniform", 1.0, Average, Uniform),
        (
            "GlorotNormal",
            "glorot_normal",
            1.0,
            Average,
            TruncatedNormal,
        ),
        ("HeUniform", "he_uniform", 2.0, In, Uniform),
        ("HeNormal", "he_normal", 2.0, In, TruncatedNormal),
        ("LecunUniform", "lecun_uniform", 1.0, In, Uniform),
        ("LecunNormal", "lecun_normal", 1.0, In, TruncatedNormal),
    ]
};

impl Initializer {
    fn named(class: &str) -> Option<Self> {
        let row = VARIANCE_SCALING
            .iter()
            .find(|(c, short, ..)| *c == class || *short == class)?;
        let &(class, _, scale, mode, distribution) = row;
        let seed = None;
        Some(Initializer::VarianceScaling {
            class,
            scale,
            mode,
            distribution,
            seed,
        })
    }

    /// Uniform within `±√(6 / (fan_in + fan_out))`: Keras's default for kernels.
    pub fn glorot_uniform() -> Self {
        Initializer::named("GlorotUniform").expect("in the table")
    }

    /// Truncated normal of variance `2 / (fan_in + fan_out)`.
    pub fn glorot_normal() -> Self {
        Initializer::named("GlorotNormal").expect("in the table")
    }

    /// Uniform within `±√(6 / fan_in)`.
    pub fn he_uniform() -> Self {
        Initializer::named("HeUniform").expect("in the table")
    }

    /// Truncated normal of variance `2 / fan_in`.
    pub fn he_normal() -> Self {
        Initializer::named("HeNormal").expect("in the table")
    }

    /// Uniform within `±√(3 / fan_in)`.
    pub fn lecun_uniform() -> Self {
        Initializer::named("LecunUniform").expect("in the table")
    }

    /// Truncated normal of variance `1 / fan_in`.
    pub fn lecun_normal() -> Self {
        Initializer::named("LecunNormal").expect("in the table")
    }

    /// A random orthogonal matrix: Keras's default for recurrent kernels.
    pub fn orthogonal() -> Self {
        Initializer::Orthogonal {
            gain: 1.0,
            seed: None,
        }
    }

    /// Uniform within ±0.05: Keras's default for embeddings.
    pub fn random_uniform() -> Self {
        Initializer::RandomUniform {
            minval: -0.05,
            maxval: 0.05,
            seed: None,
        }
    }

    /// Normal with standard deviation 0.05.
    pub fn random_normal() -> Self {
        Initializer::RandomNormal {
            mean: 0.0,
            stddev: 0.05,
            seed: None,
        }
    }

    /// Normal with standard deviation 0.05, cut at two of them.
    pub fn truncated_normal() -> Self {
        Initializer::TruncatedNormal {
            mean: 0.0,
            stddev: 0.05,
            seed: None,
        }
    }

    /// The same initializer with a seed.
    pub fn seed(mut self, value: u64) -> Self {
        use Initializer::*;
        match &mut self {
            RandomNormal { seed, .. }
            | RandomUniform { seed, .. }
            | TruncatedNormal { seed, .. }
            | VarianceScaling { seed, .. }
            | Orthogonal { seed, .. } => *seed = Some(value),
            ForgetBias(inner) => **inner = inner.clone().seed(value),
            Zeros | Ones | Constant(_) | Identity { .. } => {}
        }
        self
    }

    /// Makes a value of this shape and type.
    ///
    /// # Errors
    /// The initializer needs a matrix and the shape is none.
    pub fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        sizes::check_memory("a weight", shape, WORKING_BYTES)?;
        let values = match self {
            Initializer::Zeros => return Ok(Literal::zeros(shape, dtype)),
            Initializer::Ones => return Ok(Literal::full(shape, dtype, 1.0)),
            Initializer::Constant(value) => return Ok(Literal::full(shape, dtype, *value)),
            Initializer::Identity { gain } => random::identity(shape, *gain)?,
            Initializer::ForgetBias(inner) => return inner.forget_bias(shape, dtype),
            _ if !dtype.is_float() => {
                return Err(Error::mismatch(
                    ErrorKind::DType,
                    "a float type for weights that begin with random values",
                    dtype.keras_name(),
                )
                .hint("Leave the layer's dtype at float32"));
            }
            random => random::values(random, shape)?,
        };
        let literal = Literal::new(shape, values)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "an initializer gave too few values"))?;
        Ok(literal.convert(dtype))
    }

    /// As Keras: one call for the input gate's quarter, one for the half behind the forget gate's.
    fn forget_bias(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let quarter = shape.iter().product::<usize>() / 4;
        let mut values = self.sample(&[quarter], DType::F64)?.to_f64();
        values.resize(2 * quarter, 1.0);
        values.extend(self.sample(&[2 * quarter], DType::F64)?.to_f64());
        let literal = Literal::new(shape, values).ok_or_else(|| {
            Error::mismatch(ErrorKind::Shape, "a bias of 4 gates", format!("{shape:?}"))
        })?;
        Ok(literal.convert(dtype))
    }

    fn class_and_config(&self) -> (&'static str, Json) {
        use Initializer::*;
        match self {
            ForgetBias(inner) => inner.class_and_config(),
            Zeros => ("Zeros", json!({})),
            Ones => ("Ones", json!({})),
            Constant(value) => ("Constant", json!({ "value": value })),
            Identity { gain } => ("Identity", json!({ "gain": gain })),
            RandomNormal { mean, stddev, seed } => (
                "RandomNormal",
                json!({ "seed": seed, "mean": mean, "stddev": stddev }),
            ),
            RandomUniform {
                minval,
                maxval,
                seed,
            } => (
                "RandomUniform",
                json!({ "seed": seed, "minval": minval, "maxval": maxval }),
            ),
            TruncatedNormal { mean, stddev, seed } => (
                "TruncatedNormal",
                json!({ "seed": seed, "mean": mean, "stddev": stddev }),
            ),
            Orthogonal { gain, seed } => ("Orthogonal", json!({ "seed": seed, "gain": gain })),
            VarianceScaling {
                class: "VarianceScaling",
                scale,
                mode,
                distribution,
                seed,
            } => {
                let mode = match mode {
                    FanMode::In => "fan_in",
                    FanMode::Out => "fan_out",
                    FanMode::Average => "fan_avg",
                };
                let distribution = match distribution {
                    Distribution::Uniform => "uniform",
                    Distribution::TruncatedNormal => "truncated_normal",
                    Distribution::UntruncatedNormal => "untruncated_normal",
                };
                (
                    "VarianceScaling",
                    json!({
                        "scale": scale, "mode": mode, "distribution": distribution, "seed": seed,
                        "input_axes": null, "output_axes": null,
                    }),
                )
            }
            VarianceScaling { class, seed, .. } => (
                class,
                json!({ "seed": seed, "input_axes": null, "output_axes": null }),
            ),
        }
    }

    fn from_class(class: &str, config: &Config) -> Result<Self> {
        let number = |key: &str, default: f64| match config.get(key) {
            Some(json) if !json.is_null() => f64::from_json(json),
            _ => Ok(default),
        };
        let seed = match config.get("seed") {
            Some(json) => json.as_u64(),
            None => None,
        };
        Ok(match class {
            "Zeros" | "zeros" | "zero" => Initializer::Zeros,
            "Ones" | "ones" | "one" => Initializer::Ones,
            "Constant" | "constant" => Initializer::Constant(number("value", 0.0)?),
            "Identity" | "IdentityInitializer" | "identity" => Initializer::Identity {
                gain: number("gain", 1.0)?,
            },
            "RandomNormal" | "random_normal" | "normal" => Initializer::RandomNormal {
                mean: number("mean", 0.0)?,
                stddev: number("stddev", 0.05)?,
                seed,
            },
            "RandomUniform" | "random_uniform" | "uniform" => Initializer::RandomUniform {
                minval: number("minval", -0.05)?,
                maxval: number("maxval", 0.05)?,
                seed,
            },
            "TruncatedNormal" | "truncated_normal" => Initializer::TruncatedNormal {
                mean: number("mean", 0.0)?,
                stddev: number("stddev", 0.05)?,
                seed,
            },
            "Orthogonal" | "OrthogonalInitializer" | "orthogonal" => Initializer::Orthogonal {
                gain: number("gain", 1.0)?,
                seed,
            },
            "VarianceScaling" | "variance_scaling" => Initializer::VarianceScaling {
                class: "VarianceScaling",
                scale: number("scale", 1.0)?,
                mode: fan_mode(config.get("mode"))?,
                distribution: distribution(config.get("distribution"))?,
                seed,
            },
            other => match (Initializer::named(other), seed) {
                (Some(named), Some(seed)) => named.seed(seed),
                (Some(named), None) => named,
                (None, _) => return Err(unexpected("an initializer", &Json::from(other))),
            },
        })
    }
}

fn fan_mode(json: Option<&Json>) -> Result<FanMode> {
    match json.and_then(Json::as_str).unwrap_or("fan_in") {
        "fan_in" => Ok(FanMode::In),
        "fan_out" => Ok(FanMode::Out),
        "fan_avg" => Ok(FanMode::Average),
        other => Err(unexpected("fan_in, fan_out or fan_avg", &Json::from(other))),
    }
}

fn distribution(json: Option<&Json>) -> Result<Distribution> {
    match json.and_then(Json::as_str).unwrap_or("truncated_normal") {
        "uniform" => Ok(Distribution::Uniform),
        "truncated_normal" | "normal" => Ok(Distribution::TruncatedNormal),
        "untruncated_normal" => Ok(Distribution::UntruncatedNormal),
        other => Err(unexpected(
            "uniform, truncated_normal or untruncated_normal",
            &Json::from(other),
        )),
    }
}

impl ConfigValue for Initializer {
    fn to_json(&self) -> Json {
        let (class, config) = self.class_and_config();
        json!({
            "module": "keras.initializers",
            "class_name": class,
            "config": config,
            "registered_name": null,
        })
    }

    fn from_json(json: &Json) -> Result<Self> {
        refuse_own(json)?;
        let empty = Config::new();
        match json {
            Json::String(name) => Initializer::from_class(name, &empty),
            Json::Object(object) => {
                let class = object.get("class_name").and_then(Json::as_str);
                let class = class.ok_or_else(|| unexpected("an initializer", json))?;
                let config = object.get("config").and_then(Json::as_object);
                Initializer::from_class(class, config.unwrap_or(&empty))
            }
            _ => Err(unexpected("an initializer", json)),
        }
    }
}
