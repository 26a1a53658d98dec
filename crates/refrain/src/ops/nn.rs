//! Functions of neural networks.

use super::{Axes, maximum, minimum, rsqrt, square, sum};
use crate::tensor::Tensor;

/// Elements brought between two limits.
pub fn clip(x: &Tensor, low: f64, high: f64) -> Tensor {
    minimum(maximum(x, low), high)
}

/// Divided by its Euclidean norm along axes, which counts as at least 1e-6.
pub fn l2_normalize(x: &Tensor, axis: impl Into<Axes>) -> Tensor {
    const SMALLEST_SQUARE: f64 = 1e-12;
    let norms = sum(&square(x), axis, true);
    x * rsqrt(&maximum(norms, SMALLEST_SQUARE))
}
