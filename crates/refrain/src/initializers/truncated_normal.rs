//! Truncated normal distributions.

use refrain_graph::{DType, Literal};

use super::random::truncated_normal;
use super::{Initializer, InitializerClass, Seed, real};
use crate::error::Result;
use crate::options;

options! {
    /// Normal numbers, those beyond two standard deviations redrawn.
    ///
    /// ```
    /// use refrain::{initializers::TruncatedNormal, layers::Dense};
    /// let layer = Dense::new(4).kernel_initializer(TruncatedNormal::new(0.0, 0.02).seed(1));
    /// ```
    pub struct TruncatedNormal: Initializer [
        /// Mean of the random values.
        mean: f64 = 0.0,
        /// Standard deviation of the normal distribution before truncation; values farther than two of them from the mean are
        /// drawn again.
        stddev: f64 = 0.05,
    ] {
        /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
        seed: Seed = Seed::NONE,
    }
}

impl TruncatedNormal {
    pub(super) const DEFAULT: TruncatedNormal = TruncatedNormal {
        base: (),
        mean: 0.0,
        stddev: 0.05,
        seed: Seed::NONE,
    };
}

impl InitializerClass for TruncatedNormal {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let n = shape.iter().product();
        real(shape, dtype, || {
            Ok(truncated_normal(
                n,
                self.mean,
                self.stddev,
                &mut self.seed.rng(),
            ))
        })
    }
}
