//! Pearson's coefficient of correlation.

use super::base_similarity::similarity;
use crate::ops;

similarity! {
    /// Pearson's coefficient of the correlation of targets and predictions, from -1 to 1.
    ///
    /// ```
    /// use refrain::metrics::PearsonCorrelation;
    /// let correlation = PearsonCorrelation::new().axis(1);
    /// ```
    PearsonCorrelation = pearson
}

fn pearson(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let standard = |x: &Tensor| {
        let centered = x - ops::mean(x, axis, true);
        &centered / ops::std(&centered, axis, true)
    };
    ops::mean(standard(y) * standard(p), axis, false)
}
