//! Sensitivity at specificity, specificity at sensitivity, precision at recall, and recall at precision.

use super::samples::Samples;
use super::thresholds::{check_number, mismatch};
use super::{Confusion, Thresholds, four, share};
use crate::error::Result;
use crate::metrics::Metric;
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

/// Declares a metric with its bound, and the shares that are made best and bounded.
macro_rules! at_constraint {
    ($($(#[$meta:meta])* $name:ident at least $bound:ident: |$tp:pat_param, $fp:pat_param, $tn:pat_param, $fn:pat_param|
        best $best:expr, bounded $bounded:expr;)*) => {$(
        options! {
            $(#[$meta])*
            pub struct $name: Metric [
                /// The smallest value that the bounded rate may have, in `[0, 1]`.
                $bound: f64,
            ] {
                /// How many thresholds are tried, in equal steps from 0 to 1; a single one is 0.5.
                num_thresholds: i64 = 200,
                /// The only class that counts, an index of the last axis; all by default.
                class_id: Option<usize> = None,
            }
        }

        impl Confusion for $name {
            fn thresholds(&self) -> Thresholds {
                match self.num_thresholds {
                    1 => Thresholds::These(vec![0.5]),
                    count => Thresholds::even(count, false),
                }
            }

            fn select(&self, samples: Samples) -> Result<Samples> {
                samples.class(self.class_id)
            }

            fn value(&self, counts: &[Tensor]) -> Result<Tensor> {
                let [$tp, $fp, $tn, $fn] = four(counts)?;
                let allowed = ops::greater_equal(&$bounded, self.$bound);
                let best = ops::max(&ops::where_(&allowed, &$best, 0.0), Axes::All, false);
                ops::maximum(&best, 0.0).checked()
            }

            fn check(&self) -> Result<()> {
                check_number(self.num_thresholds, 1)?;
                match (0.0..=1.0).contains(&self.$bound) {
                    true => Ok(()),
                    false => mismatch(concat!(stringify!($bound), " between 0 and 1"), self.$bound),
                }
            }
        }
    )*};
}

at_constraint! {
    /// The largest sensitivity, `tp / (tp + fn)`, among the thresholds whose specificity, `tn / (tn + fp)`, is at least the
    /// given one; 0 if there is none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions, which are probabilities.
    ///
    /// ```
    /// use refrain::metrics::SensitivityAtSpecificity;
    /// let sensitivity = SensitivityAtSpecificity::new(0.9).num_thresholds(50);
    /// ```
    SensitivityAtSpecificity at least specificity: |tp, fp, tn, fn_| best share(tp, fn_), bounded share(tn, fp);
    /// The largest specificity, `tn / (tn + fp)`, among the thresholds whose sensitivity, `tp / (tp + fn)`, is at least the
    /// given one; 0 if there is none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions, which are probabilities.
    ///
    /// ```
    /// use refrain::metrics::SpecificityAtSensitivity;
    /// let specificity = SpecificityAtSensitivity::new(0.9).class_id(1);
    /// ```
    SpecificityAtSensitivity at least sensitivity: |tp, fp, tn, fn_| best share(tn, fp), bounded share(tp, fn_);
    /// The largest precision, `tp / (tp + fp)`, among the thresholds whose recall, `tp / (tp + fn)`, is at least the given one;
    /// 0 if there is none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions, which are probabilities.
    ///
    /// ```
    /// use refrain::metrics::PrecisionAtRecall;
    /// let precision = PrecisionAtRecall::new(0.8).num_thresholds(50);
    /// ```
    PrecisionAtRecall at least recall: |tp, fp, _, fn_| best share(tp, fp), bounded share(tp, fn_);
    /// The largest recall, `tp / (tp + fn)`, among the thresholds whose precision, `tp / (tp + fp)`, is at least the given one;
    /// 0 if there is none.
    ///
    /// Targets are 0 or 1 in the shape of the predictions, which are probabilities.
    ///
    /// ```
    /// use refrain::metrics::RecallAtPrecision;
    /// let recall = RecallAtPrecision::new(0.8).class_id(1);
    /// ```
    RecallAtPrecision at least precision: |tp, fp, _, fn_| best share(tp, fn_), bounded share(tp, fp);
}
