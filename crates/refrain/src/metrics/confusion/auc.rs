//! The area under a curve of thresholds.

use super::samples::{Samples, row};
use super::thresholds::{check_number, check_thresholds};
use super::{Confusion, Curve, SummationMethod, Thresholds, four};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{Metric, Numbers};
use crate::ops::{self, Axes};
use crate::options;
use crate::tensor::Tensor;

options! {
    /// The area under the ROC or another curve, approximated at `num_thresholds` thresholds.
    ///
    /// ```
    /// use refrain::metrics::{Auc, Curve};
    /// let auc = Auc::new().curve(Curve::Pr).num_thresholds(50);
    /// let of_labels = Auc::new().multi_label(true).label_weights([1.0, 2.0, 1.0]);
    /// ```
    pub struct Auc as "AUC": Metric {
        /// How many thresholds there are in equal steps from 0 to 1, at least 2, unless `thresholds` are given.
        num_thresholds: i64 = 200,
        /// Which curve: ROC, precision over recall, or their gains.
        curve: Curve = Curve::Roc,
        /// How the area between two thresholds is approximated.
        summation_method: SummationMethod = SummationMethod::Interpolation,
        /// Whether each label of predictions `(samples, labels)` has a curve of its own, the areas being averaged, rather than
        /// all labels one curve.
        multi_label: bool = false,
        /// The number of labels of a `multi_label` AUC, where predictions of another number are to be refused.
        num_labels: Option<usize> = None,
        /// A non-negative weight for each label: of its area in the mean if `multi_label`, else of its predictions. All count
        /// alike by default.
        label_weights: Numbers = Numbers::default(),
        /// Whether predictions are logits, to which the sigmoid is applied, rather than probabilities.
        from_logits: bool = false,
        /// Thresholds in `[0, 1]` instead of equal steps; one below 0 and one above 1 are added.
        thresholds: Numbers = Numbers::default(),
    }
}

impl Auc {
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
        let single = self.label_weights.0.iter().map(|w| f64::from(*w as f32));
        let area = ops::sum(&(areas * weights), Axes::All, false);
        ops::divide_no_nan(&area, single.sum::<f64>()).checked()
    }
}

impl Confusion for Auc {
    /// Keras's thresholds: a little below 0, those given or even ones, a little above 1.
    fn thresholds(&self) -> Thresholds {
        if self.thresholds.0.is_empty() {
            return Thresholds::even(self.num_thresholds, true);
        }
        let mut all = [&self.thresholds.0[..], &[0.0, 1.0]].concat();
        all.sort_by(f64::total_cmp);
        Thresholds::new(all, true)
    }

    fn labels(&self, y_pred: &Tensor) -> Result<Option<usize>> {
        let wrong = |expected: String| {
            let received = format!("predictions of shape {}", y_pred.shape());
            Err(Error::mismatch(ErrorKind::Shape, expected, received))
        };
        let weights = self.label_weights.0.len();
        if weights > 0 && y_pred.dim(-1) != Some(weights) {
            return wrong(format!("a label for each of the {weights} label_weights"));
        }
        match (self.num_labels, y_pred.rank(), y_pred.dim(-1)) {
            _ if !self.multi_label => Ok(None),
            (Some(wanted), 2, Some(labels)) if wanted != labels => {
                wrong(format!("predictions of num_labels={wanted} labels"))
            }
            (_, 2, Some(labels)) => Ok(Some(labels)),
            _ => wrong("predictions of shape (samples, labels) for a multi_label AUC".to_owned()),
        }
    }

    fn select(&self, samples: Samples) -> Result<Samples> {
        let samples = samples.of_logits(self.from_logits);
        match self.multi_label {
            true => Ok(samples),
            false => samples.weigh_labels(&self.label_weights.0),
        }
    }

    fn value(&self, counts: &[Tensor]) -> Result<Tensor> {
        self.total(&self.curve.pieces(self.summation_method, four(counts)?))
    }

    fn check(&self) -> Result<()> {
        check_number(self.num_thresholds, 2)?;
        if self.num_labels.is_some() && !self.multi_label {
            let message = "`num_labels` is for an AUC that is multi_label";
            return Err(Error::new(ErrorKind::Config, message));
        }
        check_thresholds(&self.thresholds)
    }
}
