//! Norms up to a bound.

use super::{Constraint, ConstraintClass, NormAxes, norms};
use crate::config::EPSILON;
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
        /// Largest L2 norm that weights may have along `axis`; larger ones are scaled down to it.
        max_value: f64 = 2.0,
    ] {
        /// Axis or axes along which the norm is taken: 0 for the incoming weights of each unit of a `Dense` kernel, `[0, 1, 2]`
        /// for each filter of a `Conv2D` kernel `(rows, columns, channels, filters)`.
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
