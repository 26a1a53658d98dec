//! The L2 penalty.

use super::{Regularizer, RegularizerClass, sum_of_squares};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `l2·Σx²`.
    ///
    /// ```
    /// use refrain::{layers::Dense, regularizers::L2};
    /// let layer = Dense::new(4).kernel_regularizer(L2::new(0.01));
    /// ```
    pub struct L2: Regularizer [
        /// L2 factor: the sum of squares is multiplied by it.
        l2: f64 = 0.01,
    ] {}
}

impl RegularizerClass for L2 {
    fn penalty(&self, x: &Tensor) -> Tensor {
        sum_of_squares(x) * self.l2
    }

    fn is_separable(&self) -> bool {
        true
    }
}
