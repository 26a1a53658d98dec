//! Metrics of a confusion matrix at thresholds: its counts, and what is made of them.

mod at_constraint;
mod auc;
mod counts;
mod curve;
mod samples;
mod shares;
mod thresholds;

pub use at_constraint::{
    PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity,
};
pub use auc::Auc;
pub use counts::{FalseNegatives, FalsePositives, TrueNegatives, TruePositives};
pub use curve::{Curve, SummationMethod};
pub use shares::{Precision, Recall};

use samples::Samples;
use thresholds::Thresholds;

use super::delegate::delegate;
use super::{Direction, State};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::Tensor;

/// A count of a confusion matrix.
#[derive(Clone, Copy)]
enum Count {
    TruePositives,
    FalsePositives,
    TrueNegatives,
    FalseNegatives,
}

impl Count {
    /// In the order of Keras's variables.
    const ALL: &'static [Count] = &[
        Count::TruePositives,
        Count::FalsePositives,
        Count::TrueNegatives,
        Count::FalseNegatives,
    ];

    /// The name of its variable.
    fn name(self) -> &'static str {
        match self {
            Count::TruePositives => "true_positives",
            Count::FalsePositives => "false_positives",
            Count::TrueNegatives => "true_negatives",
            Count::FalseNegatives => "false_negatives",
        }
    }
}

/// A metric made of counts of a confusion matrix, one at each threshold.
trait Confusion {
    /// Those that it keeps.
    const COUNTS: &'static [Count] = Count::ALL;

    fn thresholds(&self) -> Thresholds;

    /// How many labels have counts of their own; `None`: all are counted together.
    fn labels(&self, _y_pred: &Tensor) -> Result<Option<usize>> {
        Ok(None)
    }

    /// What is counted.
    fn select(&self, samples: Samples) -> Result<Samples> {
        Ok(samples)
    }

    /// The metric of the counts.
    fn value(&self, counts: &[Tensor]) -> Result<Tensor>;

    fn check(&self) -> Result<()>;
}

/// A [`Confusion`] as a metric.
struct Counted<'m, M>(&'m M);

impl<M: Confusion> Counted<'_, M> {
    fn state(&self, y_pred: &Tensor) -> Result<Vec<State>> {
        let mut shape = vec![self.0.thresholds().len()];
        shape.extend(self.0.labels(y_pred)?);
        let states = M::COUNTS
            .iter()
            .map(|count| State::new(count.name(), shape.clone()));
        Ok(states.collect())
    }

    fn update(
        &self,
        state: &[Tensor],
        y: &Tensor,
        p: &Tensor,
        weight: Option<&Tensor>,
    ) -> Result<Vec<Tensor>> {
        let samples = self.0.select(Samples::new(y, p, weight)?)?;
        let by_label = self.0.labels(p)?.is_some();
        let batch = samples.count(&self.0.thresholds(), M::COUNTS, by_label)?;
        Ok(state.iter().zip(batch).map(|(s, by)| s + by).collect())
    }

    fn result(&self, state: &[Tensor]) -> Result<Tensor> {
        self.0.value(state)?.checked()
    }

    fn validate(&self) -> Result<()> {
        self.0.check()
    }
}

/// All four counts.
fn four(counts: &[Tensor]) -> Result<&[Tensor; 4]> {
    counts
        .try_into()
        .map_err(|_| Error::new(ErrorKind::Internal, "a confusion matrix has four counts"))
}

/// What part a count is of itself and another; 0 where both are 0.
fn share(of: &Tensor, other: &Tensor) -> Tensor {
    ops::divide_no_nan(of, &(of + other))
}

delegate! {
    TruePositives(m): Counted(m), None;
    FalsePositives(m): Counted(m), None;
    TrueNegatives(m): Counted(m), None;
    FalseNegatives(m): Counted(m), None;
    Precision(m): Counted(m), Some(Direction::Up);
    Recall(m): Counted(m), Some(Direction::Up);
    SensitivityAtSpecificity(m): Counted(m), Some(Direction::Up);
    SpecificityAtSensitivity(m): Counted(m), Some(Direction::Up);
    PrecisionAtRecall(m): Counted(m), Some(Direction::Up);
    RecallAtPrecision(m): Counted(m), Some(Direction::Up);
    Auc(m): Counted(m), Some(Direction::Up);
}
