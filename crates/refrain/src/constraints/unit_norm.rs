//! Norms of one.

use super::{Constraint, ConstraintClass, EPSILON, NormAxes, norms};
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
        /// Axes that the norm is taken along.
        axis: NormAxes = NormAxes::from(0),
    }
}

impl ConstraintClass for UnitNorm {
    fn project(&self, weight: &Tensor) -> Tensor {
        weight / (norms(weight, &self.axis) + EPSILON)
    }
}
