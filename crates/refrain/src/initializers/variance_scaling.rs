//! The variance-scaling family.

use refrain_graph::{DType, Literal};
use serde_json::Value as Json;

use super::random::{axis_sizes, fan, fans, truncated_normal_of, uniform};
use super::{Initializer, InitializerClass, Seed, real};
use crate::config::{ConfigValue, words};
use crate::error::{Error, ErrorKind, Result};
use crate::options;

/// Which fan the variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Inputs of a unit.
    In,
    /// Outputs of a unit.
    Out,
    /// The mean of both.
    Average,
}

/// The distribution of a [`VarianceScaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Uniform between two limits.
    Uniform,
    /// Normal, cut at two standard deviations and widened to keep the variance.
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
}

/// What a variance is multiplied by, which is positive as in Keras.
#[derive(Clone, Copy, Debug)]
pub struct Scale(f64);

impl Scale {
    fn check(self) -> Result<f64> {
        if self.0 > 0.0 && self.0.is_finite() {
            return Ok(self.0);
        }
        let expected = "a positive number as `scale` of VarianceScaling";
        Err(Error::mismatch(
            ErrorKind::Config,
            expected,
            self.0.to_string(),
        ))
    }
}

impl From<f64> for Scale {
    fn from(scale: f64) -> Self {
        Scale(scale)
    }
}

impl ConfigValue for Scale {
    fn to_json(&self) -> Json {
        self.0.into()
    }

    fn from_json(json: &Json) -> Result<Self> {
        let scale = Scale(f64::from_json(json)?);
        scale.check().map(|_| scale)
    }
}

words! {
    FanMode, "fan_in, fan_out or fan_avg" { In = "fan_in", Out = "fan_out", Average = "fan_avg" }
    Distribution, "uniform, truncated_normal or untruncated_normal" {
        Uniform = "uniform",
        TruncatedNormal = "truncated_normal" | "normal",
        UntruncatedNormal = "untruncated_normal"
    }
}

options! {
    /// Random numbers whose variance is `scale` over a fan.
    ///
    /// A scale that is not positive is an error when the weight is made.
    ///
    /// ```
    /// use refrain::DType;
    /// use refrain::initializers::{Distribution, FanMode, Initializer, VarianceScaling};
    /// let initializer = VarianceScaling::new(0.1, FanMode::In, Distribution::Uniform).seed(7);
    /// let values = Initializer::from(initializer).sample(&[3, 2], DType::F32)?.to_f64();
    /// assert!(values.iter().all(|v| v.abs() <= (3.0f64 * 0.1 / 3.0).sqrt()));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub struct VarianceScaling: Initializer [
        /// Scaling factor, positive: the variance of the values is `scale / fan`.
        scale: Scale = Scale(1.0),
        /// Which fan the variance is divided by: the number of input units, of output units, or their mean.
        mode: FanMode = FanMode::In,
        /// Distribution of the values: truncated normal, normal, or uniform.
        distribution: Distribution = Distribution::TruncatedNormal,
    ] {
        /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
        seed: Seed = Seed::NONE,
        /// Axes of the weight whose sizes multiply to the number of input units; counts only with `output_axes`. By default a
        /// weight is taken for a kernel `(spatial…, inputs, outputs)`.
        input_axes: Option<Vec<i64>> = None,
        /// Axes of the weight whose sizes multiply to the number of output units; counts only with `input_axes`.
        output_axes: Option<Vec<i64>> = None,
    }
}

impl InitializerClass for VarianceScaling {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let scale = self.scale.check()?;
        real(shape, dtype, || {
            let fans = match (&self.input_axes, &self.output_axes) {
                (Some(inputs), Some(outputs)) => {
                    (axis_sizes(shape, inputs)?, axis_sizes(shape, outputs)?)
                }
                _ => fans(shape),
            };
            let variance = scale / fan(self.mode, fans).max(1.0);
            let (n, mut rng) = (shape.iter().product(), self.seed.rng());
            Ok(match self.distribution {
                Distribution::Uniform => {
                    let limit = (3.0 * variance).sqrt();
                    uniform(n, -limit, limit, &mut rng)
                }
                Distribution::TruncatedNormal => truncated_normal_of(n, variance, &mut rng),
                Distribution::UntruncatedNormal => (0..n)
                    .map(|_| variance.sqrt() * f64::from(rng.normal()))
                    .collect(),
            })
        })
    }

    fn scales_by_fans(&self) -> bool {
        self.input_axes.is_none() || self.output_axes.is_none()
    }
}

/// Declares a class of the family whose scale, fan and distribution are fixed.
macro_rules! named {
    ($($(#[$doc:meta])* $class:ident = $scale:literal, $mode:ident, $distribution:ident;)*) => {$(
        options! {
            $(#[$doc])*
            ///
            /// ```
            /// use refrain::layers::Dense;
            #[doc = concat!("use refrain::initializers::", stringify!($class), ";")]
            #[doc = concat!("let layer = Dense::new(4).kernel_initializer(", stringify!($class), "::new().seed(1));")]
            /// ```
            pub struct $class: Initializer {
                /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
                seed: Seed = Seed::NONE,
                /// Axes of the weight whose sizes multiply to the number of input units; counts only with `output_axes`. By
                /// default a weight is taken for a kernel `(spatial…, inputs, outputs)`.
                input_axes: Option<Vec<i64>> = None,
                /// Axes of the weight whose sizes multiply to the number of output units; counts only with `input_axes`.
                output_axes: Option<Vec<i64>> = None,
            }
        }

        impl $class {
            pub(super) const DEFAULT: $class = $class {
                base: (),
                seed: Seed::NONE,
                input_axes: None,
                output_axes: None,
            };

            fn general(&self) -> VarianceScaling {
                VarianceScaling::new($scale, FanMode::$mode, Distribution::$distribution)
                    .seed(self.seed)
                    .input_axes(self.input_axes.clone())
                    .output_axes(self.output_axes.clone())
            }
        }

        impl InitializerClass for $class {
            fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
                self.general().sample(shape, dtype)
            }

            fn scales_by_fans(&self) -> bool {
                self.general().scales_by_fans()
            }
        }
    )*};
}

named! {
    /// Uniform within `±√(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
    GlorotUniform = 1.0, Average, Uniform;
    /// Truncated normal of variance `2 / (fan_in + fan_out)` (Glorot and Bengio, 2010).
    GlorotNormal = 1.0, Average, TruncatedNormal;
    /// Uniform within `±√(6 / fan_in)` (He et al., 2015).
    HeUniform = 2.0, In, Uniform;
    /// Truncated normal of variance `2 / fan_in` (He et al., 2015).
    HeNormal = 2.0, In, TruncatedNormal;
    /// Uniform within `±√(3 / fan_in)` (LeCun et al., 1998).
    LecunUniform = 1.0, In, Uniform;
    /// Truncated normal of variance `1 / fan_in` (LeCun et al., 1998).
    LecunNormal = 1.0, In, TruncatedNormal;
}
