//! Uniform numbers.

use refrain_graph::{DType, Literal};

use super::random::uniform;
use super::{Initializer, InitializerClass, Seed, real};
use crate::error::Result;
use crate::options;

options! {
    /// Uniform numbers from `minval` to below `maxval`.
    ///
    /// ```
    /// use refrain::{initializers::RandomUniform, layers::Embedding};
    /// let layer = Embedding::new(100, 8).embeddings_initializer(RandomUniform::new(-1.0, 1.0).seed(1));
    /// ```
    pub struct RandomUniform: Initializer [
        /// Lower bound of the random values, inclusive.
        minval: f64 = -0.05,
        /// Upper bound of the random values, exclusive.
        maxval: f64 = 0.05,
    ] {
        /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
        seed: Seed = Seed::NONE,
    }
}

impl RandomUniform {
    pub(super) const DEFAULT: RandomUniform = RandomUniform {
        base: (),
        minval: -0.05,
        maxval: 0.05,
        seed: Seed::NONE,
    };
}

impl InitializerClass for RandomUniform {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        let n = shape.iter().product();
        real(shape, dtype, || {
            Ok(uniform(n, self.minval, self.maxval, &mut self.seed.rng()))
        })
    }
}
