//! What predictions are compared with.

use crate::config::EPSILON;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Numbers;
use crate::ops;
use crate::tensor::Tensor;

use super::samples::constant;

/// Each prediction is compared with every threshold: more would take memory beyond all use.
const MOST: i64 = 1 << 20;

/// Thresholds in the order of the results.
pub(super) enum Thresholds {
    These(Vec<f64>),
    /// From 0 to 1 in equal steps, as many as there are; predictions beyond the first and the last are cut.
    Even {
        count: usize,
        /// Whether the first lies a little below 0 and the last a little above 1.
        padded: bool,
    },
}

impl Thresholds {
    /// As many as given, in equal steps.
    pub(super) fn even(count: i64, padded: bool) -> Self {
        let count = usize::try_from(count).unwrap_or(0);
        Thresholds::Even { count, padded }
    }

    /// These, in the form that Keras takes them in.
    pub(super) fn new(mut all: Vec<f64>, padded: bool) -> Self {
        let count = all.len();
        let even = |(i, t): (usize, &f64)| {
            let wanted = i as f64 / (count - 1) as f64;
            (t - wanted).abs() <= EPSILON + 1e-5 * wanted
        };
        if count > 2 && all.iter().enumerate().all(even) {
            return Thresholds::Even { count, padded };
        }
        if let ([first, .., last], true) = (&mut all[..], padded) {
            (*first, *last) = (-EPSILON, 1.0 + EPSILON);
        }
        Thresholds::These(all)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Thresholds::These(all) => all.len(),
            Thresholds::Even { count, .. } => *count,
        }
    }

    /// Whether predictions `(1, …)` are above each of the thresholds.
    pub(super) fn exceeded(&self, p: &Tensor) -> Result<Tensor> {
        p.check()?;
        let column = |values: Vec<f64>| {
            let mut dims = vec![1; p.rank()];
            dims[0] = values.len();
            constant(dims, values)
        };
        Ok(match self {
            Thresholds::These(all) => ops::greater(p, &column(all.clone())?),
            &Thresholds::Even { count, padded } => {
                // Keras finds the interval that a prediction lies in, with the rounding of this product.
                let steps = ops::clip(p, 0.0, 1.0) * (count as f64 - 1.0);
                let mut interval = steps.ceil() - 1.0;
                if padded {
                    interval = interval.relu();
                }
                let numbers = (0..count).map(|i| i as f64).collect();
                ops::greater_equal(&interval, &column(numbers)?)
            }
        })
    }
}

/// Refuses thresholds that no probability can be compared with.
pub(super) fn check_thresholds(thresholds: &Numbers) -> Result<()> {
    let wrong = thresholds.0.iter().find(|t| !(0.0..=1.0).contains(*t));
    wrong.map_or(Ok(()), |t| mismatch("thresholds between 0 and 1", t))
}

/// Refuses numbers of thresholds that none or no machine has.
pub(super) fn check_number(num_thresholds: i64, least: i64) -> Result<()> {
    match (least..=MOST).contains(&num_thresholds) {
        true => Ok(()),
        false => mismatch(
            format!("num_thresholds from {least} to {MOST}"),
            num_thresholds,
        ),
    }
}

pub(super) fn mismatch(expected: impl Into<String>, received: impl ToString) -> Result<()> {
    Err(Error::mismatch(
        ErrorKind::Config,
        expected,
        received.to_string(),
    ))
}
