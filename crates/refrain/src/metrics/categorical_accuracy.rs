//! The accuracy of distributions over classes.

use refrain_graph::{Comparison, DType, Reduction as Fold};

use super::{Direction, Metric, MetricClass};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{prim, reduce};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// How often the largest prediction is at the largest target.
    ///
    /// ```
    /// use refrain::metrics::CategoricalAccuracy;
    /// let accuracy = CategoricalAccuracy::new().name("right");
    /// ```
    pub struct CategoricalAccuracy: const Metric {}
}

impl MetricClass for CategoricalAccuracy {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        matches(&argmax(y_true)?, y_pred)
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }
}

/// Where the largest prediction is at the class number.
pub(super) fn matches(y: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
    let p = argmax(y_pred)?;
    if !y.shape().compatible(&p.shape()) {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            format!("targets that give one class for each of {}", p.shape()),
            format!("{}", y.shape()),
        ));
    }
    prim::compare(Comparison::Eq, y, &p)
}

/// The index of the largest element along the last axis, the first of equals.
pub(super) fn argmax(x: &Tensor) -> Result<Tensor> {
    let Some(last) = x.rank().checked_sub(1) else {
        return Err(Error::mismatch(
            ErrorKind::Shape,
            "an axis of classes",
            "a scalar",
        ));
    };
    let largest = reduce::reduce(x, Fold::Max, &[last], true)?;
    let is_largest = prim::compare(Comparison::Eq, x, &largest)?;
    let index = prim::iota(x, &x.shape(), DType::I32, last)?;
    let none = prim::constant_of(x, DType::I32, f64::from(i32::MAX))?;
    let candidates = prim::select(&is_largest, &index, &none)?;
    reduce::reduce(&candidates, Fold::Min, &[last], false)
}
