//! The counts of a confusion matrix by themselves.

use super::thresholds::check_thresholds;
use super::{Confusion, Count, Thresholds};
use crate::error::Result;
use crate::metrics::{Metric, Numbers};
use crate::options;
use crate::tensor::Tensor;

/// Declares a metric of each count.
macro_rules! counts {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        options! {
            $(#[$meta])*
            pub struct $name: Metric {
                /// Predictions above it are positive: one number in `[0, 1]`, or several, each with a count of its own. 0.5 by
                /// default.
                thresholds: Numbers = Numbers::default(),
            }
        }

        impl Confusion for $name {
            const COUNTS: &'static [Count] = &[Count::$name];

            fn thresholds(&self) -> Thresholds {
                Thresholds::new(self.thresholds.or(0.5), false)
            }

            fn value(&self, counts: &[Tensor]) -> Result<Tensor> {
                counts[0].clone().checked()
            }

            fn check(&self) -> Result<()> {
                check_thresholds(&self.thresholds)
            }
        }
    )*};
}

counts! {
    /// The number of positive predictions whose target is positive; with sample weights, the sum of their weights.
    ///
    /// Targets are 0 or 1 in the shape of the predictions.
    ///
    /// ```
    /// use refrain::metrics::TruePositives;
    /// let at_each = TruePositives::new().thresholds([0.25, 0.5, 0.75]);
    /// ```
    TruePositives;
    /// The number of positive predictions whose target is negative; with sample weights, the sum of their weights.
    ///
    /// Targets are 0 or 1 in the shape of the predictions.
    ///
    /// ```
    /// use refrain::metrics::FalsePositives;
    /// let false_alarms = FalsePositives::new().thresholds(0.9).name("false_alarms");
    /// ```
    FalsePositives;
    /// The number of negative predictions whose target is negative; with sample weights, the sum of their weights.
    ///
    /// Targets are 0 or 1 in the shape of the predictions.
    ///
    /// ```
    /// use refrain::metrics::TrueNegatives;
    /// let strict = TrueNegatives::new().thresholds(0.9);
    /// ```
    TrueNegatives;
    /// The number of negative predictions whose target is positive; with sample weights, the sum of their weights.
    ///
    /// Targets are 0 or 1 in the shape of the predictions.
    ///
    /// ```
    /// use refrain::metrics::FalseNegatives;
    /// let missed = FalseNegatives::new().thresholds(0.1).name("missed");
    /// ```
    FalseNegatives;
}
