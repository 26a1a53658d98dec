//! Lin's coefficient of concordance.

use super::base_similarity::similarity;
use crate::config::EPSILON;
use crate::ops;

similarity! {
    /// Lin's coefficient of the concordance of targets and predictions, computed as Keras computes it.
    ///
    /// ```
    /// use refrain::metrics::ConcordanceCorrelation;
    /// let correlation = ConcordanceCorrelation::new();
    /// ```
    ConcordanceCorrelation = concordance
}

fn concordance(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let mean = |x: &Tensor| ops::mean(x, axis, true);
    let (y_mean, p_mean) = (mean(y), mean(p));
    let variance = |x: Tensor| ops::var(x, axis, true);
    // The covariance is about the mean of the predictions, for targets too.
    let covariance = (y - &p_mean) * (p - &p_mean);
    let spread = variance(y - &y_mean) + variance(p - &p_mean) + (&y_mean - &p_mean).square();
    ops::mean(covariance * 2.0 / (spread + EPSILON), axis, false)
}
