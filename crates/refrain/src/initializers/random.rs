//! Random numbers of several distributions.

use refrain_graph::philox::Philox;

use super::FanMode;
use crate::error::{Error, ErrorKind, Result};

/// Standard deviation of a standard normal distribution cut at ±2.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;
/// Where truncated normal numbers are cut, in standard deviations.
const TRUNCATED_LIMIT: f64 = 2.0;

pub(super) fn uniform(n: usize, low: f64, high: f64, rng: &mut Philox) -> Vec<f64> {
    (0..n)
        .map(|_| low + (high - low) * f64::from(rng.uniform()))
        .collect()
}

pub(super) fn truncated_normal(n: usize, mean: f64, stddev: f64, rng: &mut Philox) -> Vec<f64> {
    let mut draw = || loop {
        let x = f64::from(rng.normal());
        if x.abs() <= TRUNCATED_LIMIT {
            return mean + stddev * x;
        }
    };
    (0..n).map(|_| draw()).collect()
}

/// Inputs and outputs of a unit: the last two axes times the receptive field before them.
pub(super) fn fans(shape: &[usize]) -> (f64, f64) {
    match shape {
        [] => (1.0, 1.0),
        [n] => (*n as f64, *n as f64),
        [field @ .., inputs, outputs] => {
            let field: usize = field.iter().product();
            ((inputs * field) as f64, (outputs * field) as f64)
        }
    }
}

/// The number of elements of these axes together.
pub(super) fn axis_sizes(shape: &[usize], axes: &[i64]) -> Result<f64> {
    let rank = shape.len() as i64;
    let size = |&axis: &i64| {
        let from_start = if axis < 0 {
            axis.checked_add(rank)?
        } else {
            axis
        };
        let size = shape.get(usize::try_from(from_start).ok()?)?;
        Some(*size as f64)
    };
    let sizes: Option<Vec<f64>> = axes.iter().map(size).collect();
    let sizes = sizes.ok_or_else(|| {
        Error::mismatch(
            ErrorKind::Config,
            format!("axes of a weight of shape {shape:?} as `input_axes` and `output_axes`"),
            format!("{axes:?}"),
        )
    })?;
    Ok(sizes.iter().product())
}

pub(super) fn fan(mode: FanMode, (inputs, outputs): (f64, f64)) -> f64 {
    match mode {
        FanMode::In => inputs,
        FanMode::Out => outputs,
        FanMode::Average => (inputs + outputs) / 2.0,
    }
}

/// Truncated normal numbers of mean 0 and this variance, once they are cut.
pub(super) fn truncated_normal_of(n: usize, variance: f64, rng: &mut Philox) -> Vec<f64> {
    truncated_normal(n, 0.0, variance.sqrt() / TRUNCATED_STDDEV, rng)
}

pub(super) fn matrix_needed(class: &str, shape: &[usize]) -> Error {
    Error::mismatch(
        ErrorKind::Config,
        format!("a matrix for the initializer {class}"),
        format!("a weight of shape {shape:?}"),
    )
}

/// The orthogonal factor of a random normal matrix: all leading axes together are its rows.
pub(super) fn orthogonal(shape: &[usize], gain: f64, rng: &mut Philox) -> Result<Vec<f64>> {
    let [leading @ .., columns] = shape else {
        return Err(matrix_needed("Orthogonal", shape));
    };
    if leading.is_empty() {
        return Err(matrix_needed("Orthogonal", shape));
    }
    let (rows, columns) = (leading.iter().product::<usize>(), *columns);
    let (long, short) = (rows.max(columns), rows.min(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(short);
    for _ in 0..short {
        vectors.push(next_orthonormal(&vectors, long, rng));
    }
    let element = |i: usize| {
        let (r, c) = (i / columns, i % columns);
        gain * if rows >= columns {
            vectors[c][r]
        } else {
            vectors[r][c]
        }
    };
    Ok((0..rows * columns).map(element).collect())
}

/// A random unit vector at right angles to the ones given.
fn next_orthonormal(basis: &[Vec<f64>], n: usize, rng: &mut Philox) -> Vec<f64> {
    // Below this share of its length a vector is mostly rounding error and is drawn again.
    const SMALLEST_REST: f64 = 1e-6;
    loop {
        let mut v: Vec<f64> = (0..n).map(|_| f64::from(rng.normal())).collect();
        let before = norm(&v);
        // Twice is enough to be orthogonal to machine precision.
        for _ in 0..2 {
            for b in basis {
                let dot: f64 = v.iter().zip(b).map(|(x, y)| x * y).sum();
                v.iter_mut().zip(b).for_each(|(x, y)| *x -= dot * y);
            }
        }
        let after = norm(&v);
        if after > SMALLEST_REST * before {
            v.iter_mut().for_each(|x| *x /= after);
            return v;
        }
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}
