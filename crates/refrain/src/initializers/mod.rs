//! First values of weights.

mod config;
mod random;
mod stft;
#[cfg(test)]
mod tests;
mod windows;

pub(crate) use random::next_seed;
pub use random::set_random_seed;
pub use stft::{StftScaling, StftSide, StftWindow};

use refrain_graph::{DType, Literal};

use crate::error::{Error, ErrorKind, Result};
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
/// let layer = Dense::new(4).kernel_initializer(Initializer::HeNormal).bias_initializer(Initializer::Constant(0.1));
/// let seeded = Initializer::RandomNormal { mean: 0.0, stddev: 0.02, seed: Some(1) };
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
        /// The axes that are inputs, if the rule for kernels does not fit; counts only with `output_axes`.
        input_axes: Option<Vec<i64>>,
        /// The axes that are outputs; counts only with `input_axes`.
        output_axes: Option<Vec<i64>>,
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
    /// The waves of a short-time Fourier transform under a window, for a kernel of shape (frame length, 1, frequencies).
    Stft {
        /// Which part of the complex waves.
        side: StftSide,
        /// The window over the frame; without one there is no scaling either.
        window: Option<StftWindow>,
        /// What the window is divided by.
        scaling: Option<StftScaling>,
        /// Whether a named window is one period of a periodic function instead of symmetric.
        periodic: bool,
    },
}

/// The class of which all options are written.
const VARIANCE_SCALING_CLASS: &str = "VarianceScaling";

/// The named members of the variance-scaling family: Keras's class and its short name, scale, fan, distribution.
macro_rules! variance_scaling {
    ($($(#[$doc:meta])* $class:ident, $short:ident = $scale:literal, $mode:ident, $distribution:ident;)*) => {
        /// The variance-scaling family: constants under the names of Keras's classes, functions under its short names.
        #[allow(non_upper_case_globals)]
        impl Initializer {
            $(
                $(#[$doc])*
                pub const $class: Initializer = Initializer::scaling(
                    stringify!($class),
                    $scale,
                    FanMode::$mode,
                    Distribution::$distribution,
                );

                $(#[$doc])*
                pub fn $short() -> Self {
                    Initializer::$class
                }
            )*

            fn named(name: &str) -> Option<Self> {
                let all = [$( (stringify!($class), stringify!($short), Initializer::$class) ),*];
                let found = all.into_iter().find(|(class, short, _)| name == *class || name == *short);
                found.map(|(_, _, initializer)| initializer)
            }
        }
    };
}

variance_scaling! {
    /// Uniform within `±√(6 / (fan_in + fan_out))`: Keras's default for kernels.
    GlorotUniform, glorot_uniform = 1.0, Average, Uniform;
    /// Truncated normal of variance `2 / (fan_in + fan_out)`.
    GlorotNormal, glorot_normal = 1.0, Average, TruncatedNormal;
    /// Uniform within `±√(6 / fan_in)`.
    HeUniform, he_uniform = 2.0, In, Uniform;
    /// Truncated normal of variance `2 / fan_in`.
    HeNormal, he_normal = 2.0, In, TruncatedNormal;
    /// Uniform within `±√(3 / fan_in)`.
    LecunUniform, lecun_uniform = 1.0, In, Uniform;
    /// Truncated normal of variance `1 / fan_in`.
    LecunNormal, lecun_normal = 1.0, In, TruncatedNormal;
}

impl Initializer {
    const fn scaling(
        class: &'static str,
        scale: f64,
        mode: FanMode,
        distribution: Distribution,
    ) -> Self {
        Initializer::VarianceScaling {
            class,
            scale,
            mode,
            distribution,
            seed: None,
            input_axes: None,
            output_axes: None,
        }
    }

    /// Random numbers whose variance is `scale` over a fan. Keras's defaults are 1, [`FanMode::In`] and
    /// [`Distribution::TruncatedNormal`].
    ///
    /// A scale that is not positive is an error when the weight is made.
    ///
    /// ```
    /// use refrain::DType;
    /// use refrain::initializers::{Distribution, FanMode, Initializer};
    /// let initializer = Initializer::variance_scaling(0.1, FanMode::In, Distribution::Uniform).seed(7);
    /// let values = initializer.sample(&[3, 2], DType::F32)?.to_f64();
    /// assert!(values.iter().all(|v| v.abs() <= (3.0f64 * 0.1 / 3.0).sqrt()));
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn variance_scaling(scale: f64, mode: FanMode, distribution: Distribution) -> Self {
        Initializer::scaling(VARIANCE_SCALING_CLASS, scale, mode, distribution)
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

    /// The waves of a short-time Fourier transform with Keras's options: the real side, a symmetric Hann window, scaled
    /// for density.
    ///
    /// ```
    /// use refrain::DType;
    /// use refrain::initializers::Initializer;
    /// let kernel = Initializer::stft().sample(&[128, 1, 65], DType::F32)?;
    /// assert_eq!(kernel.dims(), [128, 1, 65]);
    /// # Ok::<(), refrain::Error>(())
    /// ```
    pub fn stft() -> Self {
        Initializer::Stft {
            side: StftSide::Real,
            window: Some(StftWindow::from("hann")),
            scaling: Some(StftScaling::Density),
            periodic: false,
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
            Zeros | Ones | Constant(_) | Identity { .. } | Stft { .. } => {}
        }
        self
    }

    /// Makes a value of this shape and type.
    ///
    /// # Errors
    /// The shape, the type or an option does not fit the initializer: no matrix for `Orthogonal`, a scale that is not
    /// positive, an unknown window.
    pub fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        sizes::check_memory("a weight", shape, WORKING_BYTES)?;
        let values = match self {
            Initializer::Zeros => return Ok(Literal::zeros(shape, dtype)),
            Initializer::Ones => return Ok(Literal::full(shape, dtype, 1.0)),
            Initializer::Constant(value) => return Ok(Literal::full(shape, dtype, *value)),
            Initializer::Identity { gain } => random::identity(shape, *gain)?,
            Initializer::ForgetBias(inner) => return inner.forget_bias(shape, dtype),
            Initializer::Stft {
                side,
                window,
                scaling,
                periodic,
            } if dtype.is_float() => {
                stft::values(shape, *side, window.as_ref(), *scaling, *periodic)?
            }
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
}

/// As in Keras, a variance must be positive.
fn check_scale(scale: f64) -> Result<()> {
    if scale > 0.0 && scale.is_finite() {
        return Ok(());
    }
    Err(Error::mismatch(
        ErrorKind::Config,
        "a positive number as `scale` of VarianceScaling",
        scale.to_string(),
    ))
}
