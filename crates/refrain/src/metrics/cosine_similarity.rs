//! The cosine of the angle between targets and predictions.

use super::base_similarity::similarity;
use crate::ops;

similarity! {
    /// The cosine of the angle between targets and predictions, from -1 to 1.
    ///
    /// ```
    /// use refrain::metrics::CosineSimilarity;
    /// let similarity = CosineSimilarity::new().axis(1);
    /// ```
    CosineSimilarity = cosine
}

fn cosine(y: &Tensor, p: &Tensor, axis: i64) -> Tensor {
    let unit = |x: &Tensor| ops::normalize(x, axis, 2, None);
    ops::sum(unit(y) * unit(p), axis, false)
}
