//! Zeros.

use refrain_graph::{DType, Literal};

use super::{Initializer, InitializerClass};
use crate::error::Result;
use crate::options;

options! {
    /// Zeros.
    ///
    /// ```
    /// use refrain::{initializers::Zeros, layers::Dense};
    /// let layer = Dense::new(4).kernel_initializer(Zeros::new());
    /// ```
    pub struct Zeros: Initializer {}
}

impl Zeros {
    pub(super) const DEFAULT: Zeros = Zeros { base: () };
}

impl InitializerClass for Zeros {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        Ok(Literal::zeros(shape, dtype))
    }
}
