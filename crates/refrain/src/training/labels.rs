//! What targets must be, checked once for each array that is fed.

use std::ops::Range;

use super::feed::Feed;
use crate::data::DataArray;
use crate::error::{Error, ErrorKind, Result};
use crate::losses::Targets;

/// How far probabilities may be off by rounding: a hundred times the precision of f32.
const ROUNDING: f64 = 1e-5;

/// What the targets of an output must be.
pub(crate) struct Labels {
    pub(crate) output: usize,
    pub(crate) name: String,
    /// The class of the loss.
    pub(crate) loss: &'static str,
    pub(crate) targets: Targets,
    /// Axes of the predictions, and how many classes they tell apart.
    pub(crate) rank: usize,
    pub(crate) classes: Option<usize>,
}

impl Labels {
    /// Refuses samples whose targets are not valid for the loss.
    ///
    /// # Errors
    /// `Data`, with the first such sample.
    pub(crate) fn check(&self, feed: &Feed<'_>) -> Result<()> {
        let Some(Some(y)) = feed.targets().get(self.output) else {
            return Ok(());
        };
        let rows = 0..feed.samples();
        let (found, what) = match (self.targets, self.classes) {
            (Targets::Classes { ignored, .. }, Some(classes)) => (
                outside(y, classes, ignored.map(|i| i as f64), rows),
                "label",
            ),
            (Targets::Probabilities | Targets::Distributions { .. }, _) => {
                let weights = feed.weight(self.output);
                (improbable(y, weights, self.leading(), rows), "target")
            }
            _ => return Ok(()),
        };
        let Some((sample, value)) = found else {
            return Ok(());
        };
        let received = format!("{what} {value} at sample {sample}");
        Err(Error::mismatch(ErrorKind::Data, self.expected(), received).hint(self.hint()))
    }

    /// Whether sample weights stand for the leading axes of the targets; they do not where classes lie before others.
    fn leading(&self) -> bool {
        match self.targets {
            Targets::Distributions { axis } => {
                axis == -1 || usize::try_from(axis).is_ok_and(|a| a + 1 == self.rank)
            }
            _ => true,
        }
    }

    fn expected(&self) -> String {
        let Labels { name, loss, .. } = self;
        match self.targets {
            Targets::Distributions { .. } => format!(
                "one-hot targets or probabilities for output `{name}`, whose loss is {loss}"
            ),
            Targets::Classes { .. } => {
                let classes = self.classes.unwrap_or(0);
                format!(
                    "class numbers from 0 to {} as targets of output `{name}`, which has {classes} classes",
                    classes.saturating_sub(1)
                )
            }
            _ => format!(
                "0 or 1, or probabilities, as targets of output `{name}`, whose loss is {loss}"
            ),
        }
    }

    fn hint(&self) -> &'static str {
        match self.targets {
            Targets::Distributions { .. } => {
                "Class numbers need SparseCategoricalCrossentropy; factors belong into the sample weights"
            }
            Targets::Classes { .. } => {
                "Give the output as many units as there are classes, or number the classes from 0"
            }
            _ => {
                "Scale or clip the targets, put factors into the sample weights, or take a loss for numbers, such as \
                 MeanSquaredError, one for class numbers, SparseCategoricalCrossentropy, or a loss of your own"
            }
        }
    }
}

/// The first value that is no whole number from 0 to below `size`, and its sample.
pub(crate) fn outside(
    array: &DataArray<'_>,
    size: usize,
    ignored: Option<f64>,
    rows: Range<usize>,
) -> Option<(usize, f64)> {
    let mut wrong = None;
    for sample in rows {
        array.for_each(sample, &mut |value| {
            // The comparisons are false for NaN.
            let valid = value >= 0.0 && value < size as f64 && value.fract() == 0.0;
            if !valid && ignored != Some(value) {
                wrong.get_or_insert((sample, value));
            }
        });
        if wrong.is_some() {
            break;
        }
    }
    wrong
}

/// The first value that is no probability, and its sample. What has no weight may be any number, but not NaN, which would
/// make the loss NaN all the same. Where it is not known which weight belongs to which value, a sample counts if none of
/// its weights is 0.
fn improbable(
    array: &DataArray<'_>,
    weights: Option<&DataArray<'_>>,
    leading: bool,
    mut rows: Range<usize>,
) -> Option<(usize, f64)> {
    let allowed = -ROUNDING..=1.0 + ROUNDING;
    if array.all_within(&allowed) {
        return None;
    }
    let leading = leading && weights.is_none_or(|w| array.dims().starts_with(w.dims()));
    rows.find_map(|sample| {
        let (mut values, mut weighed) = (Vec::new(), Vec::new());
        array.for_each(sample, &mut |value| values.push(value));
        if let Some(weights) = weights {
            weights.for_each(sample, &mut |weight| weighed.push(weight));
        }
        let each = values.len().checked_div(weighed.len()).unwrap_or(0).max(1);
        let counts = |i: usize| match leading {
            true => weighed.get(i / each).is_none_or(|w| *w != 0.0),
            false => weighed.iter().all(|w| *w != 0.0),
        };
        let wrong =
            |(i, value): &(usize, f64)| value.is_nan() || (!allowed.contains(value) && counts(*i));
        let found = values.into_iter().enumerate().find(wrong);
        found.map(|(_, value)| (sample, value))
    })
}
