//! Ones.

use refrain_graph::{DType, Literal};

use super::{Initializer, InitializerClass};
use crate::error::Result;
use crate::options;

options! {
    /// Ones.
    ///
    /// ```
    /// use refrain::{initializers::Ones, layers::Dense};
    /// let layer = Dense::new(4).bias_initializer(Ones::new());
    /// ```
    pub struct Ones: Initializer {}
}

impl Ones {
    pub(super) const DEFAULT: Ones = Ones { base: () };
}

impl InitializerClass for Ones {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        Ok(Literal::full(shape, dtype, 1.0))
    }
}
