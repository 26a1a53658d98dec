//! Curves over thresholds, and the areas below them.

use super::share;
use crate::config::words;
use crate::ops;
use crate::tensor::Tensor;

/// A curve over all thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Recall over the rate of false positives.
    Roc,
    /// Precision over recall.
    Pr,
    /// The gain of precision over the gain of recall.
    PrGain,
}

/// How the area between two thresholds is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummationMethod {
    /// Trapezoids; under a curve of precisions, of interpolated positives.
    Interpolation,
    /// Rectangles that lie under the curve.
    Minoring,
    /// Rectangles that contain it.
    Majoring,
}

words! {
    Curve, "ROC, PR or PRGAIN" { Roc = "ROC" | "roc", Pr = "PR" | "pr", PrGain = "PRGAIN" | "prgain" }
    SummationMethod, "interpolation, minoring or majoring" {
        Interpolation = "interpolation" | "Interpolation",
        Minoring = "minoring" | "Minoring",
        Majoring = "majoring" | "Majoring"
    }
}

impl Curve {
    /// What lies below the curve between each threshold and the next.
    pub(super) fn pieces(self, method: SummationMethod, counts: &[Tensor; 4]) -> Tensor {
        if (self, method) == (Curve::Pr, SummationMethod::Interpolation) {
            return interpolated(counts);
        }
        let (x, y) = self.points(counts);
        let heights = match method {
            SummationMethod::Interpolation => (first(&y) + rest(&y)) / 2.0,
            SummationMethod::Minoring => ops::minimum(&first(&y), &rest(&y)),
            SummationMethod::Majoring => ops::maximum(&first(&y), &rest(&y)),
        };
        (first(&x) - rest(&x)) * heights
    }

    /// The points of the curve.
    fn points(self, [tp, fp, tn, fn_]: &[Tensor; 4]) -> (Tensor, Tensor) {
        match self {
            Curve::Roc => (share(fp, tn), share(tp, fn_)),
            Curve::Pr => (share(tp, fn_), share(tp, fp)),
            Curve::PrGain => {
                let scale = ops::divide_no_nan(&(tp + fn_), &(tn + fp));
                let gain = |wrong: &Tensor, of_none: f64| {
                    let gain = 1.0 - &scale * ops::divide_no_nan(wrong, tp);
                    ops::where_(&ops::equal(tp, 0.0), of_none, &gain)
                };
                (ops::maximum(&gain(fn_, 0.0), 0.0), gain(fp, 1.0))
            }
        }
    }
}

/// Pieces of the area under precisions whose positives are interpolated.
fn interpolated([tp, fp, _, fn_]: &[Tensor; 4]) -> Tensor {
    let drop = |x: &Tensor| first(x) - rest(x);
    let (hits, positives) = (drop(tp), tp + fp);
    let slope = ops::divide_no_nan(&hits, &ops::maximum(&drop(&positives), 0.0));
    let (before, after) = (first(&positives), rest(&positives));
    let intercept = rest(tp) - &slope * &after;
    let both = ops::logical_and(&ops::greater(&before, 0.0), &ops::greater(&after, 0.0));
    let ratio = ops::divide_no_nan(&before, &ops::maximum(&after, 0.0));
    let ratio = ops::where_(&both, &ratio, &ops::ones_like(&after, None));
    let area = slope * (hits + intercept * ratio.log());
    ops::divide_no_nan(&area, &ops::maximum(&(rest(tp) + rest(fn_)), 0.0))
}

/// All thresholds but the last.
fn first(x: &Tensor) -> Tensor {
    x.slice(..-1)
}

/// All thresholds but the first.
fn rest(x: &Tensor) -> Tensor {
    x.slice(1..)
}
