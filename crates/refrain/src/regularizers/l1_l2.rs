//! The L1 and the L2 penalty together.

use super::{Regularizer, RegularizerClass, sum_of_absolutes, sum_of_squares};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// `l1·Σ|x| + l2·Σx²`.
    ///
    /// ```
    /// use refrain::{layers::Dense, regularizers::L1L2};
    /// let layer = Dense::new(4).kernel_regularizer(L1L2::new(1e-5, 1e-4));
    /// ```
    pub struct L1L2: Regularizer [
        /// L1 factor: the sum of absolute values is multiplied by it.
        l1: f64 = 0.0,
        /// L2 factor: the sum of squares is multiplied by it.
        l2: f64 = 0.0,
    ] {}
}

impl RegularizerClass for L1L2 {
    fn penalty(&self, x: &Tensor) -> Tensor {
        let absolutes = || sum_of_absolutes(x) * self.l1;
        let squares = || sum_of_squares(x) * self.l2;
        match (self.l1 != 0.0, self.l2 != 0.0) {
            (true, false) => absolutes(),
            (false, _) => squares(),
            (true, true) => absolutes() + squares(),
        }
    }

    fn is_separable(&self) -> bool {
        true
    }
}
