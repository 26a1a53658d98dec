//! Norms of one.

use super::{Constraint, ConstraintClass, NormAxes, norms};
use crate::config::EPSILON;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Norms along the axes of one.
    ///
    /// ```
    /// use refrain::{constraints::UnitNorm, layers::Dense};
    /// let layer = Dense::new(4).kernel_constraint(UnitNorm::new());
    /// ```
    pub struct UnitNorm: Constraint {
        /// Axis or axes along which the norm is taken: 0 for the incoming weights of each unit of a `Dense` kernel, `[0, 1, 2]`
        /// for each filter of a `Conv2D` kernel `(rows, columns, channels, filters)`.
        axis: NormAxes = NormAxes::from(0),
    }
}

impl ConstraintClass for UnitNorm {
    fn project(&self, weight: &Tensor) -> Tensor {
        weight / (norms(weight, &self.axis) + EPSILON)
    }
}
