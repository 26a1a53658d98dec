//! No negative elements.

use super::{Constraint, ConstraintClass};
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// No element is negative.
    ///
    /// ```
    /// use refrain::{constraints::NonNeg, layers::Dense};
    /// let layer = Dense::new(4).kernel_constraint(NonNeg::new());
    /// ```
    pub struct NonNeg: Constraint {}
}

impl NonNeg {
    pub(super) const DEFAULT: NonNeg = NonNeg { base: () };
}

impl ConstraintClass for NonNeg {
    fn project(&self, weight: &Tensor) -> Tensor {
        ops::maximum(weight, 0.0)
    }
}
