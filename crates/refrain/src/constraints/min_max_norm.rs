//! Norms between two bounds.

use super::{Constraint, ConstraintClass, EPSILON, NormAxes, norms};
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Norms along the axes between `min_value` and `max_value`.
    ///
    /// ```
    /// use refrain::{constraints::MinMaxNorm, layers::Dense};
    /// let layer = Dense::new(4).kernel_constraint(MinMaxNorm::new(0.5, 2.0).rate(0.1));
    /// ```
    pub struct MinMaxNorm: Constraint [
        /// The smallest norm.
        min_value: f64 = 0.0,
        /// The largest norm.
        max_value: f64 = 1.0,
    ] {
        /// How much of the way to the rule each update goes, 0 to 1.
        rate: f64 = 1.0,
        /// Axes that the norm is taken along.
        axis: NormAxes = NormAxes::from(0),
    }
}

impl ConstraintClass for MinMaxNorm {
    fn project(&self, weight: &Tensor) -> Tensor {
        let norms = norms(weight, &self.axis);
        let clipped = ops::clip(&norms, self.min_value, self.max_value);
        let desired = clipped * self.rate + &norms * (1.0 - self.rate);
        weight * (desired / (norms + EPSILON))
    }
}
