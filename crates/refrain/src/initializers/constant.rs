//! One value everywhere.

use refrain_graph::{DType, Literal};

use super::{Initializer, InitializerClass};
use crate::error::Result;
use crate::options;

options! {
    /// One value everywhere.
    ///
    /// ```
    /// use refrain::{initializers::Constant, layers::Dense};
    /// let layer = Dense::new(4).bias_initializer(Constant::new(0.1));
    /// ```
    pub struct Constant: Initializer [
        /// The value of each element.
        value: f64 = 0.0,
    ] {}
}

impl InitializerClass for Constant {
    fn sample(&self, shape: &[usize], dtype: DType) -> Result<Literal> {
        Ok(Literal::full(shape, dtype, self.value))
    }
}
