//! Random first values.

use std::cell::RefCell;

use refrain_graph::philox::Philox;

use super::{Distribution, FanMode, Initializer};
use crate::error::{Error, ErrorKind, Result};

/// Standard deviation of a standard normal distribution cut at ±2.
const TRUNCATED_STDDEV: f64 = 0.879_625_661_034_239_8;
/// Where truncated normal numbers are cut, in standard deviations.
const TRUNCATED_LIMIT: f64 = 2.0;

thread_local! {
    static SEEDS: RefCell<Philox> = RefCell::new(Philox::new(fresh_seed()));
}

/// A seed that differs between runs.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}

/// Makes everything random on this thread (first weights, dropout, shuffling) a function of this seed.
///
/// The seed counts for the thread that calls: another thread draws from a seed of its own, which differs in each run until
/// the function is called there too. So what other threads do, and in which order, never changes the numbers of this one.
/// (Keras's `keras.utils.set_random_seed` is one seed for the whole process.) What a layer or a model has drawn goes with
/// it: a model made under a seed starts with the same weights and drops the same elements, whichever thread trains it; only
/// the order in which `fit` shuffles is drawn on the thread that calls `fit`, unless it is given a
/// [`seed`](crate::training::Fit::seed).
///
/// ```
/// use refrain::initializers::{Initializer, set_random_seed};
/// use refrain::{input, layers::Dense, layers::Layer};
/// let first_weight = || -> refrain::Result<f64> {
///     let layer = Dense::new(1);
///     layer.call(&input([1]))?;
///     Ok(layer.weights()[0].value()?.to_f64()[0])
/// };
/// set_random_seed(42);
/// let here = first_weight()?;
/// set_random_seed(42);
/// assert_eq!(first_weight()?, here);
/// let there = std::thread::spawn(move || {
///     set_random_seed(42);
///     first_weight()
/// });
/// assert_eq!(there.join().expect("the thread ends")?, here);
/// # Ok::<(), refrain::Error>(())
/// ```
pub fn set_random_seed(seed: u64) {
    SEEDS.set(Philox::new(seed));
}

/// The next seed of this thread.
pub(crate) fn next_seed() -> u64 {
    SEEDS.with_borrow_mut(|p| u64::from(p.next_u32()) << 32 | u64::from(p.next_u32()))
}

/// A generator with this seed, or the next of this thread.
pub(crate) fn rng(seed: Option<u64>) -> Philox {
    Philox::new(seed.unwrap_or_else(next_seed))
}

/// Values of a random initializer.
pub(super) fn values(initializer: &Initializer, shape: &[usize]) -> Result<Vec<f64>> {
    let n: usize = shape.iter().product();
    Ok(match initializer {
        &Initializer::RandomNormal { mean, stddev, seed } => {
            let mut rng = rng(seed);
            (0..n)
                .map(|_| mean + stddev * f64::from(rng.normal()))
                .collect()
        }
        &Initializer::RandomUniform {
            minval,
            maxval,
            seed,
        } => uniform(n, minval, maxval, &mut rng(seed)),
        &Initializer::TruncatedNormal { mean, stddev, seed } => {
            truncated_normal(n, mean, stddev, &mut rng(seed))
        }
        Initializer::VarianceScaling {
            scale,
            mode,
            distribution,
            seed,
            input_axes,
            output_axes,
            ..
        } => {
            let fans = match (input_axes, output_axes) {
                (Some(inputs), Some(outputs)) => (sizes(shape, inputs)?, sizes(shape, outputs)?),
                _ => fans(shape),
            };
            let variance = variance(*scale, fan(*mode, fans))?;
            variance_scaling(n, variance, *distribution, &mut rng(*seed))
        }
        &Initializer::Orthogonal { gain, seed } => orthogonal(shape, gain, &mut rng(seed))?,
        _ => return Err(Error::new(ErrorKind::Internal, "not a random initializer")),
    })
}

fn uniform(n: usize, low: f64, high: f64, rng: &mut Philox) -> Vec<f64> {
    (0..n)
        .map(|_| low + (high - low) * f64::from(rng.uniform()))
        .collect()
}

fn truncated_normal(n: usize, mean: f64, stddev: f64, rng: &mut Philox) -> Vec<f64> {
    let mut draw = || loop {
        let x = f64::from(rng.normal());
        if x.abs() <= TRUNCATED_LIMIT {
            return mean + stddev * x;
        }
    };
    (0..n).map(|_| draw()).collect()
}

/// Inputs and outputs of a unit: the last two axes times the receptive field before them.
pub(crate) fn fans(shape: &[usize]) -> (f64, f64) {
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
fn sizes(shape: &[usize], axes: &[i64]) -> Result<f64> {
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

fn fan(mode: FanMode, (inputs, outputs): (f64, f64)) -> f64 {
    match mode {
        FanMode::In => inputs,
        FanMode::Out => outputs,
        FanMode::Average => (inputs + outputs) / 2.0,
    }
}

fn variance(scale: f64, fan: f64) -> Result<f64> {
    super::check_scale(scale)?;
    Ok(scale / fan.max(1.0))
}

fn variance_scaling(
    n: usize,
    variance: f64,
    distribution: Distribution,
    rng: &mut Philox,
) -> Vec<f64> {
    match distribution {
        Distribution::Uniform => {
            let limit = (3.0 * variance).sqrt();
            uniform(n, -limit, limit, rng)
        }
        Distribution::TruncatedNormal => {
            truncated_normal(n, 0.0, variance.sqrt() / TRUNCATED_STDDEV, rng)
        }
        Distribution::UntruncatedNormal => (0..n)
            .map(|_| variance.sqrt() * f64::from(rng.normal()))
            .collect(),
    }
}

pub(super) fn identity(shape: &[usize], gain: f64) -> Result<Vec<f64>> {
    let &[rows, columns] = shape else {
        return Err(matrix_needed("Identity", shape));
    };
    let element = |i: usize| {
        if i / columns == i % columns {
            gain
        } else {
            0.0
        }
    };
    Ok((0..rows * columns).map(element).collect())
}

fn matrix_needed(class: &str, shape: &[usize]) -> Error {
    Error::mismatch(
        ErrorKind::Config,
        format!("a matrix for the initializer {class}"),
        format!("a weight of shape {shape:?}"),
    )
}

/// The orthogonal factor of a random normal matrix: all leading axes together are its rows.
fn orthogonal(shape: &[usize], gain: f64, rng: &mut Philox) -> Result<Vec<f64>> {
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
