//! Precision and recall.

use super::samples::{NEGATIVE, Samples};
use super::thresholds::check_thresholds;
use super::{Confusion, Count, Thresholds, share};
use crate::error::Result;
use crate::metrics::{Metric, Numbers};
use crate::options;
use crate::tensor::Tensor;

/// Declares a metric that is the share of true positives among them and those of another count.
macro_rules! shares {
    ($($(#[$meta:meta])* $name:ident among $other:ident;)*) => {$(
        options! {
            $(#[$meta])*
            pub struct $name: Metric {
                /// Predictions above it are positive: one number in `[0, 1]`, or several, each with a result of its own. 0.5 by
                /// default; with `top_k` all of the largest are positive by default.
                thresholds: Numbers = Numbers::default(),
                /// How many of the largest predictions along the last axis may be positive; all by default.
                top_k: Option<usize> = None,
                /// The only class that counts, an index of the last axis; all by default.
                class_id: Option<usize> = None,
            }
        }

        impl Confusion for $name {
            const COUNTS: &'static [Count] = &[Count::TruePositives, Count::$other];

            fn thresholds(&self) -> Thresholds {
                Thresholds::new(self.thresholds.or(self.top_k.map_or(0.5, |_| NEGATIVE)), false)
            }

            fn select(&self, samples: Samples) -> Result<Samples> {
                samples.top_k(self.top_k).class(self.class_id)
            }

            fn value(&self, counts: &[Tensor]) -> Result<Tensor> {
                share(&counts[0], &counts[1]).checked()
            }

            fn check(&self) -> Result<()> {
                check_thresholds(&self.thresholds)
            }
        }
    )*};
}

shares! {
    /// The share of true positives among all positive predictions: `tp / (tp + fp)`; 0 where there are none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions. Several `thresholds` have a result each.
    ///
    /// ```
    /// use refrain::metrics::Precision;
    /// let strict = Precision::new().thresholds(0.9);
    /// let of_five = Precision::new().top_k(5).class_id(2);
    /// let curve = Precision::new().thresholds([0.25, 0.5, 0.75]);
    /// ```
    Precision among FalsePositives;
    /// The share of true positives among all positive targets: `tp / (tp + fn)`; 0 where there are none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions. Several `thresholds` have a result each.
    ///
    /// ```
    /// use refrain::metrics::Recall;
    /// let strict = Recall::new().thresholds(0.9);
    /// let of_five = Recall::new().top_k(5).class_id(2);
    /// let curve = Recall::new().thresholds([0.25, 0.5, 0.75]);
    /// ```
    Recall among FalseNegatives;
}
