//! The divergence of distributions.

use super::common::compatible;
use super::{Loss, LossClass};
use crate::config::EPSILON;
use crate::error::Result;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The Kullback-Leibler divergence `Σ target · log(target / prediction)` over the last axis, both clipped to 1e-7 and 1.
    ///
    /// ```
    /// use refrain::losses::KlDivergence;
    /// let loss = KlDivergence::new();
    /// ```
    pub struct KlDivergence as "KLDivergence" named "kl_divergence": const Loss {}
}

impl LossClass for KlDivergence {
    fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        compatible(y_true, y_pred)?;
        let clipped = |x: &Tensor| ops::clip(x, EPSILON, 1.0);
        let (y, p) = (clipped(y_true), clipped(y_pred));
        ops::sum(&y * (&y / p).log(), -1, false).checked()
    }
}
