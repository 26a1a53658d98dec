//! Norms between two bounds.

use super::{Constraint, ConstraintClass, NormAxes, norms};
use crate::config::EPSILON;
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
        /// Smallest L2 norm that weights may have along `axis`; smaller ones are scaled up to it.
        min_value: f64 = 0.0,
        /// Largest L2 norm that weights may have along `axis`; larger ones are scaled down to it.
        max_value: f64 = 1.0,
    ] {
        /// How strictly the bounds hold, in `[0, 1]`: weights become `(1 - rate) · norm + rate · clip(norm)` long; 1 enforces
        /// them in each step.
        rate: f64 = 1.0,
        /// Axis or axes along which the norm is taken: 0 for the incoming weights of each unit of a `Dense` kernel, `[0, 1, 2]`
        /// for each filter of a `Conv2D` kernel `(rows, columns, channels, filters)`.
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
