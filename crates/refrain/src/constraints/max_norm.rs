//! Norms up to a bound.

use super::{Constraint, ConstraintClass, EPSILON, NormAxes, norms};
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Norms along the axes of at most `max_value`.
    ///
    /// ```
    /// use refrain::{constraints::MaxNorm, layers::Conv2D};
    /// let layer = Conv2D::new(8, 3).kernel_constraint(MaxNorm::new(2.0).axis([0, 1, 2]));
    /// ```
    pub struct MaxNorm: Constraint [
        /// The largest norm.
        max_value: f64 = 2.0,
    ] {
        /// Axes that the norm is taken along.
        axis: NormAxes = NormAxes::from(0),
    }
}

impl ConstraintClass for MaxNorm {
    fn project(&self, weight: &Tensor) -> Tensor {
        let norms = norms(weight, &self.axis);
        let desired = ops::clip(&norms, 0.0, self.max_value);
        weight * (desired / (norms + EPSILON))
    }
}
