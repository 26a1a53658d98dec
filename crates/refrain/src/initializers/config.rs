//! Initializers in Keras's configurations.

use serde_json::{Value as Json, json};

use super::{
    Distribution, FanMode, Initializer, StftScaling, StftSide, StftWindow, VARIANCE_SCALING_CLASS,
    check_scale,
};
use crate::error::Result;
use crate::layers::{Config, ConfigValue, own, refuse_own, unexpected};

impl Initializer {
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
            Stft {
                side,
                window,
                scaling,
                periodic,
            } => (
                "STFT",
                json!({
                    "side": side.to_json(), "window": window.to_json(), "periodic": periodic,
                    "scaling": scaling.to_json(),
                }),
            ),
            VarianceScaling {
                class,
                scale,
                mode,
                distribution,
                seed,
                input_axes,
                output_axes,
            } => {
                let axes = json!({ "input_axes": input_axes, "output_axes": output_axes });
                let own = json!({ "scale": scale, "mode": mode.to_json(), "distribution": distribution.to_json() });
                let own = (*class == VARIANCE_SCALING_CLASS).then_some(own);
                let parts = [Some(json!({ "seed": seed })), own, Some(axes)];
                (class, join(parts))
            }
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
            "STFT" | "STFTInitializer" | "stft" => Initializer::Stft {
                side: option(config, "side", StftSide::Real)?,
                window: option(config, "window", Some(StftWindow::from("hann")))?,
                scaling: option(config, "scaling", Some(StftScaling::Density))?,
                periodic: option(config, "periodic", false)?,
            },
            _ => scaling_from_class(class, config, seed)?,
        })
    }
}

/// The family of VarianceScaling.
fn scaling_from_class(class: &str, config: &Config, seed: Option<u64>) -> Result<Initializer> {
    let mut initializer = match class {
        VARIANCE_SCALING_CLASS | "variance_scaling" => Initializer::variance_scaling(
            option(config, "scale", 1.0)?,
            option(config, "mode", FanMode::In)?,
            option(config, "distribution", Distribution::TruncatedNormal)?,
        ),
        named => Initializer::named(named)
            .ok_or_else(|| unexpected("an initializer", &Json::from(named)))?,
    };
    if let Initializer::VarianceScaling {
        scale,
        seed: own,
        input_axes,
        output_axes,
        ..
    } = &mut initializer
    {
        check_scale(*scale)?;
        *own = seed;
        *input_axes = option(config, "input_axes", None)?;
        *output_axes = option(config, "output_axes", None)?;
    }
    Ok(initializer)
}

/// An option of a configuration, or its default if the key is missing.
fn option<T: ConfigValue>(config: &Config, key: &str, default: T) -> Result<T> {
    config.get(key).map_or(Ok(default), T::from_json)
}

/// Options of several sources as one object.
fn join<const N: usize>(parts: [Option<Json>; N]) -> Json {
    let objects = parts.into_iter().flatten();
    let entries = objects.filter_map(|part| match part {
        Json::Object(object) => Some(object),
        _ => None,
    });
    Json::Object(entries.flatten().collect())
}

/// Options that are one word of a few.
macro_rules! words {
    ($($t:ident, $expected:literal { $($variant:ident = $word:literal $(| $other:literal)*),* })*) => {$(
        impl ConfigValue for $t {
            fn to_json(&self) -> Json {
                Json::from(match self { $($t::$variant => $word),* })
            }

            fn from_json(json: &Json) -> Result<Self> {
                match json.as_str() {
                    $(Some($word $(| $other)*) => Ok($t::$variant),)*
                    _ => Err(unexpected($expected, json)),
                }
            }
        }
    )*};
}

words! {
    FanMode, "fan_in, fan_out or fan_avg" { In = "fan_in", Out = "fan_out", Average = "fan_avg" }
    Distribution, "uniform, truncated_normal or untruncated_normal" {
        Uniform = "uniform",
        TruncatedNormal = "truncated_normal" | "normal",
        UntruncatedNormal = "untruncated_normal"
    }
    StftSide, "real or imag" { Real = "real", Imag = "imag" }
    StftScaling, "density, spectrum or null" { Density = "density", Spectrum = "spectrum" }
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
        match &own::bare(json) {
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
