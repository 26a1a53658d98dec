//! Similarities of vectors of targets and of predictions.

use super::{Direction, Metric, MetricClass};
use crate::error::Result;
use crate::losses::align_ranks;
use crate::ops;
use crate::options;
use crate::tensor::Tensor;

/// Declares metrics that compare vectors along an axis.
macro_rules! similarities {
    ($($(#[$meta:meta])* $name:ident = $function:ident;)*) => {$(
        options! {
            $(#[$meta])*
            pub struct $name: Metric {
                /// The axis of the vectors.
                axis: i64 = -1,
            }
        }

        impl MetricClass for $name {
            fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
                let (y, p) = align_ranks(&ops::cast(y_true, y_pred.dtype()), y_pred)?;
                $function(&y, &p, self.axis).checked()
            }

            fn direction(&self) -> Option<Direction> {
                Some(Direction::Up)
            }
        }
    )*};
}

similarities! {
    /// The cosine of the angle between targets and predictions, from -1 to 1.
    ///
    /// ```
    /// use refrain::metrics::CosineSimilarity;
    /// let similarity = CosineSimilarity::new().axis(1);
    /// ```
    CosineSimilarity = cosine;
    /// Pearson's coefficient of the correlation of targets and predictions, from -1 to 1.
    ///
    /// ```
    /// use refrain::metrics::PearsonCorrelation;
    /// let correlation = PearsonCorrelation::new().axis(1);
    /// ```
    PearsonCorrelation = pearson;
    /// Lin's coefficient of the concordance of targets and predictions, computed as Keras computes it.
    ///
    /// ```
    /// use refrain::metrics::ConcordanceCorrelation;
    /// let correlation = ConcordanceCorrelation::new();
    /// ```
    ConcordanceCorrelation = concordance;
}

fn cosine(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let unit = |x: &Tensor| ops::normalize(x, axis, 2, None);
    ops::sum(unit(y) * unit(p), axis, false)
}

fn pearson(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let standard = |x: &Tensor| {
        let centered = x - ops::mean(x, axis, true);
        &centered / ops::std(&centered, axis, true)
    };
    ops::mean(standard(y) * standard(p), axis, false)
}

fn concordance(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let mean = |x: &Tensor| ops::mean(x, axis, true);
    let (y_mean, p_mean) = (mean(y), mean(p));
    let variance = |x: Tensor| ops::var(x, axis, true);
    // The covariance is about the mean of the predictions, for targets too.
    let covariance = (y - &p_mean) * (p - &p_mean);
    let spread = variance(y - &y_mean) + variance(p - &p_mean) + (&y_mean - &p_mean).square();
    ops::mean(covariance * 2.0 / (spread + 1e-7), axis, false)
}
