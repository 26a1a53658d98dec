//! Normal numbers.

use refrain_graph::{DType, Literal};

use super::{Initializer, InitializerClass, Seed, real};
use crate::error::Result;
use crate::options;

options! {
    /// Normal numbers.
    ///
    /// ```
    /// use refrain::{initializers::RandomNormal, layers::Dense};
    /// let layer = Dense::new(4).kernel_initializer(RandomNormal::new(0.0, 0.02).seed(1));
    /// ```
    pub struct RandomNormal: Initializer [
        /// Mean of the random values.
        mean: f64 = 0.0,
        /// Standard deviation of the random values.
        stddev: f64 = 0.05,
    ] {
        /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
        seed: Seed = Seed::NONE,
    }
}

impl RandomNormal {
    pub(super) const DEFAULT: RandomNormal = RandomNormal {
        base: (),
        mean: 0.0,
        stddev: 0.05,
        seed: Seed::NONE,
    };
}

impl InitializerClass for RandomNormal {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        real(shape, dtype, || {
            let mut rng = self.seed.rng();
            let draw = |_| self.mean + self.stddev * f64::from(rng.normal());
            Ok((0..shape.iter().product::<usize>()).map(draw).collect())
        })
    }
}
