//! Huber's loss.

use refrain_graph::Comparison;

use super::common::{difference, mean};
use super::{Loss, LossClass};
use crate::error::Result;
use crate::ops::prim;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// Half the square of differences up to `delta`, linear above; the mean over the last axis.
    ///
    /// ```
    /// use refrain::losses::{Huber, Reduction};
    /// let loss = Huber::new().delta(2.0).reduction(Reduction::Sum);
    /// ```
    pub struct Huber as "Huber" named "huber_loss": const Loss {
        /// Absolute error at which the loss changes from quadratic to linear.
        delta: f64 = 1.0,
    }
}

impl LossClass for Huber {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let error = difference(y_true, y_pred)?;
        let (size, delta) = (error.abs(), self.delta);
        let near = prim::compare(Comparison::Le, &size, &prim::constant_like(&size, delta)?)?;
        let square = error.square() * 0.5;
        let linear = &size * delta - 0.5 * delta * delta;
        mean(&prim::select(&near, &square, &linear)?, -1)
    }
}
