//! Boundaries between equal parts of data.

use crate::error::{Error, ErrorKind, Result};

/// Values in ascending order, and how many of the data each stands for.
struct Summary {
    values: Vec<f32>,
    weights: Vec<f32>,
}

/// The boundaries of so many bins, in each of which is about an equal part of the values.
pub(super) fn boundaries(values: &[f32], bins: usize, epsilon: f64) -> Result<Vec<f64>> {
    if values.is_empty() || bins == 0 {
        let received = format!("{bins} bins, {} values", values.len());
        return Err(Error::mismatch(
            ErrorKind::Config,
            "at least one bin and one value",
            received,
        ));
    }
    let summary = summarize(values, epsilon).compressed(epsilon);
    let mut found = summary.compressed(1.0 / bins as f64).values;
    found.pop();
    Ok(found.into_iter().map(f64::from).collect())
}

/// Values at equal distances in the order of all.
fn summarize(values: &[f32], epsilon: f64) -> Summary {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let step = (sorted.len() as f64 / (1.0 / epsilon)).max(1.0);
    let values = sorted
        .iter()
        .skip((step - 1.0) as usize)
        .step_by(step as usize);
    let values: Vec<f32> = values.copied().collect();
    let weights = vec![step as f32; values.len()];
    Summary { values, weights }
}

impl Summary {
    /// A summary of no more values than the precision needs.
    fn compressed(&self, epsilon: f64) -> Summary {
        if (self.values.len() as f64) * epsilon < 1.0 {
            return Summary {
                values: self.values.clone(),
                weights: self.weights.clone(),
            };
        }
        let running = self.weights.iter().scan(0.0_f32, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let running: Vec<f32> = running.collect();
        let total = running.last().copied().unwrap_or(1.0);
        let parts: Vec<f64> = running.iter().map(|sum| f64::from(sum / total)).collect();
        let count = (1.0 / epsilon).ceil() as usize;
        let wanted = (0..count).map(|i| epsilon + i as f64 * epsilon);
        let wanted: Vec<f64> = wanted.collect();
        let along = |ys: &[f32]| -> Vec<f64> {
            wanted
                .iter()
                .map(|&part| interpolate(part, &parts, ys))
                .collect()
        };
        let sums = along(&running);
        let before = std::iter::once(0.0).chain(sums.iter().copied());
        Summary {
            values: along(&self.values).into_iter().map(|v| v as f32).collect(),
            weights: sums
                .iter()
                .zip(before)
                .map(|(sum, before)| (sum - before) as f32)
                .collect(),
        }
    }
}

/// The value at `x` of straight lines through points, level outside them. `xs` are in ascending order.
fn interpolate(x: f64, xs: &[f64], ys: &[f32]) -> f64 {
    let y = |i: usize| f64::from(ys[i]);
    match xs.partition_point(|&at| at <= x) {
        0 => y(0),
        n if n == xs.len() => y(n - 1),
        n => y(n - 1) + (x - xs[n - 1]) * ((y(n) - y(n - 1)) / (xs[n] - xs[n - 1])),
    }
}
