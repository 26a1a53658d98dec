//! Random orthogonal matrices.

use refrain_graph::{DType, Literal};

use super::random::orthogonal;
use super::{Initializer, InitializerClass, Seed, real};
use crate::error::Result;
use crate::options;

options! {
    /// A random orthogonal matrix times `gain`; all axes but the last together are its rows.
    ///
    /// ```
    /// use refrain::{initializers::Orthogonal, layers::Dense};
    /// let layer = Dense::new(4).kernel_initializer(Orthogonal::new(0.5).seed(1));
    /// ```
    pub struct Orthogonal: Initializer [
        /// Factor that the matrix is multiplied by.
        gain: f64 = 1.0,
    ] {
        /// Seed of the random numbers: a number, with which each call gives the same values; without one they differ.
        seed: Seed = Seed::NONE,
    }
}

impl Orthogonal {
    pub(super) const DEFAULT: Orthogonal = Orthogonal {
        base: (),
        gain: 1.0,
        seed: Seed::NONE,
    };
}

impl InitializerClass for Orthogonal {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        real(shape, dtype, || {
            orthogonal(shape, self.gain, &mut self.seed.rng())
        })
    }
}
