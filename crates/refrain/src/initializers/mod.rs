//! Initializers of weights.

mod constant;
mod forget_bias;
mod identity;
mod ones;
mod orthogonal;
mod random;
mod random_normal;
mod random_uniform;
mod seed;
mod stft;
#[cfg(test)]
mod tests;
mod truncated_normal;
mod variance_scaling;
mod windows;
mod zeros;

pub use constant::Constant;
pub(crate) use forget_bias::ForgetBias;
pub use identity::Identity;
pub use ones::Ones;
pub use orthogonal::Orthogonal;
pub use random_normal::RandomNormal;
pub use random_uniform::RandomUniform;
pub(crate) use seed::next_seed;
pub use seed::{Seed, set_random_seed};
pub use stft::{Stft, StftScaling, StftSide, StftWindow};
pub use truncated_normal::TruncatedNormal;
pub use variance_scaling::{
    Distribution, FanMode, GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal,
    LecunUniform, Scale, VarianceScaling,
};
pub use zeros::Zeros;

use refrain_graph::{DType, Literal, Spec};

use crate::error::{Error, ErrorKind, Result};
use crate::objects::{Class, constants, kind};
use crate::utils::sizes;

/// What an initializer makes.
///
/// ```
/// use refrain::initializers::{Initializer, InitializerClass};
/// use refrain::{DType, Literal, Result, layers::Dense};
///
/// refrain::options! {
///     /// 0, `step`, 2 `step`, … in the order of the elements.
///     pub struct Ramp: Initializer [
///         /// The difference between two elements.
///         step: f64 = 0.1,
///     ] {}
/// }
///
/// impl InitializerClass for Ramp {
///     fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
///         let values = (0..shape.iter().product()).map(|i: usize| i as f64 * self.step);
///         refrain::initializers::literal(shape, values.collect(), dtype)
///     }
/// }
///
/// let layer = Dense::new(4).kernel_initializer(Ramp::new(0.5));
/// ```
pub trait InitializerClass: Class {
    /// A value of this shape and type.
    ///
    /// # Errors
    /// The shape, the type or an option does not fit.
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal>;

    /// Whether the values depend on the numbers of inputs and outputs of a unit, as the shape tells them: `false` by default.
    fn scales_by_fans(&self) -> bool {
        false
    }
}

kind! {
    /// How a weight's first value is made. With a seed the same values come at every call, as in Keras.
    ///
    /// ```
    /// use refrain::initializers::{Constant, HeNormal, Initializer, RandomNormal, set_random_seed};
    /// use refrain::layers::Dense;
    /// set_random_seed(7);
    /// let layer = Dense::new(4).kernel_initializer(Initializer::HeNormal).bias_initializer(Constant::new(0.1));
    /// let seeded = Dense::new(4).kernel_initializer(RandomNormal::new(0.0, 0.02).seed(1));
    /// ```
    ///
    /// Source: `keras/src/initializers/`.
    Initializer of InitializerClass, (), "an initializer", "keras.initializers" {
        Constant = "Constant" | "constant";
        GlorotNormal = "GlorotNormal" | "glorot_normal";
        GlorotUniform = "GlorotUniform" | "glorot_uniform";
        HeNormal = "HeNormal" | "he_normal";
        HeUniform = "HeUniform" | "he_uniform";
        Identity = "Identity" | "IdentityInitializer" | "identity";
        LecunNormal = "LecunNormal" | "lecun_normal";
        LecunUniform = "LecunUniform" | "lecun_uniform";
        Ones = "Ones" | "ones" | "one";
        Orthogonal = "Orthogonal" | "OrthogonalInitializer" | "orthogonal";
        RandomNormal = "RandomNormal" | "random_normal" | "normal";
        RandomUniform = "RandomUniform" | "random_uniform" | "uniform";
        Stft = "STFT" | "STFTInitializer" | "stft";
        TruncatedNormal = "TruncatedNormal" | "truncated_normal";
        VarianceScaling = "VarianceScaling" | "variance_scaling";
        Zeros = "Zeros" | "zeros" | "zero";
    }
}

constants! { Initializer
    /// Zeros.
    Zeros;
    /// Ones.
    Ones;
    /// Uniform within `±√(6 / (fan_in + fan_out))`: Keras's default for kernels.
    GlorotUniform;
    /// Truncated normal of variance `2 / (fan_in + fan_out)`.
    GlorotNormal;
    /// Uniform within `±√(6 / fan_in)`.
    HeUniform;
    /// Truncated normal of variance `2 / fan_in`.
    HeNormal;
    /// Uniform within `±√(3 / fan_in)`.
    LecunUniform;
    /// Truncated normal of variance `1 / fan_in`.
    LecunNormal;
    /// A random orthogonal matrix: Keras's default for recurrent kernels.
    Orthogonal;
    /// Uniform within ±0.05: Keras's default for embeddings.
    RandomUniform;
    /// Normal with standard deviation 0.05.
    RandomNormal;
    /// Normal with standard deviation 0.05, cut at two of them.
    TruncatedNormal;
}

impl Initializer {
    /// Makes a value of this shape and type.
    ///
    /// # Errors
    /// The shape, the type or an option does not fit the initializer: no matrix for `Orthogonal`, a scale that is not
    /// positive, an unknown window.
    pub fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        sizes::check_memory("a weight", shape, dtype.size())?;
        let value = self.0.sample(shape, dtype)?;
        if value.dims() == shape && value.dtype() == dtype {
            return Ok(value);
        }
        let class = self.class_name();
        let wanted = Spec::new(shape.to_vec(), dtype);
        let expected = format!("a value of {wanted} from the initializer {class}");
        let received = value.spec().to_string();
        Err(Error::mismatch(ErrorKind::Config, expected, received))
    }

    /// See [`InitializerClass::scales_by_fans`].
    pub(crate) fn scales_by_fans(&self) -> bool {
        self.0.scales_by_fans()
    }
}

/// Values in row-major order as a literal of this shape and type.
///
/// # Errors
/// There are too few or too many values for the shape.
pub fn literal(shape: &[usize], values: Vec<f64>, dtype: DType) -> Result<Literal> {
    let count = values.len();
    let literal = Literal::new(shape, values).ok_or_else(|| {
        let expected = format!("as many values as a weight of shape {shape:?} has");
        Error::mismatch(ErrorKind::Config, expected, count.to_string())
    })?;
    Ok(literal.convert(dtype))
}

/// [`literal`] of values that are made if there is memory for them in both types.
fn computed(
    shape: &[usize],
    dtype: DType,
    values: impl FnOnce() -> Result<Vec<f64>>,
) -> Result<Literal> {
    sizes::check_memory("a weight", shape, size_of::<f64>() + dtype.size())?;
    literal(shape, values()?, dtype)
}

/// [`computed`] for values that have no meaning as integers.
fn real(
    shape: &[usize],
    dtype: DType,
    values: impl FnOnce() -> Result<Vec<f64>>,
) -> Result<Literal> {
    if !dtype.is_float() {
        let expected = "a float type for weights that begin with random values";
        return Err(
            Error::mismatch(ErrorKind::DType, expected, dtype.keras_name())
                .hint("Leave the layer's dtype at float32"),
        );
    }
    computed(shape, dtype, values)
}
