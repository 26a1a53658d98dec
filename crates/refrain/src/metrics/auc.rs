//! The area under a curve of thresholds.

use super::confusion::{Samples, Thresholds, check_thresholds, row};
use super::{Direction, Metric, MetricClass, Numbers, State};
use crate::config::words;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

/// Keras's epsilon.
const EPSILON: f64 = 1e-7;

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

options! {
    /// The area under the ROC or another curve, approximated at `num_thresholds` thresholds.
    ///
    /// ```
    /// use refrain::metrics::{Auc, Curve};
    /// let auc = Auc::new().curve(Curve::Pr).num_thresholds(50);
    /// let of_labels = Auc::new().multi_label(true).label_weights([1.0, 2.0, 1.0]);
    /// ```
    pub struct Auc as "AUC": Metric {
        /// How many thresholds, unless they are given.
        num_thresholds: i64 = 200,
        /// Which curve.
        curve: Curve = Curve::Roc,
        /// How the area between two thresholds is made.
        summation_method: SummationMethod = SummationMethod::Interpolation,
        /// Whether each label has a curve of its own; the areas are averaged.
        multi_label: bool = false,
        /// How many labels there are, if that is to be made sure.
        num_labels: Option<usize> = None,
        /// How much each label counts.
        label_weights: Numbers = Numbers::default(),
        /// Whether predictions are logits rather than probabilities.
        from_logits: bool = false,
        /// Thresholds between 0 and 1, besides these two.
        thresholds: Numbers = Numbers::default(),
    }
}

impl Auc {
    /// Keras's thresholds: a little below 0, those given or even ones, a little above 1.
    fn all_thresholds(&self) -> Thresholds {
        let mut inner = self.thresholds.0.clone();
        if inner.is_empty() {
            return Thresholds::Even(usize::try_from(self.num_thresholds).unwrap_or(0));
        }
        inner.sort_by(f64::total_cmp);
        let count = inner.len() + 2;
        let even = |(i, t): (usize, &f64)| {
            let wanted = (i + 1) as f64 / (count - 1) as f64;
            (t - wanted).abs() <= EPSILON + 1e-5 * wanted
        };
        if inner.iter().enumerate().all(even) {
            return Thresholds::Even(count);
        }
        inner.insert(0, -EPSILON);
        inner.push(1.0 + EPSILON);
        Thresholds::These(inner)
    }

    /// The area from what lies between one threshold and the next.
    fn total(&self, pieces: &Tensor) -> Result<Tensor> {
        if !self.multi_label {
            return ops::sum(pieces, Axes::All, false).checked();
        }
        let areas = ops::sum(pieces, 0, false);
        if self.label_weights.0.is_empty() {
            return ops::mean(&areas, Axes::All, false).checked();
        }
        let weights = row(&self.label_weights.0)?;
        let sum: f64 = self
            .label_weights
            .0
            .iter()
            .map(|w| f64::from(*w as f32))
            .sum();
        let area = ops::sum(&(areas * weights), Axes::All, false);
        ops::divide_no_nan(&area, sum).checked()
    }

    /// Pieces of the area under precisions whose positives are interpolated.
    fn interpolated([tp, fp, _, fn_]: [&Tensor; 4]) -> Tensor {
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

    /// The points of the curve.
    fn points(&self, [tp, fp, tn, fn_]: [&Tensor; 4]) -> (Tensor, Tensor) {
        let share = |of: &Tensor, others: &Tensor| ops::divide_no_nan(of, &(of + others));
        match self.curve {
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

/// All thresholds but the last.
fn first(x: &Tensor) -> Tensor {
    x.slice(..-1)
}

/// All thresholds but the first.
fn rest(x: &Tensor) -> Tensor {
    x.slice(1..)
}

/// Each prediction is compared with every threshold: more would take memory beyond all use.
const MOST_THRESHOLDS: i64 = 1 << 20;

impl MetricClass for Auc {
    fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        let mut shape = vec![self.all_thresholds().len()];
        let wrong = |expected: String| {
            let received = format!("predictions of shape {}", y_pred.shape());
            Err(Error::mismatch(ErrorKind::Shape, expected, received))
        };
        let weights = self.label_weights.0.len();
        if weights > 0 && y_pred.dim(-1) != Some(weights) {
            return wrong(format!("a label for each of the {weights} label_weights"));
        }
        if self.multi_label {
            let (2, Some(labels)) = (y_pred.rank(), y_pred.dim(-1)) else {
                return wrong(
                    "predictions of shape (samples, labels) for a multi_label AUC".to_owned(),
                );
            };
            if let Some(wanted) = self.num_labels.filter(|n| *n != labels) {
                return wrong(format!("predictions of num_labels={wanted} labels"));
            }
            shape.push(labels);
        }
        let names = [
            "true_positives",
            "false_positives",
            "true_negatives",
            "false_negatives",
        ];
        Ok(names.map(|name| State::new(name, shape.clone())).into())
    }

    fn update(
        &self,
        state: &[Tensor],
        y_true: &Tensor,
        y_pred: &Tensor,
        sample_weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let p = match self.from_logits {
            true => ops::sigmoid(y_pred),
            false => y_pred.clone(),
        };
        let mut samples = Samples::new(y_true, &p, sample_weight)?;
        if !self.multi_label {
            samples = samples.weigh_labels(&self.label_weights.0)?;
        }
        let batch = samples.count(&self.all_thresholds(), self.multi_label)?;
        Ok(state.iter().zip(batch).map(|(s, by)| s + by).collect())
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        let [tp, fp, tn, fn_] = state else {
            return Err(Error::new(ErrorKind::Internal, "an AUC has four variables"));
        };
        let counts = [tp, fp, tn, fn_];
        if (self.curve, self.summation_method) == (Curve::Pr, SummationMethod::Interpolation) {
            return self.total(&Auc::interpolated(counts));
        }
        let (x, y) = self.points(counts);
        let heights = match self.summation_method {
            SummationMethod::Interpolation => (first(&y) + rest(&y)) / 2.0,
            SummationMethod::Minoring => ops::minimum(&first(&y), &rest(&y)),
            SummationMethod::Majoring => ops::maximum(&first(&y), &rest(&y)),
        };
        self.total(&((first(&x) - rest(&x)) * heights))
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn validate(&self) -> Result<()> {
        if !(2..=MOST_THRESHOLDS).contains(&self.num_thresholds) {
            let expected = format!("num_thresholds from 2 to {MOST_THRESHOLDS}");
            let received = self.num_thresholds.to_string();
            return Err(Error::mismatch(ErrorKind::Config, expected, received));
        }
        if self.num_labels.is_some() && !self.multi_label {
            let message = "`num_labels` is for an AUC that is multi_label";
            return Err(Error::new(ErrorKind::Config, message));
        }
        check_thresholds(&self.thresholds)
    }
}
