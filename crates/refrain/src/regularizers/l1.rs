//! The L1 penalty.

use super::{Regularizer, RegularizerClass, sum_of_absolutes};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `l1·Σ|x|`.
    ///
    /// ```
    /// use refrain::{layers::Dense, regularizers::L1};
    /// let layer = Dense::new(4).kernel_regularizer(L1::new(0.01));
    /// ```
    pub struct L1: Regularizer [
        /// L1 factor: the sum of absolute values is multiplied by it.
        l1: f64 = 0.01,
    ] {}
}

impl RegularizerClass for L1 {
    fn penalty(&self, x: &Tensor) -> Tensor {
        sum_of_absolutes(x) * self.l1
    }

    fn is_separable(&self) -> bool {
        true
    }
}
